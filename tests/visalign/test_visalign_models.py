"""VisAlign's networks: exactly its numbers of parameters, and small ones that answer."""

from importlib.util import find_spec

import numpy as np
import pytest

from isomorph.models import list_models, load_model, model_card, outline
from isomorph.models._visalign_models import visalign_network
from isomorph.stimuli import Stimuli
from isomorph.visalign._head import classifier, features_and_logits

pytestmark = pytest.mark.skipif(find_spec("torchvision") is None, reason="torchvision's architectures are needed")

PARAMETERS = {
    "vit_30_16": 378_889_226,
    "swin_extra": 308_661_650,
    "convnext_extra": 305_797_834,
    "densenet_extra": 294_850_186,
    "mlp": 300_162_138,
}
WIDTHS = {"vit_30_16": 1024, "swin_extra": 2048, "convnext_extra": 1536, "densenet_extra": 7752, "mlp": 2048}
SMALL = ("vit_small", "swin_small", "convnext_small", "densenet_small", "mlp_small")


@pytest.mark.parametrize("name", [*PARAMETERS, *SMALL])
def test_networks_are_as_large_as_they_say(name):
    network = outline(f"visalign/{name}")
    count = sum(each.numel() for each in network.parameters())
    assert {each.device.type for each in network.parameters()} == {"meta"}
    assert count == PARAMETERS.get(name, count) == model_card(f"visalign/{name}").parameters
    width = classifier(network).in_features
    assert width == WIDTHS.get(name, width)


@pytest.mark.parametrize("name", SMALL)
def test_features_are_what_enters_the_classifier(name):
    pictures = Stimuli.from_arrays(np.random.default_rng(1).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8))
    model = load_model(f"visalign/{name}")
    features, logits = features_and_logits(model, pictures, batch_size=2)
    last = classifier(model.module)
    assert features.shape == (3, last.in_features)
    assert logits == pytest.approx(features @ last.weight.numpy().T + last.bias.numpy(), abs=1e-4)


@pytest.mark.parametrize("name", ["mlp_small", "convnext_small"])
def test_small_networks_answer_and_seeds_draw_weights(name):
    picture = np.random.default_rng(0).integers(0, 256, (70, 80, 3), dtype=np.uint8)
    models = [load_model(f"visalign/{name}.random-{seed}") for seed in (3, 3, 4)]
    first, again, other = (each.forward(each.prepare([picture])).numpy() for each in models)
    assert first.shape == (1, 10)
    assert (first == again).all()
    assert (first != other).any()


def test_rows_are_listed_with_ten_outputs_or_any():
    assert len(list_models("visalign/*")) == 10
    assert visalign_network("densenet_small", 3).classifier.out_features == 3
