"""Alignment and shape measures against scipy, POT, and the published formulas written out slowly."""

import itertools

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import scipy.spatial
from scipy.spatial.distance import cdist

from isomorph.measures import (
    AngularProcrustes,
    HardCorrelationMatch,
    PartialWhitening,
    PermutationMatch,
    Procrustes,
    SoftCorrelationMatch,
    SoftMatch,
    StochasticShape,
    load_measure,
)

NINE = {"rel": 1e-9, "abs": 1e-10}
ORACLE = {"procrustes": 5.85112607785, "angular-procrustes": 0.762981579934}


def oracle_pair():
    legacy = np.random.RandomState(0)
    x, y = legacy.uniform(size=(30, 25)), legacy.uniform(size=(30, 25))
    assert x[0, :3] == pytest.approx([0.5488135, 0.71518937, 0.60276338])
    assert y[0, :3] == pytest.approx([0.30040368, 0.54950057, 0.93081872])
    return x, y


def random_pair(n=40, p=6, q=9, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) * np.linspace(0.3, 2, p) + 1
    return x, x @ rng.normal(size=(p, q)) + 2 * rng.normal(size=(n, q))


def padded(x, y):
    width = max(x.shape[1], y.shape[1])
    return (np.hstack([each - each.mean(axis=0), np.zeros((len(each), width - each.shape[1]))]) for each in (x, y))


@pytest.mark.parametrize("name", ORACLE)
def test_the_published_oracle(name):
    assert load_measure(name)(*oracle_pair()) == pytest.approx(ORACLE[name], abs=1e-10)


@pytest.mark.parametrize("shape", [(40, 6, 9), (40, 9, 6), (12, 30, 20), (25, 10, 60)], ids=str)
def test_procrustes_rotates_as_scipy_does(shape):
    x, y = padded(*random_pair(*shape))
    rotation, _ = scipy.linalg.orthogonal_procrustes(y, x)
    assert Procrustes()(*random_pair(*shape)) == pytest.approx(np.linalg.norm(x - y @ rotation), **NINE)
    unit = x / np.linalg.norm(x), y / np.linalg.norm(y)
    rotation, overlap = scipy.linalg.orthogonal_procrustes(*unit)
    assert Procrustes(form="unit")(*random_pair(*shape)) == pytest.approx(np.linalg.norm(unit[0] @ rotation - unit[1]), **NINE)
    assert Procrustes(form="half")(*random_pair(*shape)) == pytest.approx(1 - overlap, **NINE)
    assert AngularProcrustes()(*random_pair(*shape)) == pytest.approx(np.arccos(overlap), **NINE)
    assert Procrustes(form="disparity")(*random_pair(*shape)) == pytest.approx(scipy.spatial.procrustes(x, y)[2], **NINE)


def test_forms_follow_from_each_other():
    x, y = random_pair()
    value = {form: Procrustes(form=form)(x, y) for form in ("euclidean", "squared", "unit", "unit-squared", "half")}
    assert value["euclidean"] ** 2 == pytest.approx(value["squared"], **NINE)
    assert value["unit"] ** 2 == pytest.approx(value["unit-squared"], **NINE)
    assert value["unit-squared"] / 2 == pytest.approx(value["half"], **NINE)
    assert np.cos(AngularProcrustes()(x, y)) == pytest.approx(1 - value["half"], **NINE)
    assert np.cos(AngularProcrustes()(x, y)) == pytest.approx(load_measure("nbs")(x, y), **NINE)
    assert value["euclidean"] == pytest.approx(load_measure("bures")(x, y), **NINE)


def netrep_angle(x, y, alpha):
    """Whiten with the eigenvectors of xᵀx, rotate, and take the angle."""
    whitened = []
    for each in padded(x, y):
        values, vectors = np.linalg.eigh(each.T @ each)
        inverse = np.where(values > 1e-9 * values[-1], 1 / np.sqrt(np.maximum(values, 1e-30)), 0)
        whitened.append(each @ (vectors * (alpha + (1 - alpha) * inverse)) @ vectors.T)
    one, other = whitened
    rotation, _ = scipy.linalg.orthogonal_procrustes(one, other)
    turned = one @ rotation
    return np.arccos((turned * other).sum() / np.linalg.norm(turned) / np.linalg.norm(other))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("alpha", [0.0, 0.2, 0.7, 1.0])
@pytest.mark.parametrize("shape", [(40, 6, 9), (40, 8, 8)], ids=str)
def test_partial_whitening_is_netrep_s(alpha, shape):
    x, y = random_pair(*shape)
    assert PartialWhitening(alpha=alpha)(x, y) == pytest.approx(netrep_angle(x, y, alpha), **NINE)
    n = len(x)  # Σ = xᵀx / n: the same mixture of features that are √n smaller
    assert PartialWhitening(alpha=alpha, unit="mean")(x, y) == pytest.approx(netrep_angle(x / np.sqrt(n), y / np.sqrt(n), alpha), **NINE)


def every_matching(gain):
    """The best of all one-to-one matchings, by trying them."""
    gain = gain if gain.shape[0] <= gain.shape[1] else gain.T
    return max(sum(gain[i, j] for i, j in enumerate(order)) for order in itertools.permutations(range(gain.shape[1]), gain.shape[0]))


@pytest.mark.parametrize("shape", [(15, 5, 5), (15, 4, 6), (15, 6, 3)], ids=str)
def test_matchings_are_the_best_of_all(shape):
    x, y = random_pair(*shape)
    one, other = x - x.mean(axis=0), y - y.mean(axis=0)
    cosine = every_matching(one.T @ other) / np.linalg.norm(one) / np.linalg.norm(other)
    assert PermutationMatch()(x, y) == pytest.approx(cosine, **NINE)
    assert PermutationMatch(form="angular")(x, y) == pytest.approx(np.arccos(cosine), **NINE)
    r = np.corrcoef(x.T, y.T)[: shape[1], shape[1] :]
    assert HardCorrelationMatch()(x, y) == pytest.approx(every_matching(r) / min(shape[1:]), **NINE)
    assert SoftCorrelationMatch()(x, y) == pytest.approx((r.max(axis=1).mean() + r.max(axis=0).mean()) / 2, **NINE)
    first, second = padded(x, y)
    rows, columns = scipy.optimize.linear_sum_assignment(first.T @ second, maximize=True)
    assert PermutationMatch(form="euclidean")(x, y) == pytest.approx(np.linalg.norm(first[:, rows] - second[:, columns]), **NINE)


@pytest.mark.parametrize("shape", [(30, 7, 7), (30, 6, 9), (30, 12, 5), (25, 4, 8), (20, 31, 45), (50, 60, 17)], ids=str)
def test_soft_matching_is_optimal_transport(shape):
    ot = pytest.importorskip("ot", reason="POT is a test oracle only")
    x, y = random_pair(*shape)
    p, q = shape[1:]
    uniform = np.full(p, 1 / p), np.full(q, 1 / q)
    r = np.corrcoef(x.T, y.T)[:p, p:]
    plan = ot.emd(*uniform, 1 - r, numItermax=10**6)
    assert SoftMatch()(x, y) == pytest.approx((plan * r).sum(), **NINE)
    squares = cdist((x - x.mean(axis=0)).T, (y - y.mean(axis=0)).T, "sqeuclidean")
    plan = ot.emd(*uniform, squares, numItermax=10**6)
    assert SoftMatch(form="distance")(x, y) == pytest.approx(np.sqrt((plan * squares).sum()), **NINE)


def test_soft_matching_of_equal_widths_is_hard_matching():
    for seed in range(5):
        x, y = random_pair(25, 8, 8, seed)
        assert SoftMatch()(x, y) == pytest.approx(HardCorrelationMatch()(x, y), **NINE)


def test_without_repeats_a_stochastic_shape_is_procrustes():
    for shape in ((20, 5, 5), (20, 4, 7), (12, 20, 15)):
        x, y = random_pair(*shape)
        assert StochasticShape()(x, y) == pytest.approx(Procrustes()(x, y) / np.sqrt(shape[0]), **NINE)
        means = StochasticShape(mean_weight=2.0)(np.repeat(x[:, None], 3, axis=1), y)
        assert means == pytest.approx(Procrustes()(x, y) * np.sqrt(2 / shape[0]), **NINE)


def noisy_pair(n=6, p=3, repeats=50, seed=0):
    rng = np.random.default_rng(seed)
    x, y = (rng.normal(size=(n, 1, p)) + rng.normal(size=(n, repeats, p)) @ rng.normal(size=(n, p, p)) for _ in range(2))
    return x, y


def wasserstein(mean, covariance, other, other_covariance):
    """The textbook formula, with matrix square roots."""
    root = scipy.linalg.sqrtm(covariance).real
    between = scipy.linalg.sqrtm(root @ other_covariance @ root).real
    return np.square(mean - other).sum() + np.trace(covariance) + np.trace(other_covariance) - 2 * np.trace(between)


def gaussians(x):
    x = x - x.mean(axis=(0, 1))
    return x.mean(axis=1), np.stack([np.cov(each.T) for each in x])


def test_a_stochastic_shape_is_the_smallest_mean_of_wasserstein_distances():
    """In two dimensions every rotation and reflection can be tried."""
    x, y = noisy_pair(p=2)
    (mx, cx), (my, cy) = gaussians(x), gaussians(y)

    def objective(angle, flip):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([1, flip])
        return np.mean([wasserstein(a, b, c @ turn, turn.T @ d @ turn) for a, b, c, d in zip(mx, cx, my, cy, strict=True)])

    best = np.inf
    for flip in (1, -1):
        angles = np.linspace(0, 2 * np.pi, 60)
        start = min(angles, key=lambda angle, flip=flip: objective(angle, flip))
        around = (start - 0.2, start + 0.2)
        found = scipy.optimize.minimize_scalar(
            lambda angle, flip=flip: objective(angle, flip), bounds=around, method="bounded", options={"xatol": 1e-10}
        )
        best = min(best, found.fun)
    assert StochasticShape()(x, y) == pytest.approx(np.sqrt(best), rel=1e-9)


def test_the_energy_distance_of_one_feature_is_the_textbook_one():
    """With one feature the only rotations are 1 and −1."""
    x, y = noisy_pair(p=1, repeats=12)
    x, y = x - x.mean(axis=(0, 1)), y - y.mean(axis=(0, 1))

    def energy(a, b):
        return cdist(a, b).mean() - cdist(a, a).mean() / 2 - cdist(b, b).mean() / 2

    best = min(np.mean([energy(a, sign * b) for a, b in zip(x, y, strict=True)]) for sign in (1, -1))
    assert StochasticShape(form="energy")(x, y) == pytest.approx(np.sqrt(best), **NINE)


def test_the_search_does_not_miss_what_many_starts_find():
    for seed in range(2):
        x, y = noisy_pair(n=8, p=4, repeats=6, seed=seed)
        thorough = StochasticShape(starts=25)(x, y)
        assert thorough <= StochasticShape()(x, y) <= 1.03 * thorough
