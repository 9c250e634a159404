"""Measured responses, checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, as_floats
from isomorph.errors import NonFiniteError, ShapeError
from isomorph.features import Features


@dataclass(frozen=True, eq=False)
class Responses:
    """Responses `[stimulus, unit]`, the ids of their rows where they have such, and whose they are."""

    values: FloatArray
    ids: tuple[str, ...] | None
    subject: str

    @classmethod
    def of(cls, y: Features | npt.ArrayLike, *, ids: tuple[str, ...] | None) -> Responses:
        """Not checked yet; `ids` are for responses that have none of their own."""
        return cls(response_values(y), *((y.ids, y.subject) if isinstance(y, Features) else (ids, "")))

    def check(self) -> None:
        """Raise where there is too little, or units can't be predicted, with the line that leaves them out.

        Raises:
            ShapeError: There are fewer than 3 stimuli or no units, or a unit is constant.
            NonFiniteError: A value is NaN or infinite.
        """
        responses = self.values
        if len(responses) < 3:
            raise ShapeError(f"an encoding model needs at least 3 stimuli, so that each can be left out; there are {len(responses)}.")
        if not responses.shape[1]:
            raise ShapeError("the responses have no columns; there must be at least 1 unit.")
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


def response_values(y: Features | npt.ArrayLike) -> FloatArray:
    """The numbers of `y` `[stimulus, unit]`."""
    return y.values if isinstance(y, Features) else as_floats(y, name="the responses", ndim=2)
