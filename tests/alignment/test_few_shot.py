"""Few-shot classification against scikit-learn."""

import numpy as np
import pytest

from isomorph.alignment import FewShot

CLASSES = ("ant", "bee", "cup", "dog")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat(np.arange(4), 25))
    return 0.8 * rng.normal(size=(4, 30))[y] + rng.normal(size=(100, 30)), y


def test_episodes_are_balanced_and_apart(data):
    _, y = data
    for episode in FewShot(shots=5, tests=10, repetitions=4).episodes(y, CLASSES):
        assert np.bincount(y[episode.train]).tolist() == [5] * 4
        assert np.bincount(y[episode.test]).tolist() == [10] * 4
        assert not set(episode.train) & set(episode.test)
    assert len(FewShot().episodes(y, CLASSES)[0].test) == 80  # all that are left, where there are fewer than asked for


def test_predictions_are_those_of_scikit_learn(data):
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    neighbors = pytest.importorskip("sklearn.neighbors", reason="scikit-learn is not installed")
    x, y = data
    for strength in (0.01, 1.0, 100.0):
        few = FewShot(strengths=(strength,), repetitions=3)
        hits = few.hits(x, y, CLASSES)
        for at, episode in enumerate(few.episodes(y, CLASSES)):
            train = x[episode.train] - x[episode.train].mean(axis=0)
            scale = np.sqrt((train**2).sum(axis=1).mean())
            asked = (x[episode.test] - x[episode.train].mean(axis=0)) / scale
            theirs = linear_model.LogisticRegression(C=strength, tol=1e-8, max_iter=5000).fit(train / scale, y[episode.train])
            np.testing.assert_array_equal(hits["few-shot logistic"][at, episode.test], theirs.predict(asked) == y[episode.test])
            near = neighbors.KNeighborsClassifier(1, metric="cosine").fit(x[episode.train], y[episode.train])
            np.testing.assert_array_equal(hits["few-shot 1-NN"][at, episode.test], near.predict(x[episode.test]) == y[episode.test])


def test_the_strength_is_the_one_cross_validation_prefers(data):
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    selection = pytest.importorskip("sklearn.model_selection", reason="scikit-learn is not installed")
    x, y = data
    few = FewShot(strengths=(1e-3, 0.1, 1.0, 10.0, 1e3))
    train = few.episodes(y, CLASSES)[0].train
    known = x[train] / 5
    folds = selection.PredefinedSplit(np.arange(20) % 5)
    losses = [
        -selection.cross_val_score(
            linear_model.LogisticRegression(C=each, tol=1e-8, max_iter=5000), known, y[train], cv=folds, scoring="neg_log_loss"
        ).mean()
        for each in few.strengths
    ]
    assert few._best(known, y[train], 4) == few.strengths[int(np.argmin(losses))]


def test_what_is_not_tested_is_nan(data):
    x, y = data
    few = FewShot(tests=3, repetitions=2)
    hits = few.hits(x, y, CLASSES)
    for values in hits.values():
        assert (~np.isnan(values)).sum(axis=1).tolist() == [12, 12]
        assert set(np.unique(values[~np.isnan(values)])) <= {0.0, 1.0}


def test_scale_and_shift_do_not_matter_to_the_regression(data):
    x, y = data
    few = FewShot(repetitions=2)
    hits, other = (few.hits(each, y, CLASSES)["few-shot logistic"] for each in (x, 300 * x + 7))
    np.testing.assert_array_equal(hits, other)


def test_features_without_information_score_chance():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(4), 60)
    for values in FewShot(repetitions=6, strengths=(1.0,)).hits(rng.normal(size=(240, 10)), y, CLASSES).values():
        assert np.nanmean(values) == pytest.approx(0.25, abs=0.05)
