import numpy as np
import pytest
from scipy.linalg import eigvalsh, sqrtm
from scipy.optimize import brute, minimize
from scipy.spatial.distance import pdist, squareform

from isomorph.errors import ShapeError
from isomorph.inference import compare_rdms, noise_ceiling, rsa_scores
from isomorph.measures import RSA

RNG = np.random.default_rng(6)
N = 8
FEATURES = RNG.normal(size=(4, N, 12))
RDMS = np.stack([pdist(each, "sqeuclidean") for each in FEATURES])


def second_moments(rdm):
    """Inner products relative to the first stimulus, as in the published definition."""
    d = squareform(rdm)
    return (d[0, 1:, None] + d[0, None, 1:] - d[1:, 1:]) / 2


def textbook(x, y, sigma):
    p = np.concatenate([-np.ones((N - 1, 1)), np.eye(N - 1)], axis=1)
    g1, g2, noise = second_moments(x), second_moments(y), p @ sigma @ p.T

    def distance(theta):
        return np.sqrt(np.square(np.log(eigvalsh(np.exp(theta[0]) * g1 + np.exp(theta[1]) * noise, g2))).sum())

    start = brute(distance, ((-6, 6), (-6, 6)), Ns=25)
    return -minimize(distance, start, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14, "maxiter": 5000}).fun


@pytest.mark.parametrize("sigma", [None, np.cov(RNG.normal(size=(N, 30)))], ids=["identity", "full"])
def test_the_riemannian_distance_equals_a_search_over_both_factors(sigma):
    ours = compare_rdms(RDMS[:2], RDMS[2:], comparison="neg_riem_dist", sigma_k=sigma)
    expected = [[textbook(x, y, np.eye(N) if sigma is None else sigma) for y in RDMS[2:]] for x in RDMS[:2]]
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-10)


def test_an_rdm_is_at_distance_zero_from_itself_scaled_and_from_itself_plus_noise():
    noisy = RDMS[0] + 0.7
    assert compare_rdms(RDMS[:1], 3 * RDMS[:1], comparison="neg_riem_dist")[0, 0] == pytest.approx(0, abs=1e-7)
    assert compare_rdms(RDMS[:1], noisy[None], comparison="neg_riem_dist")[0, 0] == pytest.approx(0, abs=1e-4)
    assert compare_rdms(noisy[None], RDMS[:1], comparison="neg_riem_dist")[0, 0] < -0.1


def test_a_flat_geometry_is_infinitely_far():
    flat = pdist(RNG.normal(size=(N, 3)), "sqeuclidean")
    with pytest.raises(ShapeError, match="y number 1 spans fewer than n − 1 dimensions"):
        compare_rdms(RDMS, np.stack([RDMS[0], flat]), comparison="neg_riem_dist")
    assert np.isfinite(compare_rdms(flat[None], RDMS, comparison="neg_riem_dist")).all()


def test_bures_is_the_normalised_nuclear_norm_of_centred_features():
    x, y = (each - each.mean(axis=0) for each in FEATURES[:2])
    expected = np.linalg.norm(x.T @ y, "nuc") / np.linalg.norm(x) / np.linalg.norm(y)
    assert compare_rdms(RDMS[:1], RDMS[1:2], comparison="bures")[0, 0] == pytest.approx(expected, abs=1e-12)
    assert RSA(distance="sqeuclidean", comparison="bures")(x, y) == pytest.approx(expected, abs=1e-12)
    root = sqrtm(x @ x.T)
    trace = np.trace(sqrtm(root @ y @ y.T @ root)).real
    assert trace / np.sqrt(np.trace(x @ x.T) * np.trace(y @ y.T)) == pytest.approx(expected, abs=1e-6)


def test_bures_of_distances_that_no_points_have_stays_between_0_and_1_and_symmetric():
    wild = RNG.random((6, 28)) ** 4
    values = compare_rdms(wild, wild, comparison="bures")
    assert (values >= 0).all()
    assert (values <= 1).all()
    np.testing.assert_allclose(values, values.T, atol=1e-12)
    np.testing.assert_allclose(np.diagonal(values), 1, atol=1e-12)


@pytest.mark.parametrize("comparison", ["neg_riem_dist", "bures"])
@pytest.mark.parametrize("resample", ["stimuli", "subjects", "both"])
def test_every_evaluator_takes_them(comparison, resample):
    people = RDMS[0] + np.stack([pdist(each, "sqeuclidean") for each in RNG.normal(size=(4, N, 10))])
    result = rsa_scores(RDMS[:2], people, n=N, comparison=comparison, resample=resample, replicates=12, permutations=4, seed=3)
    assert (result.low < result.values).all()
    assert (result.values < result.high).all()
    assert result.values[0] > result.values[1]
    assert result.p[0] <= 0.4
    ceiling = noise_ceiling(people, comparison=comparison)
    assert ceiling.lower < ceiling.upper
    assert result.ceiling.lower_low < ceiling.lower < result.ceiling.lower_high
