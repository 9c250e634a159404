"""What methods do to networks: a step on the pixels, and passes with random parts."""

import numpy as np
import pytest
import torch
from scipy import special

from isomorph.abstention import MCDropout, Odin
from isomorph.models import ImageRecipe, Model, wrap_model

SIDE = 6
PICTURES = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3), dtype=np.uint8)


class DropPath(torch.nn.Module):
    """Stochastic depth, under the name that timm and transformers give it."""

    def __init__(self, drop_prob: float) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        keep = torch.rand(len(x), 1) >= self.drop_prob
        return x * keep / (1 - self.drop_prob) if self.training else x


def model(*layers: torch.nn.Module, **options: object) -> Model:
    sides = {"height_pixels": SIDE, "width_pixels": SIDE, "resize_pixels": SIDE}
    return wrap_model(torch.nn.Sequential(*layers), name="net", preprocess=ImageRecipe(**sides, **options))


def linear(seed: int = 0) -> tuple[torch.nn.Flatten, torch.nn.Linear]:
    torch.manual_seed(seed)
    return torch.nn.Flatten(), torch.nn.Linear(3 * SIDE * SIDE, 4)


def expected(net: Model, odin: Odin, sigma: tuple[float, ...]) -> np.ndarray:
    """In numpy, for a linear network: the slope of the cross-entropy is Wᵀ (π − e) / T."""
    weights, bias = (each.numpy().astype(float) for each in (net.module[1].weight, net.module[1].bias))
    x = net.prepare(list(PICTURES)).numpy().astype(float).reshape(len(PICTURES), -1)
    logits = x @ weights.T + bias
    off = special.softmax(logits / odin.temperature, axis=1) - np.eye(4)[logits.argmax(axis=1)]
    step = odin.epsilon * np.sign(off @ weights) / np.repeat(sigma, SIDE * SIDE)
    return (x - step) @ weights.T + bias


@pytest.mark.parametrize("maximum", [1.0, 255.0])
def test_the_step_of_odin_is_in_the_units_of_the_recipe(maximum: float) -> None:
    """VisAlign divides by CIFAR's deviations whatever the preprocessing was."""
    std = tuple(maximum * each for each in (0.1, 0.2, 0.4))
    net, odin = model(*linear(), std=std, maximum=maximum), Odin(epsilon=0.02, temperature=10.0)
    np.testing.assert_allclose(odin.run(net, PICTURES), expected(net, odin, (0.1, 0.2, 0.4)), rtol=1e-4)
    theirs = (63 / 255, 62.1 / 255, 66.7 / 255)
    cifar = Odin(epsilon=0.02, temperature=10.0, sigma=theirs).run(net, PICTURES)
    np.testing.assert_allclose(cifar, expected(net, odin, theirs), rtol=1e-4)
    assert np.abs(cifar - odin.run(net, PICTURES)).max() > 0.01


def test_the_step_makes_a_network_surer_and_batches_play_no_part() -> None:
    net = model(*linear())
    plain, moved = Odin(epsilon=0).run(net, PICTURES), Odin(epsilon=0.02).run(net, PICTURES)
    np.testing.assert_allclose(plain, net.forward(net.prepare(list(PICTURES))).numpy(), rtol=1e-5)
    scores = [Odin(temperature=2.0).score(each) for each in (plain, moved)]
    assert (scores[1] < scores[0]).all()
    np.testing.assert_allclose(Odin(epsilon=0.02, batch_size=2).run(net, PICTURES), moved, rtol=1e-5)


def test_only_dropout_is_switched_on() -> None:
    """VisAlign trains the whole network: batch statistics would be used, and changed."""
    torch.manual_seed(0)
    norm = torch.nn.BatchNorm1d(4)
    norm.running_mean, norm.running_var = torch.randn(4), torch.rand(4) + 0.5
    net = model(*linear(), norm, torch.nn.Dropout(1e-9))
    before = {name: each.clone() for name, each in net.module.state_dict().items()}
    with pytest.warns(UserWarning, match="all 2 passes of user/net are equal, although 1 of its modules should drop something"):
        passes = MCDropout(passes=2).run(net, PICTURES)
    quiet = net.forward(net.prepare(list(PICTURES))).numpy()
    np.testing.assert_allclose(passes, np.stack([quiet, quiet]), rtol=1e-5)
    assert all(torch.equal(before[name], each) for name, each in net.module.state_dict().items())
    assert not any(each.training for each in net.module.modules())


def test_passes_are_seeded_and_leave_no_trace() -> None:
    net = model(*linear(), torch.nn.Dropout(0.5))
    torch.manual_seed(3)
    state = torch.get_rng_state()
    first, again, other = (MCDropout(passes=4, seed=seed, batch_size=2).run(net, PICTURES) for seed in (0, 0, 1))
    assert torch.equal(state, torch.get_rng_state())
    assert first.shape == (4, 5, 4)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert all((first[0] != each).any() for each in first[1:])


def test_stochastic_depth_counts_and_a_failing_pass_leaves_evaluation_mode() -> None:
    net = model(*linear(), DropPath(0.5))
    passes = MCDropout(passes=8).run(net, PICTURES)
    quiet = net.forward(net.prepare(list(PICTURES))).numpy()
    assert {round(float(each), 3) for each in (passes / quiet).ravel()} == {0.0, 2.0}
    broken = model(*linear(), torch.nn.Dropout(0.5), torch.nn.Unflatten(1, (2, 2)))
    with pytest.raises(ValueError, match=r"net gives \[5, 2, 2\] where a classifier gives \[item, class\]; MCDropout needs its logits"):
        MCDropout().run(broken, PICTURES)
    assert not any(each.training for each in broken.module.modules())
