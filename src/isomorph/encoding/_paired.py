"""Features and responses of the same stimuli, met by id where both have ids, and checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, as_floats, check_finite
from isomorph.errors import NonFiniteError, ShapeError
from isomorph.features import Features


@dataclass(frozen=True, eq=False)
class Paired:
    """Features `[stimulus, feature]` and responses `[stimulus, unit]` whose rows are the same stimuli."""

    features: FloatArray
    responses: FloatArray
    ids: tuple[str, ...] | None
    subject: str

    @classmethod
    def of(cls, x: Features | npt.ArrayLike, y: Features | npt.ArrayLike) -> Paired:
        """Rows in the order of the responses; without ids on both sides, rows meet by place.

        Raises:
            IdError: The features lack a stimulus of the responses.
            ShapeError: The numbers of rows differ, there are fewer than 3, or a unit is constant.
            NonFiniteError: Either holds NaN or infinity.
        """
        if isinstance(x, Features) and isinstance(y, Features):
            x = x.take(y.ids)
        features, responses = _values(x, "the features"), _values(y, "the responses")
        _check_rows(features, responses)
        ids = next((each.ids for each in (y, x) if isinstance(each, Features)), None)
        check_finite(features, name="the feature matrix", ids=ids)
        _check_units(responses)
        return cls(features, responses, ids, y.subject if isinstance(y, Features) else "")


def _values(given: Features | npt.ArrayLike, name: str) -> FloatArray:
    return given.values if isinstance(given, Features) else as_floats(given, name=name, ndim=2)


def _check_rows(x: FloatArray, y: FloatArray) -> None:
    if len(x) != len(y):
        shapes = f"the features have shape {x.shape} and the responses {y.shape}"
        if x.shape[0] == y.shape[1]:
            raise ShapeError(f"{shapes}: the responses look like [unit, stimulus]. Rows are stimuli: pass the responses transposed, y.T.")
        if x.shape[1] == y.shape[0]:
            raise ShapeError(f"{shapes}: the features look like [feature, stimulus]. Rows are stimuli: pass the features transposed, x.T.")
        raise ShapeError(f"{shapes}: both need one row for each stimulus. Pass both as `Features`, so that rows meet by id.")
    if len(x) < 3:
        raise ShapeError(f"an encoding model needs at least 3 stimuli, so that each can be left out; there are {len(x)}.")
    for name, array, what in (("features", x, "feature"), ("responses", y, "unit")):
        if not array.shape[1]:
            raise ShapeError(f"the {name} have no columns; there must be at least 1 {what}.")


def _check_units(responses: FloatArray) -> None:
    """Raise where units can't be predicted, with the line that leaves them out."""
    count = responses.shape[1]
    bad = np.flatnonzero(~np.isfinite(responses.sum(axis=0, dtype=np.float64)))
    bad = bad[~np.isfinite(responses[:, bad]).all(axis=0)]  # a sum of finite numbers may overflow
    if len(bad):
        raise NonFiniteError(
            f"{len(bad)} of the {count} units of the responses hold NaN or infinite values; the first is unit {bad[0]}. "
            "Leave them out: y[:, np.isfinite(y).all(axis=0)]."
        )
    flat = np.flatnonzero(responses.max(axis=0) == responses.min(axis=0))
    if len(flat):
        raise ShapeError(
            f"{len(flat)} of the {count} units respond alike to every stimulus and can't be predicted; the first is unit {flat[0]}. "
            "Leave them out: y[:, np.ptp(y, axis=0) > 0]."
        )
