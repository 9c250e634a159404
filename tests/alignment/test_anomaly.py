"""Anomaly detection against scikit-learn."""

import numpy as np
import pytest

from isomorph.alignment import AnomalyDetection
from isomorph.alignment._anomaly import _placements, auroc, deal

CLASSES = ("ant", "bee", "cup", "dog")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat(np.arange(4), [9, 14, 20, 25]))
    return 0.6 * rng.normal(size=(4, 10))[y] + rng.normal(size=(68, 10)), y


@pytest.mark.parametrize("decimals", [0, 1, 12])
def test_auroc_is_that_of_scikit_learn_ties_included(decimals):
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    rng = np.random.default_rng(decimals)
    scores, anomalous = np.round(rng.normal(size=300), decimals), rng.random(300) < 0.2
    assert auroc(scores, anomalous) == pytest.approx(metrics.roc_auc_score(anomalous, scores), abs=1e-12)


def test_aurocs_are_those_of_plain_loops(data):
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    neighbors = pytest.importorskip("sklearn.neighbors", reason="scikit-learn is not installed")
    x, y = data
    detect = AnomalyDetection(k=5, folds=4)
    fold = deal(y, 4, 0)
    expected = {"anomaly one-vs-rest": [], "anomaly rest-vs-one": []}
    for part in range(4):
        for each in range(4):
            for name, normal in zip(expected, (y == each, y != each), strict=True):
                near = neighbors.NearestNeighbors(n_neighbors=5, metric="cosine").fit(x[(fold != part) & normal])
                distance = near.kneighbors(x[fold == part])[0].mean(axis=1)
                expected[name].append(metrics.roc_auc_score(~normal[fold == part], distance))
    for name, values in detect.contributions(x, y, CLASSES).items():
        assert values.mean() == pytest.approx(np.mean(expected[name]), abs=1e-9)


def test_blocks_do_not_matter(data, monkeypatch):
    x, y = data
    whole = AnomalyDetection().contributions(x, y, CLASSES)
    monkeypatch.setattr("isomorph.alignment._anomaly._BLOCK_VALUES", 500)
    for name, values in AnomalyDetection().contributions(x, y, CLASSES).items():
        np.testing.assert_allclose(values, whole[name], rtol=0, atol=1e-12)


def test_a_class_with_fewer_than_k_gives_all_it_has():
    x = np.concatenate([np.tile([1.0, 0.1], (3, 1)), np.tile([0.1, 1.0], (3, 1))]) + 0.01 * np.arange(12).reshape(6, 2)
    found = AnomalyDetection(k=50, folds=3).contributions(x, np.repeat([0, 1], 3), ("a", "b"))
    assert [values.mean() for values in found.values()] == [1.0, 1.0]


def test_unrelated_labels_score_one_half():
    rng = np.random.default_rng(1)
    y = rng.permutation(np.arange(600) % 4)
    for values in AnomalyDetection().contributions(rng.normal(size=(600, 8)), y, CLASSES).values():
        assert values.mean() == pytest.approx(0.5, abs=0.03)


def test_contributions_spread_as_a_bootstrap_of_the_auroc_itself():
    rng = np.random.default_rng(2)
    side = np.arange(200) < 80
    scores = rng.normal(size=200) + side
    added = _placements(scores[:, None], side[:, None], np.zeros(200, dtype=np.int64))
    exact, linear = [], []
    for _ in range(1500):
        drawn = rng.integers(200, size=200)
        exact.append(auroc(scores[drawn], side[drawn]))
        linear.append(added[drawn].mean())
    assert np.std(linear) == pytest.approx(np.std(exact), rel=0.08)
    assert np.mean(linear) == pytest.approx(auroc(scores, side), abs=0.005)


def test_folds_and_classes_are_even(data):
    _, y = data
    fold = deal(y, 5, 0)
    assert np.ptp(np.bincount(fold)) <= 1
    for each in range(4):
        assert np.ptp(np.bincount(fold[y == each], minlength=5)) <= 1
    assert (deal(y, 5, 1) != fold).any()
