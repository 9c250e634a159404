"""Responses one row a unit, in chunks that stay in the cache."""

from __future__ import annotations

import numpy as np

from isomorph.arrays import FloatArray

_UNITS = 2048


def unit_parts(count: int) -> list[slice]:
    """So many units, in chunks."""
    return [slice(start, min(start + _UNITS, count)) for start in range(0, count, _UNITS)]


def standardised_units(responses: FloatArray, dtype: np.dtype[np.floating]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Responses `[unit, stimulus]` of mean 0 and variance 1, and their means and standard deviations.

    Fields in tesla are 1e-13: without their units, squares of squares keep their digits in float32.
    """
    mean, scale = responses.mean(axis=0, dtype=np.float64), np.empty(responses.shape[1])
    result = np.empty(responses.shape[::-1], dtype)
    for units in unit_parts(len(mean)):
        centred = responses[:, units] - mean[units]
        scale[units] = np.sqrt(np.einsum("ij,ij->j", centred, centred) / len(centred))
        result[units] = (centred / scale[units]).T
    return result, mean, scale
