"""MC dropout of whole networks: what drops is found, whether it is a module or a call, and nothing else changes."""

import numpy as np
import pytest
import torch

from isomorph.abstention import MCDropout
from isomorph.abstention._network import stochastic_modules, switched_on
from isomorph.errors import InputError
from isomorph.models import ImageRecipe, load_model, wrap_model
from isomorph.models._visalign_models import visalign_network

SMALL = ("vit_small", "swin_small", "convnext_small", "densenet_small", "mlp_small")
SIDES = {"height_pixels": 64, "width_pixels": 64, "resize_pixels": 64}
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("architecture", SMALL)
def test_passes_of_small_networks_differ(architecture: str) -> None:
    model = load_model(f"visalign/{architecture}.random-0")
    torch.manual_seed(0)
    for name, each in model.module.named_parameters():  # untrained, these hide what the blocks do
        if name.endswith(("layer_scale", "heads.head.weight")):
            torch.nn.init.normal_(each)
    before = {name: each.clone() for name, each in model.module.state_dict().items()}
    passes = MCDropout(passes=6, batch_size=2).run(model, PICTURES)
    assert passes.shape == (6, 3, 10)
    assert (passes.std(axis=0) > 0).all()  # each item, each class
    assert MCDropout(kind="mutual-information").score(passes).min() > 0
    np.testing.assert_array_equal(passes, MCDropout(passes=6, batch_size=2).run(model, PICTURES))
    assert all(torch.equal(before[name], each) for name, each in model.module.state_dict().items())  # batch statistics, too
    assert not any(each.training for each in model.module.modules())


def test_the_mean_of_many_passes_is_near_the_quiet_answer() -> None:
    """Dropout keeps expectations: what is switched on is dropout and nothing else."""
    model = load_model("visalign/densenet_small.random-0")
    quiet = model.forward(model.prepare(list(PICTURES))).numpy()
    passes = MCDropout(passes=60).run(model, PICTURES)
    assert np.abs(passes.mean(axis=0) - quiet).max() < 5 * (passes.std(axis=0) / np.sqrt(60)).max() + 0.02


@pytest.mark.parametrize(
    ("architecture", "random"), [("vit_30_16", 0), ("swin_extra", 20), ("convnext_extra", 58), ("densenet_extra", 0), ("mlp", 0)]
)
def test_which_large_networks_have_something_random(architecture: str, random: int) -> None:
    """As published, three have neither dropout nor stochastic depth."""
    with torch.device("meta"):
        module = visalign_network(architecture)
    assert len(stochastic_modules(module)) == random


def test_a_network_of_which_nothing_is_random_is_refused() -> None:
    module = visalign_network("densenet_small")
    for each in module.modules():
        if hasattr(each, "drop_rate"):
            each.drop_rate = 0.0  # as densenet_extra
    with pytest.raises(InputError, match="user/quiet has no dropout and no stochastic depth with a probability above 0"):
        MCDropout().run(wrap_model(module, name="quiet", preprocess=ImageRecipe(**SIDES)), PICTURES)


def test_layers_of_a_large_densenet_drop_once_they_are_told_to() -> None:
    with torch.device("meta"):
        module = visalign_network("densenet_extra").eval()
    layers = [each for each in module.modules() if type(each).__name__ == "_DenseLayer"]
    for each in layers:
        each.drop_rate = 0.1
    assert stochastic_modules(module) == layers
    assert len(layers) == 24 + 48 + 84 + 64
    with switched_on(layers):
        assert [each for each in module.modules() if each.training] == layers  # no batch norm inside them
    assert not any(each.training for each in layers)


def test_attention_that_drops_by_a_call() -> None:
    class Attends(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = torch.nn.MultiheadAttention(12, 2, dropout=0.5, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            tokens = x.flatten(2).transpose(1, 2)[:, :16].repeat(1, 1, 4)
            return self.attention(tokens, tokens, tokens, need_weights=False)[0].mean(dim=1)

    torch.manual_seed(0)
    passes = MCDropout(passes=4).run(wrap_model(Attends(), name="attends", preprocess=ImageRecipe(**SIDES)), PICTURES)
    assert (passes.std(axis=0) > 0).all()
