"""Zero-shot classes by hand; query classifiers against scikit-learn."""

import numpy as np
import pytest

from isomorph.features import Features, relative
from isomorph.probes import ZeroShot, query_classifier

RNG = np.random.default_rng(0)
CLASSES = ("cat", "dog", "saw")


def pictures(n=150, width=12, spread=1.0):
    """Three classes on three axes, with a common offset, as embeddings have."""
    rng = np.random.default_rng(3)
    y = np.arange(n) % 3
    return Features(rng.normal(0, spread, (n, width)) + 2 * np.eye(3, width)[y] + 0.5, tuple(f"p{at}" for at in range(n))), y


def prompts():
    """Two templates a class, of very different length."""
    rows = np.repeat(np.eye(3, 12), 2, axis=0) + RNG.normal(0, 0.2, (6, 12))
    names = [f"{template} {name}" for name in CLASSES for template in ("a", "a photo of a")]
    return Features(rows * np.array([1, 100] * 3)[:, None], tuple(names)), {name: name.rsplit(" ", 1)[1] for name in names}


def test_templates_are_averaged_after_scaling():
    texts, classes = prompts()
    x, y = pictures()
    found = ZeroShot(prompts=texts, classes=classes, temperature=0.05).predict(x)
    units = texts.values / np.linalg.norm(texts.values, axis=1, keepdims=True)
    centres = units.reshape(3, 2, 12).mean(axis=1)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    cosines = (x.values / np.linalg.norm(x.values, axis=1, keepdims=True)) @ centres.T
    np.testing.assert_allclose(found.cosines, cosines, atol=1e-12)
    raised = np.exp(cosines / 0.05)
    np.testing.assert_allclose(found.probabilities, raised / raised.sum(axis=1, keepdims=True), atol=1e-12)
    assert found.classes == CLASSES
    assert found.predicted == tuple(CLASSES[each] for each in cosines.argmax(axis=1))
    score = found.accuracy([CLASSES[each] for each in y])
    assert float(score) == (cosines.argmax(axis=1) == y).mean() > 0.6
    assert score.low < float(score) < score.high
    assert score.n == 150


def test_labels_meet_by_id_and_prompts_alone_are_classes():
    x, y = pictures(30)
    plain = ZeroShot(prompts=Features(np.eye(3, 12) + 0.1, CLASSES)).predict(x)
    by_id = {name: CLASSES[each] for name, each in zip(x.ids[::-1], y[::-1], strict=True)}
    assert float(plain.accuracy(by_id)) == float(plain.accuracy([CLASSES[each] for each in y]))
    assert plain.accuracy(by_id, replicates=0).low is None


def test_cold_temperatures_do_not_overflow():
    x, _ = pictures(30)
    found = ZeroShot(prompts=Features(np.eye(3, 12) + 0.1, CLASSES), temperature=1e-9).predict(x)
    np.testing.assert_allclose(found.probabilities.max(axis=1), 1)


@pytest.fixture(scope="module")
def classified():
    x, y = pictures(spread=1.5)
    queries = Features(np.vstack([np.eye(3, 12), RNG.normal(size=(4, 12))]), ("purrs", "barks", "cuts", "q1", "q2", "q3", "q4"))
    even, odd = x.ids[::2], x.ids[1::2]
    labels = {name: CLASSES[each] for name, each in zip(x.ids, y, strict=True)}
    return x, queries, labels, even, odd, query_classifier(x.take(even), queries, labels, test=(x.take(odd), labels))


def test_it_is_scikit_learns_ridge_classifier(classified):
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is the oracle")
    from sklearn.decomposition import PCA

    x, queries, labels, even, odd, found = classified
    alphas = [1e-3, 1e-2, 1e-1, 1, 1e1, 1e2, 1e3]
    z = relative(x, queries)
    y = [np.array([labels[each] for each in ids]) for ids in (even, odd)]
    pca = PCA(2).fit(x.take(even).values)
    at = [queries.ids.index(each) for each in found.pair]
    sets = [
        [x.take(ids).values for ids in (even, odd)],
        [z.take(ids).values for ids in (even, odd)],
        [z.take(ids).values[:, at] for ids in (even, odd)],
        [pca.transform(x.take(ids).values) for ids in (even, odd)],
    ]
    for row, (train, test) in zip(found.table.to_dict("records"), sets, strict=True):
        theirs = linear.RidgeClassifierCV(alphas=alphas).fit(train, y[0])
        assert (row["accuracy"], row["alpha"], row["width"]) == (theirs.score(test, y[1]), theirs.alpha_, train.shape[1])
    theirs = linear.RidgeClassifierCV(alphas=alphas).fit(sets[1][0], y[0])
    ours = found.importances.set_index("query").loc[list(queries.ids), [f"weight {each}" for each in CLASSES]]
    np.testing.assert_allclose(ours.to_numpy(), theirs.coef_.T, rtol=1e-8)


def test_the_best_pair_is_the_best_of_all(classified):
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is the oracle")
    x, queries, labels, even, _, found = classified
    z, y = relative(x, queries).take(even).values, [labels[each] for each in even]
    alphas = [1e-3, 1e-2, 1e-1, 1, 1e1, 1e2, 1e3]
    scores = {
        (queries.ids[a], queries.ids[b]): linear.RidgeClassifierCV(alphas=alphas).fit(z[:, [a, b]], y).best_score_
        for a in range(7)
        for b in range(a + 1, 7)
    }
    assert found.pair == max(scores, key=scores.get)


def test_importances_find_the_queries_that_matter(classified):
    *_, found = classified
    assert set(found.importances["query"][:3]) == {"purrs", "barks", "cuts"}
    assert list(found.importances["importance"]) == sorted(found.importances["importance"], reverse=True)
    row = found.table.set_index("features").loc["queries"]
    assert row["low"] < row["accuracy"] < row["high"]
    assert row["share"] == pytest.approx(row["accuracy"] / found.table["accuracy"][0])
    assert repr(found).startswith("QueryClassifier(full (12) 0.")


def test_a_share_is_held_out_and_stimuli_can_be_queries():
    x, y = pictures()
    found = query_classifier(x, ["p0", "p1", "p2"], y, test=0.4, replicates=0)
    assert found.results["queries"].n_test == 60
    assert set(found.importances["query"]) == {"p0", "p1", "p2"}
    assert np.isnan(found.table["low"]).all()
    assert found.results["queries"].top1 > 0.5


def test_one_query_has_no_pair():
    x, y = pictures()
    found = query_classifier(x, {"cat": np.eye(12)[0]}, y == 0)
    assert found.pair is None
    assert list(found.table["features"]) == ["full", "queries", "two principal components"]
