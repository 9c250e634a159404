from __future__ import annotations

import numpy as np
import pytest

from isomorph.arrays import as_floats, check_finite, positions, unique_ids
from isomorph.errors import IdError, NonFiniteError, ShapeError
from isomorph.features import Features


@pytest.mark.parametrize(
    ("given", "expected"),
    [("uint8", "float64"), ("bool", "float64"), ("float16", "float32"), ("float32", "float32"), ("float64", "float64")],
)
def test_numbers_become_floats_of_the_stated_width(given: str, expected: str) -> None:
    assert as_floats(np.ones((2, 3), given), name="x").dtype == expected


def test_uint8_does_not_overflow() -> None:
    x = as_floats(np.full((2, 3), 200, np.uint8), name="x")
    assert (x * x).max() == 40_000


def test_text_is_no_number() -> None:
    with pytest.raises(ShapeError, match=r"^x must hold numbers; got an array of type <U1\.$"):
        as_floats(np.array(["a"]), name="x")


def test_axes_are_counted() -> None:
    with pytest.raises(ShapeError, match=r"^x needs 2 axes; got shape \(3,\)\.$"):
        as_floats(np.ones(3), name="x", ndim=2)


def test_the_first_bad_stimulus_is_named() -> None:
    x = np.ones((3, 2))
    x[1, 0], x[2, 1] = np.nan, np.inf
    with pytest.raises(NonFiniteError) as error:
        check_finite(x, name="layer 'fc'", ids=["a", "b", "c"])
    assert str(error.value) == "layer 'fc' has 2 values that are NaN or infinite, in 2 of 3 stimuli; the first is 'b'."


def test_large_finite_values_pass() -> None:
    check_finite(np.full((4, 4), 3e38, np.float32), name="x")


def test_doubled_ids_are_named() -> None:
    with pytest.raises(IdError, match="x has 1 ids that stand more than once; the first is 'a'"):
        unique_ids(["a", "b", "a"], name="x")


def test_values_meet_by_id() -> None:
    assert positions(["a", "b", "c"], ["c", "a"], name="x").tolist() == [2, 0]
    with pytest.raises(IdError, match=r"^'human' was not shown 1 of 2 stimuli; the first is 'd'\.$"):
        positions(["a", "b", "c"], ["c", "d"], name="'human'")


def test_features_keep_rows_and_ids_together() -> None:
    features = Features(np.arange(6).reshape(3, 2), ("a", "b", "c"), subject="human")
    taken = features.take(["c", "a"])
    assert taken.values.tolist() == [[4, 5], [0, 1]]
    assert taken.ids == ("c", "a")
    assert (len(taken), taken.width) == (2, 2)
    with pytest.raises(ShapeError, match="features have 3 rows but 2 stimulus ids"):
        Features(np.zeros((3, 2)), ("a", "b"))
