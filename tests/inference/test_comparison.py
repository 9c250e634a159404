import numpy as np
import pytest
from scipy import stats

from isomorph.errors import ShapeError, UnknownNameError
from isomorph.inference import compare_rdms
from isomorph.inference._kendall import tau_a
from isomorph.inference._ranks import Ranker, midranks

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


def test_tau_a_of_long_vectors_without_ties_equals_scipy_tau_b():
    x, y = RNG.normal(size=(2, 3001))
    assert tau_a(x, y)[0] == pytest.approx(stats.kendalltau(x, y)[0], abs=1e-12)


def test_weighted_ranks_and_tau_equal_those_of_the_repeated_sample():
    weights = RNG.multinomial(190, np.full(190, 1 / 190), size=5)
    rows = [np.repeat(np.arange(190), each) for each in weights]
    for y in Y:
        ranks, tau = Ranker(y).ranks(weights), tau_a(X[0], y, weights)
        for replicate, at in enumerate(rows):
            np.testing.assert_array_equal(ranks[replicate, at], stats.rankdata(y[at]))
            assert tau[replicate] == pytest.approx(brute_tau_a(X[0, at], y[at]), abs=1e-12)


def test_midranks_equal_scipy():
    np.testing.assert_array_equal(midranks(Y), stats.rankdata(Y, axis=1))


def test_a_constant_rdm_is_refused():
    flat = np.full((1, 190), 0.1)
    for comparison in ("pearson", "spearman"):
        with pytest.raises(ShapeError, match="same distance"):
            compare_rdms(X, flat, comparison=comparison)


def test_different_numbers_of_pairs_are_refused():
    with pytest.raises(ShapeError, match="x has 190 pairs and y has 189"):
        compare_rdms(X, Y[:, 1:])


def test_an_unknown_comparison_says_what_is_close():
    with pytest.raises(UnknownNameError, match="Did you mean 'spearman'"):
        compare_rdms(X, Y, comparison="spearmann")
