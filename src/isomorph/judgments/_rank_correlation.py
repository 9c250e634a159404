"""Spearman's correlation with an interval, for many trials."""

from __future__ import annotations

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError
from isomorph.inference import Score, interval

_BLOCK_VALUES = 1 << 24


def rank_correlation(x: FloatArray, y: FloatArray, *, replicates: int, seed: int, level: float) -> Score:
    """Spearman's ρ of two vectors; the bootstrap draws trials and keeps the ranks of the whole."""
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(x), rankdata(y)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    if not ranks.any(axis=1).all():
        raise InputError("a correlation needs values that vary; one side has the same number in every trial.")
    a, b = ranks / ranks.std(axis=1, keepdims=True)
    moments = np.stack([a, b, a * a, b * b, a * b], axis=1)
    rng, n = np.random.default_rng(seed), len(a)
    sums = [moments.mean(axis=0)[None]]
    step = max(1, _BLOCK_VALUES // n)
    for start in range(0, replicates, step):
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=min(step, replicates - start))
        sums.append(drawn @ moments / n)
    first, second, square, other_square, product = np.concatenate(sums).T
    with np.errstate(invalid="ignore", divide="ignore"):
        values = (product - first * second) / np.sqrt((square - first**2) * (other_square - second**2))
    low, high = map(float, interval(values[1:], level)) if replicates else (None, None)
    return Score(value=float(values[0]), low=low, high=high, n=n, measure="spearman", level=level, seed=seed, replicates=replicates)
