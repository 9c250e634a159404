from importlib.util import find_spec

import numpy as np
import pytest
import torch
from PIL import Image

from isomorph.errors import DeviceError, InputError, UnknownNameError
from isomorph.models import list_models, load_model, model_card

needs_timm = pytest.mark.skipif(find_spec("timm") is None, reason="needs timm: pip install 'isomorph[timm]'")
needs_torchvision = pytest.mark.skipif(find_spec("torchvision") is None, reason="needs torchvision: pip install 'isomorph[torchvision]'")
PICTURES = [np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8) for shape in ((300, 411, 3), (411, 300, 3), (120, 131, 3))]


@needs_timm
def test_timm_lists_every_pretrained_model_and_reads_cards_without_building_them() -> None:
    names = list_models("timm/*")
    assert len(names) > 1000
    assert "timm/vit_base_patch14_dinov2.lvd142m" in list_models("vit*dinov2*")
    card = model_card("timm/vit_base_patch14_dinov2.lvd142m")
    assert (card.objective, card.training_data) == ("self-distillation", "LVD-142M")
    assert card.recipe["height_pixels"] == 518
    assert card.licence.lower() == "apache-2.0"
    assert list_models("timm/resnet18*", objective="image-text*") == []


@needs_timm
@pytest.mark.parametrize(
    "tag",
    [
        "resnet18.a1_in1k",
        "vit_small_patch14_dinov2.lvd142m",
        "volo_d1_224.sail_in1k",
        "vit_base_patch16_clip_224.openai",
        "tf_efficientnet_lite0.in1k",
        "volo_d4_448.sail_in1k",
    ],
)
def test_the_preparation_equals_timms_own(tag: str) -> None:
    from isomorph.models._timm import TimmSource, _recipe

    source = TimmSource()
    recipe = _recipe(source._timm.get_pretrained_cfg(tag))
    from timm.data import create_transform, resolve_data_config

    settings = resolve_data_config({}, pretrained_cfg=source._timm.get_pretrained_cfg(tag).to_dict())
    transform = create_transform(**settings, is_training=False)
    for picture in PICTURES:
        torch.testing.assert_close(recipe([picture])[0], transform(Image.fromarray(picture)), atol=1e-6, rtol=0)


@needs_timm
def test_untrained_timm_models_come_from_their_seed() -> None:
    first, again, other = (load_model(f"timm/test_vit.random-{seed}") for seed in (0, 0, 1))
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert first.card.objective == "none"
    assert first.card.parameters == sum(each.numel() for each in first.module.parameters())
    assert first.forward(first.prepare(PICTURES)).shape[0] == 3


@needs_timm
def test_a_name_without_a_tag_gets_the_default_one() -> None:
    assert model_card("timm/resnet18").name == "timm/resnet18.a1_in1k"


@needs_torchvision
@pytest.mark.parametrize("name", ["resnet50.IMAGENET1K_V2", "alexnet.IMAGENET1K_V1", "vit_l_16.IMAGENET1K_SWAG_LINEAR_V1"])
def test_the_preparation_equals_torchvisions_own(name: str) -> None:
    from isomorph.models._torchvision import TorchvisionSource, _recipe

    weights = TorchvisionSource()._weights[name]
    for picture in PICTURES:
        expected = weights.transforms()(Image.fromarray(picture))
        torch.testing.assert_close(_recipe(weights)([picture])[0], expected, atol=1e-6, rtol=0)


@needs_torchvision
def test_torchvision_models_have_cards_and_seeds() -> None:
    card = model_card("torchvision/resnet50.IMAGENET1K_V2")
    assert (card.parameters, card.training_data) == (25557032, "ImageNet-1k")
    model = load_model("torchvision/squeezenet1_1.random-2")
    assert model.name == "torchvision/squeezenet1_1.random-2"
    assert model.fingerprint == load_model("torchvision/squeezenet1_1.random-2").fingerprint
    assert model.forward(model.prepare(PICTURES[:1])).shape == (1, 1000)


@pytest.mark.parametrize("name", ["tim/resnet18", "bundled/pixel", "bundled/efficientnet_lite0"])
def test_unknown_names_say_what_is_close(name: str) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean"):
        load_model(name)


@pytest.mark.parametrize("name", ["pixels", "bundled/", "/pixels", ""])
def test_a_name_has_a_source_and_a_rest(name: str) -> None:
    with pytest.raises((InputError, UnknownNameError)):
        load_model(name)


def test_no_device_is_substituted() -> None:
    with pytest.raises(DeviceError, match="this machine has no device 'cuda:99'; it has 'cpu'"):
        load_model("bundled/pixels", device="cuda:99")
    with pytest.raises(InputError, match="'gpu' is not a device's name"):
        load_model("bundled/pixels", device="gpu")


def test_a_changed_recipe_changes_name_and_fingerprint_and_nothing_else() -> None:
    plain = load_model("bundled/pixels")
    cut = plain.with_recipe(resize="crop", resize_pixels=256)
    assert cut.name == "bundled/pixels(resize='crop',resize_pixels=256)"
    assert cut.fingerprint != plain.fingerprint
    assert cut.card.recipe["resize_pixels"] == 256
    assert plain.with_recipe(resize="squash") is plain
    assert load_model("bundled/pixels", recipe={"resize": "crop", "resize_pixels": 256}).fingerprint == cut.fingerprint
    assert cut.with_recipe(resize="squash").recipe == plain.recipe
    with pytest.raises(InputError, match="Did you mean 'resize'"):
        plain.with_recipe(resise="crop")
    with pytest.raises(InputError, match="must be one of 'crop', 'squash', 'pad'"):
        plain.with_recipe(resize="stretch")


@pytest.mark.parametrize("bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 4), np.uint8), "text"])
def test_what_is_no_picture_is_refused(bad: object) -> None:
    with pytest.raises(InputError, match="a picture must be uint8"):
        load_model("bundled/pixels").prepare([bad])
