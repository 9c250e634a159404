"""Features as single units: centred, or scaled to correlate."""

from __future__ import annotations

from typing import Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import ShapeError
from isomorph.features import Features
from isomorph.geometry._centre import centre_columns


def centred_units(x: Any) -> FloatArray:
    """The features in float64 about their means."""
    return centre_columns(x.values if isinstance(x, Features) else np.asarray(x))[0]


def require_units(squares: tuple[float, float], measure: str) -> None:
    """Raise `ShapeError` where all features of one of the two are constant."""
    for letter, square in zip("xy", squares, strict=True):
        if not square > 0:
            raise ShapeError(f"{letter} does not vary over its stimuli, so that {measure} is 0/0. Leave it out.")


def unit_columns(x: Any, letter: str) -> FloatArray:
    """The features about their means and scaled to length 1, so that products are Pearson correlations over stimuli.

    Raises:
        ShapeError: A feature is constant.
    """
    centred = centred_units(x)
    lengths = np.linalg.norm(centred, axis=0)
    flat = np.flatnonzero(~(lengths > 0))
    if len(flat):
        raise ShapeError(
            f"{len(flat)} of the {len(lengths)} features of {letter} have the same value for every stimulus and correlate with nothing; "
            f"the first is feature {flat[0]}. Leave them out: {letter}[:, np.ptp({letter}, axis=0) > 0]."
        )
    centred /= lengths
    return centred


def unit_correlations(x: Any, y: Any) -> FloatArray:
    """Pearson correlations over stimuli `[feature of x, feature of y]`."""
    return np.asarray(np.clip(unit_columns(x, "x").T @ unit_columns(y, "y"), -1, 1))
