"""Column means taken away, without residue."""

from __future__ import annotations

import numpy as np

from isomorph.arrays import FloatArray


def centre_columns(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """`values` in float64 less their column means, and the means; a column that is constant becomes exactly zero.

    Without that a constant column would leave the rounding of its mean behind, and a thing that does not vary would seem to.
    """
    wide = values.astype(np.float64)
    mean = wide.mean(axis=0)
    wide -= mean
    spread = wide.max(axis=0, initial=-np.inf) - wide.min(axis=0, initial=np.inf)  # whose rounding, unlike the mean's, knows no n
    wide[:, spread <= 8 * np.finfo(np.float64).eps * np.abs(mean)] = 0.0
    return wide, mean
