"""One number for the units of a region."""

from __future__ import annotations

import numpy as np

from isomorph.arrays import FloatArray, IntArray

AGGREGATORS = ("mean", "median")


def aggregate(values: FloatArray, aggregator: str) -> float:
    """The mean or median of the units' scores; NaN without any."""
    if not len(values):
        return float("nan")
    return float(np.mean(values) if aggregator == "mean" else np.median(values))


def unit_weights(values: FloatArray, aggregator: str, errors: FloatArray | None = None) -> FloatArray:
    """How much the aggregate changes with each unit's score `[unit]`; they sum to 1.

    Of a median only units near it count: when all scores move at random, now one of them is the middle one, now another. Under a Gaussian
    of half the `errors` of such scores, the resulting standard error of the median was within 12 % of the true one in simulations.

    Args:
        values: `[unit]`.
        aggregator: `"mean"` or `"median"`.
        errors: Standard errors of some units near the median.
    """
    width = 0.0 if errors is None or not len(errors) else 0.5 * float(np.median(errors))
    if aggregator == "median" and len(values) > 1 and width > 0:
        near = np.exp(-0.5 * ((values - np.median(values)) / width) ** 2)
        if near.sum() > 0:
            return np.asarray(near / near.sum())
    return np.full(len(values), 1 / max(len(values), 1))


def units_near(values: FloatArray, aggregator: str, count: int = 16) -> IntArray:
    """Places of the units whose scores are nearest to the median; none for a mean, which needs no errors."""
    if aggregator == "mean":
        return np.empty(0, dtype=np.intp)
    return np.argsort(np.abs(values - np.median(values)), kind="stable")[:count]


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
