"""Distances to clusters, against single Gaussians and scikit-learn's mixtures."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.mixture import GaussianMixture

from isomorph.abstention import TAPUDD, Mahalanobis, Mixture
from isomorph.abstention._mixture import fit_mixture, maximise, partition

RNG = np.random.default_rng(0)
CENTRES = np.array([[0, 0, 0], [30, 0, 0], [0, 30, 0], [0, 0, 30.0]])
CLUSTER = np.repeat(np.arange(4), 80)
SHAPES = RNG.normal(size=(4, 3, 3))
APART = np.einsum("ni,nij->nj", RNG.normal(size=(320, 3)), SHAPES[CLUSTER]) + CENTRES[CLUSTER]
NEAR = RNG.normal(size=(320, 3)) + 2.5 * np.eye(4, 3)[CLUSTER]
NEW = RNG.normal(size=(60, 3)) * 15 + 8


def own_distances(x: np.ndarray, cluster: np.ndarray, new: np.ndarray) -> np.ndarray:
    """To each cluster, by its own mean and its own covariance."""
    members = [x[cluster == each] for each in range(cluster.max() + 1)]
    pieces = [cdist(new, each.mean(axis=0)[None], "mahalanobis", VI=np.linalg.inv(np.cov(each.T, bias=True))) for each in members]
    return np.hstack(pieces) ** 2


def test_one_component_is_a_single_gaussian() -> None:
    wanted = Mahalanobis().fit(APART).score(NEW)
    np.testing.assert_allclose(TAPUDD(components=(1,), regularisation=0).fit(APART).score(NEW), wanted, rtol=1e-9)


def test_separated_clusters_are_measured_each_by_its_own() -> None:
    """VisAlign's program takes coordinates of component 0's mean for the means, and component 0's precision throughout."""
    fitted = TAPUDD(components=(4,), regularisation=0).fit(APART)
    wanted = own_distances(APART, CLUSTER, NEW)
    np.testing.assert_allclose(fitted.score(NEW), wanted.min(axis=1), rtol=1e-6)
    (mixture,) = fitted.mixtures
    first = mixture.factors[0] @ mixture.factors[0].T
    theirs = np.min([np.einsum("ni,ij,nj->n", z, first, z) for z in (NEW - fitted.centre - each for each in mixture.means[0])], axis=0)
    assert np.abs(theirs / wanted.min(axis=1) - 1).max() > 0.5


def test_numbers_of_components_are_averaged() -> None:
    both = TAPUDD(components=(1, 4)).fit(APART)
    single = [TAPUDD(components=(k,)).fit(APART).score(NEW) for k in (1, 4)]
    np.testing.assert_allclose(both.distances(NEW), np.stack(single, axis=1), rtol=1e-9)
    np.testing.assert_allclose(both.score(NEW), np.mean(single, axis=0), rtol=1e-9)


def test_neither_components_nor_items_have_an_order() -> None:
    fitted = TAPUDD(components=(4,)).fit(APART)
    (mixture,) = fitted.mixtures
    turned = Mixture(mixture.shares[::-1], mixture.means[::-1], mixture.factors[::-1])
    x = NEW - fitted.centre
    np.testing.assert_allclose(turned.squared_distances(x)[:, ::-1], mixture.squared_distances(x), rtol=1e-12)
    shuffled = TAPUDD(components=(4,)).fit(APART[RNG.permutation(320)])
    np.testing.assert_allclose(shuffled.score(NEW), fitted.score(NEW), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:TAPUDD's mixtures")
def test_seeds_reproduce() -> None:
    first, again, other = (TAPUDD(components=(3, 5), seed=seed, iterations=3).fit(NEAR).score(NEW) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_mixtures_are_scikit_learns() -> None:
    """Overlapping clusters, from the same partition, to the same rest."""
    start = partition(NEAR, 4, seed=0)
    belonging = np.eye(4)[start]
    first = maximise(NEAR, belonging, 1e-3)
    precisions = np.stack([each @ each.T for each in first.factors])
    theirs = GaussianMixture(
        4, reg_covar=1e-3, tol=1e-6, max_iter=500, weights_init=first.shares, means_init=first.means, precisions_init=precisions
    ).fit(NEAR)
    ours = fit_mixture(NEAR, 4, seed=0, floor=1e-3, tolerance=1e-6, iterations=500, start=start)
    assert ours.converged
    np.testing.assert_allclose(ours.shares, theirs.weights_, rtol=1e-3)
    np.testing.assert_allclose(ours.means, theirs.means_, atol=2e-3)
    precisions = np.stack([each @ each.T for each in ours.factors])
    np.testing.assert_allclose(precisions, theirs.precisions_, atol=0.01)
    likelihood = np.logaddexp.reduce(ours.log_likelihoods(NEW), axis=1)
    np.testing.assert_allclose(likelihood, theirs.score_samples(NEW), rtol=2e-3)


def test_partitions_find_what_is_apart() -> None:
    found = partition(APART, 4, seed=0)
    assert len({(a, b) for a, b in zip(found, CLUSTER, strict=True)}) == 4
    equal = partition(np.ones((6, 2)), 3, seed=0)  # no two differ: centres coincide, nothing breaks
    assert equal.shape == (6,)


def test_wide_features_are_multiplied_by_blocks_of_columns() -> None:
    x, new = RNG.normal(size=(600, 200)), RNG.normal(size=(10, 200)) * 2
    wanted = Mahalanobis().fit(x).score(new)
    np.testing.assert_allclose(TAPUDD(components=(1,), regularisation=0).fit(x).score(new), wanted, rtol=1e-8)


def test_says_when_a_mixture_does_not_come_to_rest() -> None:
    with pytest.warns(UserWarning, match=r"TAPUDD's mixtures of 4 components had not come to rest after 2 iterations"):
        TAPUDD(components=(1, 4), iterations=2, tolerance=1e-9).fit(NEAR)


def test_components_without_items_are_dropped() -> None:
    """Two places for five components: the empty ones are nobody's nearest."""
    fitted = TAPUDD(components=(5,)).fit(np.repeat([[0.0, 0.0], [1.0, 1.0]], 6, axis=0))
    assert len(fitted.mixtures[0].means) == 2
    near, far = fitted.score([[1.0, 1.0], [0.5, 0.5]])
    assert near < 1e-9 < far
    assert np.isfinite(far)
