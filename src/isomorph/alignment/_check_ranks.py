"""Spearman's correlation before and after with the same third thing, and the interval of the difference."""

from __future__ import annotations

from typing import Any

import numpy as np

from isomorph.alignment._check_intervals import Draws, figures
from isomorph.arrays import FloatArray, IntArray

_BLOCK_VALUES = 1 << 22


def rank_figures(values: FloatArray, other: FloatArray, draws: Draws, *, units: IntArray | None = None) -> dict[str, Any]:
    """A row of the table: Spearman's ρ of `values` `[2, entry]` (before, after) with `other` `[entry]`.

    The bootstrap keeps the ranks of the whole and draws entries; with `units` `[entry]` (whole numbers from 0) these units, with all of
    their entries; with `units` `[entry, several]` objects, an entry counting with the product of how often its objects were drawn. Where a
    side does not vary there is no correlation (NaN).
    """
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(each) for each in (*values, other)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    one, two, third = ranks / np.where(ranks.any(axis=1), ranks.std(axis=1), 1)[:, None]
    moments = np.stack([np.ones(len(third)), one, two, third, one * one, two * two, third * third, one * third, two * third], axis=1)
    found = _differences(moments.sum(axis=0)[None])[0]
    replicates = None
    if draws.replicates and np.isfinite(found).all():
        replicates = _differences(_resampled(moments, units, draws))
        replicates = replicates[np.isfinite(replicates).all(axis=1)]
    return figures(found, replicates, draws.level) | {"n": len(third)}


def _differences(sums: FloatArray) -> FloatArray:
    """`[sample, 9]` sums of moments → `[sample, 3]`: ρ before, after, and their difference."""
    total, *first, one, two, third, one_third, two_third = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = [total * square - each**2 for square, each in zip((one, two, third), first, strict=True)]
        before, after = (
            (total * product - side * first[2]) / np.sqrt(own * spread[2])
            for product, side, own in zip((one_third, two_third), first[:2], spread[:2], strict=True)
        )
    return np.stack([before, after, after - before], axis=1)


def _resampled(moments: FloatArray, units: IntArray | None, draws: Draws) -> FloatArray:
    if units is not None and units.ndim == 1:
        count = int(units.max()) + 1
        moments = np.stack([np.bincount(units, weights=each, minlength=count) for each in moments.T], axis=1)
        units = None
    drawn_from = len(moments) if units is None else int(units.max()) + 1
    rng, sums = np.random.default_rng([draws.seed, 25]), []
    step = max(1, _BLOCK_VALUES // len(moments))
    for start in range(0, draws.replicates, step):
        size = min(step, draws.replicates - start)
        weights = rng.multinomial(drawn_from, np.full(drawn_from, 1 / drawn_from), size=size)
        sums.append((weights if units is None else weights[:, units].prod(axis=2)) @ moments)
    return np.concatenate(sums)
