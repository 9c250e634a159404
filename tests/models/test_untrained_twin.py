"""The untrained twin has the layers of its model, and other weights."""

import pytest

from isomorph.errors import InputError
from isomorph.models import list_models, load_model, model_card, outline, untrained_twin

NAMES = {
    "bundled/mobilenet_v2.imagenet1k": "bundled/mobilenet_v2.random-0",
    "bundled/efficientnet_lite0.imagenet1k": "timm/tf_efficientnet_lite0.random-0",
    "timm/resnet18.a1_in1k": "timm/resnet18.random-0",
    "torchvision/resnet50.IMAGENET1K_V2": "torchvision/resnet50.random-0",
    "open_clip/ViT-B-32.openai": "open_clip/ViT-B-32.random-0",
    "open_clip/ViT-B-32.openai:text": "open_clip/ViT-B-32.random-0:text",
    "ssl/resnet50.dino": "ssl/resnet50.random-0",
    "hf/openai/clip-vit-base-patch32:text": "hf/openai/clip-vit-base-patch32.random-0:text",
    "sentence_transformers/BAAI/bge-base-en-v1.5": "sentence_transformers/BAAI/bge-base-en-v1.5.random-0",
}


@pytest.mark.parametrize("name", NAMES)
def test_the_twin_of_a_name(name):
    twin = untrained_twin(name)
    assert twin == NAMES[name]
    card = model_card(twin)
    assert card.training_data == "none"
    assert card.modality == model_card(name).modality
    assert untrained_twin(name, seed=7) == twin.replace("random-0", "random-7")


@pytest.mark.parametrize("name", ["bundled/mobilenet_v2.imagenet1k", "bundled/efficientnet_lite0.imagenet1k"])
def test_it_has_the_layers_and_another_fingerprint(name):
    model, twin = load_model(name), load_model(untrained_twin(name))
    assert [each for each, _ in model.module.named_modules()] == [each for each, _ in twin.module.named_modules()]
    shapes = [{key: each.shape for key, each in of.module.state_dict().items()} for of in (model, twin)]
    assert shapes[0] == shapes[1]
    assert model.fingerprint != twin.fingerprint
    assert twin.fingerprint == load_model(untrained_twin(name)).fingerprint
    assert twin.fingerprint != load_model(untrained_twin(name, seed=1)).fingerprint


@pytest.mark.parametrize("name", ["ssl/resnet50.dino", "published/cornet_s.imagenet1k", "timm/vit_tiny_patch16_224.augreg_in21k"])
def test_outlines_agree_where_weights_are_elsewhere(name):
    if name not in list_models(name):
        pytest.skip(f"the library of {name} is not installed")
    ours, twins = ([(key, each.shape) for key, each in outline(of).state_dict().items()] for of in (name, untrained_twin(name)))
    assert ours == twins


def test_every_published_network_has_one():
    for name in [*list_models("published/*"), *list_models("ssl/*")]:
        assert model_card(untrained_twin(name)).training_data == "none"


def test_a_model_with_nothing_to_train_has_none():
    with pytest.raises(InputError, match="it has nothing to train"):
        untrained_twin("bundled/pixels")
