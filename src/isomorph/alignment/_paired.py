"""Features and a target that share stimuli, met by id."""

from __future__ import annotations

from isomorph.alignment._examples import check_features
from isomorph.arrays import FloatArray
from isomorph.errors import ShapeError
from isomorph.features import Features


def paired(x: Features, target: Features) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """Rows of both for the stimuli of the target, float64, and their ids.

    Raises:
        IdError: The features lack a stimulus of the target.
        ShapeError: There are fewer than 2 stimuli.
        NonFiniteError: Either holds NaN or infinity.
    """
    rows = x.take(target.ids)
    if len(rows) < 2:
        raise ShapeError(f"a map needs at least 2 stimuli; the target has {len(rows)}.")
    check_features(rows, name="the feature matrix")
    check_features(target, name="the target matrix")
    return rows.values.astype("float64"), target.values.astype("float64"), target.ids
