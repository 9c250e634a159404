"""One number for the units of a region."""

from __future__ import annotations

import numpy as np

from isomorph.arrays import FloatArray

AGGREGATORS = ("mean", "median")


def aggregate(values: FloatArray, aggregator: str) -> float:
    """The mean or median of the units' scores; NaN without any."""
    if not len(values):
        return float("nan")
    return float(np.mean(values) if aggregator == "mean" else np.median(values))


def unit_weights(values: FloatArray, aggregator: str) -> FloatArray:
    """How much the aggregate changes with each unit's score `[unit]`; they sum to 1.

    Of a median only units near it count: those under a Gaussian as wide as a density estimate of the scores takes (Silverman's rule), which
    is what a median of many units does when all scores move a little.
    """
    if aggregator == "mean" or len(values) < 2:
        return np.full(len(values), 1 / max(len(values), 1))
    width = _bandwidth(values)
    if width == 0:
        return np.full(len(values), 1 / len(values))
    near = np.exp(-0.5 * ((values - np.median(values)) / width) ** 2)
    return np.asarray(near / near.sum())


def unit_variance(values: FloatArray, aggregator: str) -> float:
    """The variance of the aggregate if other units of the same kind had been recorded; NaN for a single unit."""
    count = len(values)
    if count < 2:
        return float("nan")
    if aggregator == "mean":
        return float(np.var(values, ddof=1) / count)
    width = _bandwidth(values)
    if width == 0:
        return 0.0
    near = np.exp(-0.5 * ((values - np.median(values)) / width) ** 2)
    density = near.mean() / (width * np.sqrt(2 * np.pi))
    return float(1 / (4 * count * density**2))


def _bandwidth(values: FloatArray) -> float:
    quarters = np.subtract(*np.percentile(values, [75, 25]))
    return float(1.06 * min(values.std(ddof=1), quarters / 1.349 or np.inf) * len(values) ** -0.2)
