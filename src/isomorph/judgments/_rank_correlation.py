"""Spearman's correlation with an interval."""

from __future__ import annotations

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError
from isomorph.inference import Score, interval

_BLOCK_VALUES = 1 << 22


def rank_correlation(
    x: FloatArray, y: FloatArray, *, replicates: int, seed: int, level: float, units: IntArray | None = None, unit_count: int = 0
) -> Score:
    """Spearman's ρ of two vectors; the bootstrap keeps the ranks of the whole.

    It draws entries; or, where `units` `[entry, several]` says which of `unit_count` objects each entry is about, objects: then an entry
    counts with the product of how often its objects were drawn.
    """
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(x), rankdata(y)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    if not ranks.any(axis=1).all():
        raise InputError("a correlation needs values that vary; one side has the same number everywhere.")
    a, b = ranks / ranks.std(axis=1, keepdims=True)
    moments = np.stack([np.ones(len(a)), a, b, a * a, b * b, a * b], axis=1)
    rng, n = np.random.default_rng(seed), len(a)
    sums = [moments.sum(axis=0)[None]]
    drawn_from = unit_count if units is not None else n
    step = max(1, _BLOCK_VALUES // n)
    for start in range(0, replicates, step):
        weights = rng.multinomial(drawn_from, np.full(drawn_from, 1 / drawn_from), size=min(step, replicates - start))
        sums.append((weights if units is None else weights[:, units].prod(axis=2)) @ moments)
    total, first, second, square, other_square, product = np.concatenate(sums).T
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (total * square - first**2) * (total * other_square - second**2)
        values = (total * product - first * second) / np.sqrt(spread)
    low, high = map(float, interval(values[1:], level)) if replicates else (None, None)
    return Score(value=float(values[0]), low=low, high=high, n=n, measure="spearman", level=level, seed=seed, replicates=replicates)
