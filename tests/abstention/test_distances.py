"""Mahalanobis distances and nearest neighbours, against scipy and scikit-learn."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.covariance import EmpiricalCovariance
from sklearn.neighbors import NearestNeighbors

from isomorph.abstention import KNN, Mahalanobis
from isomorph.features import Features

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 300)
MIX = RNG.normal(size=(5, 5))
X = (RNG.normal(size=(300, 5)) + 4 * np.eye(3, 5)[LABELS]) @ MIX + 10
NEW = (RNG.normal(size=(40, 5)) * 3) @ MIX + 10


def by_hand(x: np.ndarray, labels: np.ndarray, new: np.ndarray, shrinkage: float = 0.0) -> np.ndarray:
    means = np.stack([x[labels == each].mean(axis=0) for each in range(3)])
    covariance = EmpiricalCovariance(assume_centered=True).fit(x - means[labels]).covariance_
    covariance = (1 - shrinkage) * covariance + shrinkage * np.trace(covariance) / 5 * np.eye(5)
    return cdist(new, means, "mahalanobis", VI=np.linalg.inv(covariance)) ** 2


@pytest.mark.parametrize("shrinkage", [0.0, 0.3, 1.0])
def test_distances_are_scipys(shrinkage: float) -> None:
    fitted = Mahalanobis(shrinkage=shrinkage).fit(X, LABELS)
    wanted = by_hand(X, LABELS, NEW, shrinkage)
    np.testing.assert_allclose(fitted.distances(NEW), wanted, rtol=1e-8)
    np.testing.assert_allclose(fitted.score(NEW), wanted.min(axis=1), rtol=1e-8)


def test_worked_by_hand() -> None:
    """Two classes at 0 and 10 on a line, each ±1: the tied variance is 1; one cloud has mean 5 and variance 26."""
    x, labels = [[-1.0], [1.0], [9.0], [11.0]], ["a", "a", "b", "b"]
    np.testing.assert_allclose(Mahalanobis().fit(x, labels).distances([[0.0], [4.0]]), [[0, 100], [16, 36]], atol=1e-9)
    np.testing.assert_allclose(Mahalanobis().fit(x).score([[5.0], [31.0]]), [0, 26], atol=1e-9)


def test_no_linear_change_of_the_features_matters() -> None:
    change = RNG.normal(size=(5, 5))
    before = Mahalanobis().fit(X, LABELS).score(NEW)
    np.testing.assert_allclose(Mahalanobis().fit(X @ change - 3, LABELS).score(NEW @ change - 3), before, rtol=1e-7)


def test_what_does_not_vary_is_left_out_where_asked() -> None:
    flat = np.column_stack([X, X[:, 0] - X[:, 1]])
    fitted = Mahalanobis(singular="pseudo-inverse").fit(flat, LABELS)
    assert fitted.whitening.shape == (6, 5)
    on = np.column_stack([NEW, NEW[:, 0] - NEW[:, 1]])
    np.testing.assert_allclose(fitted.score(on), by_hand(X, LABELS, NEW).min(axis=1), rtol=1e-7)


def test_labels_meet_features_by_id() -> None:
    ids = tuple(f"item{row}" for row in range(300))
    named = {each: str(label) for each, label in zip(ids[::-1], LABELS[::-1], strict=True)}
    fitted = Mahalanobis().fit(Features(X, ids), named)
    assert fitted.classes == ("0", "1", "2")
    np.testing.assert_allclose(fitted.score(Features(NEW, ids[:40])), Mahalanobis().fit(X, LABELS).score(NEW), rtol=1e-12)


@pytest.mark.parametrize("k", [1, 7, 300])
def test_neighbours_are_scikit_learns(k: int) -> None:
    unit, new = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (X, NEW))
    wanted = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(unit).kneighbors(new)[0][:, -1] ** 2
    np.testing.assert_allclose(KNN(k=k).fit(X).score(NEW), wanted, rtol=1e-10)


def test_the_length_of_features_does_not_matter() -> None:
    """VisAlign's normaliser adds 1e-10 to the vector: of features as small as that, nothing would be left."""
    before = KNN(k=5).fit(X).score(NEW)
    np.testing.assert_allclose(KNN(k=5).fit(X * 1e-12).score(NEW * 1e-9), before, rtol=1e-9)
    opposite = KNN(k=2).fit([[1.0, 0.0], [3.0, 0.0], [0.0, 1.0]]).score([[2.0, 0.0], [-1.0, 0.0]])
    np.testing.assert_allclose(opposite, [0.0, 4.0])


def test_near_copies_keep_their_distance_in_single_precision() -> None:
    """2 − 2 cos would be rounding alone."""
    x = RNG.normal(size=(20, 50)).astype(np.float32)
    new = x + np.float32(1e-4) * RNG.normal(size=x.shape).astype(np.float32)
    double = KNN(k=1).fit(x.astype(float)).score(new.astype(float))
    np.testing.assert_allclose(KNN(k=1).fit(x).score(new), double, rtol=0.01)
    assert double.max() < 1e-7
