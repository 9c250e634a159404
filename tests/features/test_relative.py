"""Cosines to anchors: exact, scaled on both sides, named."""

import numpy as np
import pytest

from isomorph.features import Features, relative

RNG = np.random.default_rng(0)
X = Features(RNG.normal(size=(6, 4)) * 50, tuple("abcdef"), layer="norm", subject="clip", provenance={"fingerprint": "1"})


def cosine(a, b):
    return a @ b / np.sqrt(a @ a) / np.sqrt(b @ b)


def test_each_value_is_the_cosine_of_its_row_and_anchor():
    anchors = Features(RNG.normal(size=(3, 4)) / 50, ("red", "tall", "old"), subject="texts")
    z = relative(X, anchors)
    expected = [[cosine(x, a) for a in anchors.values] for x in X.values]
    np.testing.assert_allclose(z.values, expected, atol=1e-14)
    assert (z.ids, z.feature_names, z.layer, z.subject) == (X.ids, ("red", "tall", "old"), "norm", "clip")
    assert z.provenance == {"fingerprint": "1", "relative": {"anchors": 3, "of": "texts"}}


def test_vectors_by_name_and_stimuli_are_anchors_too():
    by_name = relative(X, {"first": X.values[1] * 9, "second": X.values[4]})
    items = relative(X, ["b", "e"])
    np.testing.assert_allclose(by_name.values, items.values, atol=1e-14)
    assert by_name.feature_names == ("first", "second")
    assert items.feature_names == ("b", "e")
    assert items.values[1, 0] == pytest.approx(1)
    assert abs(items.values).max() <= 1


def test_scale_of_either_side_plays_no_part():
    anchors = Features(RNG.normal(size=(3, 4)), ("red", "tall", "old"))
    scaled = Features(X.values * RNG.uniform(0.1, 10, (6, 1)), X.ids)
    np.testing.assert_allclose(relative(scaled, anchors).values, relative(X, anchors).values, atol=1e-14)


def test_float32_stays_float32_and_close():
    small = Features(X.values.astype(np.float32), X.ids)
    z = relative(small, ["a", "b"])
    assert z.values.dtype == np.float32
    np.testing.assert_allclose(z.values, relative(X, ["a", "b"]).values, atol=1e-6)


def test_names_of_features_travel():
    z = relative(X, ["a", "c"])
    assert z.take(["f", "a"]).feature_names == ("a", "c")
    assert z.grouped(dict.fromkeys(X.ids, "all")).feature_names == ("a", "c")
    assert X.feature_names == ()
