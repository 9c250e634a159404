import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from isomorph.errors import InputError, ShapeError
from isomorph.inference import bootstrap_weights, compare_rdms, noise_ceiling, rsa_scores, weighted_similarities
from isomorph.measures import CKA

RNG = np.random.default_rng(5)
N = 12
PAIRS = N * (N - 1) // 2
LEFT, RIGHT = np.triu_indices(N, 1)
X = np.stack([pdist(each, "sqeuclidean") for each in RNG.normal(size=(3, N, 5))])
Y = np.stack([pdist(each, "sqeuclidean") for each in RNG.normal(size=(2, N, 7))]) + 0.5 * X[:1] + RNG.random(PAIRS)
SIGMA = np.cov(RNG.normal(size=(N, 40)))


def contrasts(n):
    left, right = np.triu_indices(n, 1)
    matrix = np.zeros((len(left), n))
    matrix[np.arange(len(left)), left], matrix[np.arange(len(left)), right] = 1, -1
    return matrix


def textbook(x, y, v, comparison):
    """The definition, with V formed and solved."""
    if comparison == "corr_cov":
        x, y = (each - each.mean(axis=1, keepdims=True) for each in (x, y))
    inner = [[a @ np.linalg.solve(v, b) for b in y] for a in x]
    lengths = [np.sqrt([a @ np.linalg.solve(v, a) for a in rows]) for rows in (x, y)]
    return inner / np.outer(*lengths)


@pytest.mark.parametrize("comparison", ["corr_cov", "cosine_cov"])
@pytest.mark.parametrize("sigma", [None, SIGMA, np.linspace(0.5, 3, N)], ids=["identity", "full", "variances"])
def test_values_equal_the_definition_with_the_whole_covariance_of_distances(comparison, sigma):
    full = np.eye(N) if sigma is None else np.diag(sigma) if sigma.ndim == 1 else sigma
    xi = contrasts(N) @ full @ contrasts(N).T
    ours = compare_rdms(X, Y, comparison=comparison, sigma_k=sigma)
    np.testing.assert_allclose(ours, textbook(X, Y, xi * xi, comparison), rtol=0, atol=1e-12)


def test_whitened_cosine_of_squared_distances_is_biased_cka():
    x, y = RNG.normal(size=(40, 9)), RNG.normal(size=(40, 13))
    rdms = [pdist(each, "sqeuclidean")[None] for each in (x, y)]
    with pytest.warns(UserWarning, match="unrelated"):
        expected = CKA(debiased=False)(x, y)
    assert compare_rdms(*rdms, comparison="cosine_cov")[0, 0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("comparison", ["corr_cov", "cosine_cov"])
def test_a_replicate_equals_the_definition_on_copies_without_pairs_of_one_stimulus(comparison):
    heavy = np.zeros((3, N), dtype=np.int64)
    heavy[0, :3], heavy[1, :4], heavy[2, :3] = [N // 2 + 1, 3, 2], [7, 2, 2, 1], [9, 2, 1]  # one stimulus more than half of the sample
    weights = np.concatenate([bootstrap_weights(N, 5, 1), heavy])
    rows = np.concatenate([X, Y])
    first, second = np.array([0, 1, 2]), np.array([3, 4, 1])
    ours = weighted_similarities(rows, first, second, weights, comparison=comparison)
    v = np.square(contrasts(N) @ contrasts(N).T)
    for replicate, row in enumerate(weights):
        at = np.repeat(np.arange(N), row)
        different = at[LEFT] != at[RIGHT]
        copies = np.stack([squareform(each)[at[LEFT], at[RIGHT]][different] for each in rows])
        expected = textbook(copies, copies, v[np.ix_(different, different)], comparison)[first, second]
        np.testing.assert_allclose(ours[replicate], expected, rtol=0, atol=1e-10)


def test_ceilings_of_replicates_without_repetition_are_the_ceiling():
    people = np.concatenate([X, Y])
    for sigma in (None, SIGMA):
        result = rsa_scores(X, people, n=N, comparison="corr_cov", sigma_k=sigma, resample="subjects", replicates=3, seed=8)
        assert result.ceiling.lower == pytest.approx(noise_ceiling(people, comparison="corr_cov", sigma_k=sigma).lower)
        assert result.ceiling.lower_low <= result.ceiling.upper_high
    ones = np.ones((1, N), dtype=np.int64)
    for sigma in (None, SIGMA):
        single = weighted_similarities(people, np.array([0]), np.array([4]), ones, comparison="cosine_cov", sigma_k=sigma)[0, 0]
        assert single == pytest.approx(compare_rdms(people[:1], people[4:], comparison="cosine_cov", sigma_k=sigma)[0, 0], abs=1e-12)


def test_a_covariance_of_the_wrong_shape_or_without_an_inverse_is_refused():
    with pytest.raises(ShapeError, match=r"of 12 stimuli's patterns"):
        compare_rdms(X, Y, comparison="cosine_cov", sigma_k=np.eye(5))
    with pytest.raises(InputError, match="smallest eigenvalue is 0"):
        compare_rdms(X, Y, comparison="cosine_cov", sigma_k=np.diag(np.arange(N)))
    with pytest.raises(InputError, match="'pearson' ignores it"):
        compare_rdms(X, Y, comparison="pearson", sigma_k=np.eye(N))
    with pytest.raises(ShapeError, match="got 65 pairs"):
        compare_rdms(X[:, 1:], Y[:, 1:], comparison="corr_cov")
