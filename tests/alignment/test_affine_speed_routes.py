"""The fast routes of affine alignment give what the plain formulas give, whatever is done in blocks, in groups or side by side."""

import numpy as np
import pytest

from isomorph.alignment import GLocal, objective
from isomorph.alignment._local_loss import local_loss, neighbourhood_floor, neighbourhoods
from isomorph.alignment._preserved import Preserved, image_batches
from isomorph.alignment._side_by_side import side_by_side
from isomorph.alignment._symmetric import add_transpose, upper_products
from isomorph.alignment._triplet_loss import triplet_loss
from isomorph.features import Features


def shares(features, tau):
    """Of each row the softmax of its cosines to the others, written out."""
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    logits = units @ units.T / tau
    np.fill_diagonal(logits, -np.inf)
    logits -= logits.max(axis=1, keepdims=True)
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True), logits - np.log(powers.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("tau", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("n", [5, 128, 300])  # less than a stripe, one, and parts of three
def test_local_loss_equals_the_plain_formula(n, tau):
    rng = np.random.default_rng(0)
    f = rng.normal(size=(n, 12))
    e = f + 0.3 * rng.normal(size=f.shape)
    p, logs = shares(f, tau)[0], shares(e, tau)[1]
    np.fill_diagonal(logs, 0)
    target = neighbourhoods(f, tau)
    np.testing.assert_allclose(np.triu(target, 1), np.triu(p + p.T, 1), rtol=1e-9, atol=1e-300)
    loss, slope = local_loss(e.copy(), target, tau)
    assert loss == pytest.approx(-(p * logs).sum() / n, rel=1e-10)
    entropy = -(p * np.log(p, out=np.zeros_like(p), where=p > 0)).sum() / n
    assert neighbourhood_floor(f, target, tau) == pytest.approx(entropy, rel=1e-10, abs=1e-12)
    assert entropy <= loss
    along = rng.normal(size=e.shape)
    ahead, behind = (local_loss(e + step * along, target, tau)[0] for step in (1e-6, -1e-6))
    assert (slope * along).sum() == pytest.approx((ahead - behind) / 2e-6, rel=1e-4)


@pytest.mark.parametrize("tau", [1.0, 0.1, 0.01])
def test_single_precision_is_close_to_double(tau):
    rng = np.random.default_rng(1)
    f = rng.normal(size=(700, 64))
    e = f * np.exp(0.3 * rng.normal(size=64))
    double = local_loss(e.copy(), neighbourhoods(f, tau), tau)
    single = local_loss(e.astype(np.float32), neighbourhoods(f.astype(np.float32), tau), tau)
    assert single[1].dtype == np.float32
    assert single[0] == pytest.approx(double[0], rel=2e-6)
    np.testing.assert_allclose(single[1], double[1], atol=1e-4 * np.abs(double[1]).max())


@pytest.mark.parametrize("n", [3, 128, 200, 257])
def test_symmetric_products_count_each_pair_once(n):
    values = np.random.default_rng(0).normal(size=(n, 7))
    upper = np.triu(upper_products(values))
    np.testing.assert_allclose(upper, np.triu(values @ values.T), atol=1e-12)
    np.testing.assert_allclose(add_transpose(upper.copy()), upper + upper.T, atol=1e-12)


@pytest.mark.parametrize("soft", [False, True])
def test_many_trials_in_blocks_equal_one_by_one(soft):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 6))
    items = rng.permuted(np.tile(np.arange(30), (40_000, 1)), axis=1)[:, :3]
    targets = rng.dirichlet([1, 1, 1], len(items)) if soft else np.tile([1.0, 0, 0], (len(items), 1))
    loss, slope = triplet_loss(x, items, temperature=2.0, targets=targets if soft else None)
    rows = x[items]
    s = np.stack([(rows[:, a] * rows[:, b]).sum(1) for a, b in ((0, 1), (0, 2), (1, 2))], axis=1) / 2
    logs = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    assert loss == pytest.approx(-(targets * logs).sum(axis=1).mean(), rel=1e-11)
    by_pair, expected = (np.exp(logs) - targets) / (2 * len(items)), np.zeros_like(x)
    for pair, (a, b) in enumerate(((0, 1), (0, 2), (1, 2))):
        np.add.at(expected, items[:, a], by_pair[:, pair, None] * rows[:, b])
        np.add.at(expected, items[:, b], by_pair[:, pair, None] * rows[:, a])
    np.testing.assert_allclose(slope, expected, atol=1e-12)


def test_each_image_stands_in_one_group_a_pass():
    rows = np.arange(1000) * 3
    batches = image_batches(rows, 250, 100, np.random.default_rng(0))
    for _ in range(2):
        step = [next(batches) for _ in range(4)]
        assert [[len(group) for group in each] for each in step] == [[84, 83, 83]] * 4
        np.testing.assert_array_equal(np.sort(np.concatenate([group for each in step for group in each])), rows)


class _At:
    """A map that stands still."""

    def __init__(self, weights, bias, tau):
        self.pair, self.tau = (weights, bias), tau

    def numbers(self, dtype):
        return self.pair


def test_groups_side_by_side_are_the_mean_of_each_alone():
    rng = np.random.default_rng(0)
    f, mean, std = rng.normal(size=(90, 8)) * 3 + 1, np.asarray(1.0), np.asarray(3.0)
    kept = Preserved(values=f, mean=mean, std=std, dtype=np.dtype(np.float64))
    at = [_At(rng.normal(size=(8, 8)), rng.normal(size=8), tau) for tau in (0.1, 0.5)]
    groups = [np.arange(30), np.arange(30, 50), np.arange(50, 90)]
    for term, each in zip(kept.terms(at, groups), at, strict=True):
        alone = [
            objective(*each.pair, f[:3], np.array([[0, 1, 2]]), preserve=(f[rows] - 1) / 3, alpha=1.0, tau=each.tau) for rows in groups
        ]
        assert term.value == pytest.approx(np.mean([one.neighbourhood for one in alone]), rel=1e-12)
        np.testing.assert_allclose(term.weights, np.mean([one.weights for one in alone], axis=0), atol=1e-12)
        np.testing.assert_allclose(term.bias, np.mean([one.bias for one in alone], axis=0), atol=1e-12)


def test_side_by_side_keeps_the_order():
    assert side_by_side(lambda each: each * each, list(range(50))) == [each * each for each in range(50)]


def test_more_images_a_step_lower_the_noise_and_not_the_aim():
    rng = np.random.default_rng(0)
    x = Features(rng.normal(size=(40, 10)), tuple(map(str, range(40))))
    items = rng.permuted(np.tile(np.arange(40), (2000, 1)), axis=1)[:, :3]
    images = Features(rng.normal(size=(600, 10)), tuple(f"image-{row}" for row in range(600)))
    common = {"strength": 0.05, "epochs": 60, "images_a_batch": 100, "precision": "float64"}
    values = [
        objective(each.weights, each.bias, (x.values - each.mean) / each.std, items, preserve=(images.values - each.mean) / each.std,
                  alpha=0.1, tau=0.1, strength=0.05).value
        for each in (GLocal(images_a_step=step, **common).fit(x, items, preserve=images) for step in (None, 600))
    ]  # fmt: skip
    assert values[0] == pytest.approx(values[1], abs=2e-3)
