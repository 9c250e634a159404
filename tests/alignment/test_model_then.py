"""A model followed by a fitted map is a model."""

import numpy as np
import pytest
import torch

from isomorph.alignment import FittedTransform, Global
from isomorph.errors import InputError
from isomorph.models import extract, wrap_model
from isomorph.stimuli import Stimuli


class Net(torch.nn.Module):
    """Tokens, a map of channels, and one row."""

    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.conv = torch.nn.Conv2d(3, 5, 3)
        self.tokens = torch.nn.Linear(5, 4)
        self.head = torch.nn.Linear(4, 3)

    def forward(self, x):
        return self.head(torch.relu_(self.tokens(self.conv(x).flatten(2).transpose(1, 2))).mean(1))


def model(seed=0):
    return wrap_model(Net(seed), name="net", preprocess=lambda image: torch.tensor(image / 255).float().permute(2, 0, 1))


@pytest.fixture(scope="module")
def pictures():
    return Stimuli.from_arrays(np.random.default_rng(0).integers(0, 255, (12, 6, 6, 3), dtype=np.uint8))


def fit(features):
    rng = np.random.default_rng(0)
    return Global(epochs=3).fit(features, np.array([rng.permutation(12)[:3] for _ in range(100)]))


@pytest.mark.parametrize(("layer", "pool"), [("head", "flatten"), ("tokens", "mean"), ("conv", "mean"), ("conv", "flatten")])
def test_features_of_the_new_subject_are_the_mapped_ones(pictures, layer, pool):
    net = model()
    x = extract(net, pictures, layers=[layer], pool=pool)[layer]
    fitted = fit(x)
    aligned = net.then(fitted)
    found = extract(aligned, pictures, layers=["aligned"], pool=pool)["aligned"]
    np.testing.assert_allclose(found.values, fitted.transform(x).values, atol=2e-6)
    again = extract(aligned, pictures, layers=[f"model.{layer}"], pool=pool)[f"model.{layer}"]
    np.testing.assert_array_equal(again.values, x.values)
    assert aligned.name == "user/net+global"
    assert set(aligned.seen) == set(fitted.seen)
    assert aligned.card.layer == "aligned"


def test_the_model_is_unchanged_and_names_differ(pictures):
    net = model()
    before = net.fingerprint
    x = extract(net, pictures, layers=["head"])["head"]
    fitted = fit(x)
    other = FittedTransform(weights=2 * fitted.weights, layer="head")
    assert net.fingerprint == before
    assert len({before, net.then(fitted).fingerprint, net.then(other).fingerprint}) == 3


def test_another_model_is_refused(pictures):
    net, stranger = model(), model(seed=1)
    x = extract(net, pictures, layers=["head"])["head"]
    fitted = fit(x)
    with pytest.raises(InputError, match="with other weights or another preparation"):
        stranger.then(fitted)
    with pytest.raises(InputError, match="with other weights or another preparation"):
        fitted.transform(extract(stranger, pictures, layers=["head"])["head"])
