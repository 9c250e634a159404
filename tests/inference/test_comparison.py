import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import pdist

from isomorph.errors import ShapeError, UnknownNameError
from isomorph.inference import COMPARISONS, compare_rdms, weighted_similarities
from isomorph.inference._kendall import Blocks, PairCounter, kendall
from isomorph.inference._ranks import Ranker, RankTable, midranks

RNG = np.random.default_rng(2)
X = RNG.normal(size=(3, 190))
Y = np.concatenate([X[:1] + RNG.normal(size=(1, 190)), RNG.integers(0, 4, size=(2, 190))])  # the last two are full of ties


def brute_tau_a(x, y):
    first, second = np.triu_indices(len(x), 1)
    return float((np.sign(x[first] - x[second]) * np.sign(y[first] - y[second])).sum() / len(first))


@pytest.mark.parametrize(
    ("comparison", "reference"),
    [
        ("pearson", lambda x, y: stats.pearsonr(x, y)[0]),
        ("spearman", lambda x, y: stats.spearmanr(x, y)[0]),
        ("cosine", lambda x, y: x @ y / np.linalg.norm(x) / np.linalg.norm(y)),
        ("tau-a", brute_tau_a),
        ("tau-b", lambda x, y: stats.kendalltau(x, y)[0]),
    ],
)
def test_every_pair_equals_the_definition(comparison, reference):
    expected = [[reference(x, y) for y in Y] for x in X]
    np.testing.assert_allclose(compare_rdms(X, Y, comparison=comparison), expected, rtol=0, atol=1e-12)


def test_rho_a_is_spearman_averaged_over_ways_to_break_ties():
    x, y = X[0, :8], Y[1, :8]
    broken = [stats.spearmanr(x, y + 1e-6 * RNG.permutation(8))[0] for _ in range(1500)]
    assert compare_rdms(x[None], y[None], comparison="rho-a")[0, 0] == pytest.approx(np.mean(broken), abs=0.03)
    assert compare_rdms(X, X, comparison="rho-a") == pytest.approx(compare_rdms(X, X, comparison="spearman"), abs=1e-12)


@pytest.mark.parametrize("size", [1, 2, 3, 64, 65, 3001])
def test_tau_of_vectors_of_any_length_equals_scipy(size):
    x, y = RNG.normal(size=size), RNG.integers(0, 50, size=size)
    for a, b in ((x, y), (y, x), (y, y)):
        with np.errstate(all="ignore"):
            assert kendall(a[None], b[None], comparison="tau-b")[0] == pytest.approx(stats.kendalltau(a, b)[0], abs=1e-12, nan_ok=True)


def test_a_matrix_of_tau_with_itself_is_symmetric_and_equals_the_pairs():
    matrix = compare_rdms(Y, Y, comparison="tau-b")
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_allclose(matrix, [[stats.kendalltau(x, y)[0] for y in Y] for x in Y], atol=1e-12)


def test_weighted_ranks_and_tau_equal_those_of_the_repeated_sample():
    weights = RNG.multinomial(190, np.full(190, 1 / 190), size=5)
    for y in Y:
        counted = PairCounter(Blocks(X[0]), Blocks(y)).scores(np.vstack([weights.T, np.zeros((1, 5))]).astype(float))
        for replicate, each in enumerate(weights):
            at = np.repeat(np.arange(190), each)
            np.testing.assert_array_equal(RankTable(y[None]).ranks(each)[0, at], stats.rankdata(y[at]))
            np.testing.assert_array_equal(Ranker(y).ranks(weights)[replicate, at], stats.rankdata(y[at]))
            assert counted[replicate] == round(brute_tau_a(X[0, at], y[at]) * len(at) * (len(at) - 1) / 2)
            tau_a, tau_b = (kendall(X[:1], y[None], each[None], comparison=kind)[0] for kind in ("tau-a", "tau-b"))
            assert tau_a == pytest.approx(brute_tau_a(X[0, at], y[at]), abs=1e-12)
            assert tau_b == pytest.approx(stats.kendalltau(X[0, at], y[at])[0], abs=1e-12)


@pytest.mark.parametrize("levels", [1, 2, 5, 4000])
def test_pairs_counted_by_blocks_equal_pairs_counted_bit_by_bit(levels):
    x, y = RNG.integers(0, 700, size=4000), RNG.integers(0, levels, size=4000)
    weights = RNG.integers(0, 4, size=(3, 4000))
    total = weights.sum(axis=1)
    expected = [kendall(x[None], y[None], each[None], comparison="tau-a")[0] for each in weights]
    counted = PairCounter(Blocks(x), Blocks(y)).scores(np.vstack([weights.T, np.zeros((1, 3))]).astype(float))
    np.testing.assert_allclose(counted / (total * (total - 1) / 2), expected, atol=1e-13)


def test_midranks_equal_scipy():
    np.testing.assert_array_equal(midranks(Y), stats.rankdata(Y, axis=1))


def test_a_constant_rdm_is_refused():
    flat = np.full((1, 190), 0.1)
    for comparison in ("pearson", "spearman", "tau-b", "corr_cov"):
        with pytest.raises(ShapeError, match="same distance"):
            compare_rdms(X, flat, comparison=comparison)


def test_different_numbers_of_pairs_are_refused():
    with pytest.raises(ShapeError, match="x has 190 pairs and y has 189"):
        compare_rdms(X, Y[:, 1:])


def test_an_unknown_comparison_says_what_is_close():
    with pytest.raises(UnknownNameError, match="Did you mean 'spearman'"):
        compare_rdms(X, Y, comparison="spearmann")


@pytest.mark.parametrize("comparison", ["cosine", "cosine_cov", "bures"])
def test_an_rdm_of_zeros_is_refused_by_every_cosine(comparison):
    with pytest.raises(ShapeError, match="x number 1 has the same distance"):
        compare_rdms(np.stack([X[0] ** 2, 0 * X[0]]), X[1:] ** 2, comparison=comparison)


@pytest.mark.parametrize("comparison", COMPARISONS)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, bool])
def test_narrow_types_are_widened_before_anything_is_multiplied(comparison, dtype):
    x = (np.abs(X) * 80 + 100).clip(0, 250).astype(dtype) if dtype is not bool else X > 0
    y = np.stack([pdist(RNG.normal(size=(20, 30)), "sqeuclidean") for _ in range(2)])
    narrow = compare_rdms(x, y, comparison=comparison)
    np.testing.assert_allclose(narrow, compare_rdms(x.astype(np.float64), y, comparison=comparison), rtol=1e-12)
    weights = RNG.multinomial(20, np.full(20, 1 / 20), size=2)
    pair = np.array([0]), np.array([1])
    np.testing.assert_allclose(
        weighted_similarities(x[:2], *pair, weights, comparison="pearson"),
        weighted_similarities(x[:2].astype(np.float64), *pair, weights, comparison="pearson"),
        rtol=1e-12,
    )
