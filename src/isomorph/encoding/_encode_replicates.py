"""Scores of units with stimuli drawn anew, and with responses of other stimuli."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.encoding._aggregator import aggregate
from isomorph.encoding._scorer import Scored

_UNITS = 1024


def replicate_scores(scored: Scored, weights: IntArray, scorer: str, columns: Sequence[IntArray], aggregator: str) -> FloatArray:
    """`[replicate, group]`: aggregates of the units' weighted scores.

    Spearman's ranks stay those of all stimuli.

    Args:
        scored: Of all units.
        weights: `[replicate, stimulus]`.
        scorer: Whose form `scored` has.
        columns: The units of each group.
        aggregator: `"mean"` or `"median"`.
    """
    units = np.unique(np.concatenate(columns))
    place = [np.searchsorted(units, each) for each in columns]
    made = np.empty((len(weights), len(units)), dtype=np.float32)
    for start in range(0, len(units), _UNITS):
        part = units[start : start + _UNITS]
        made[:, start : start + _UNITS] = _weighted(scored, weights, scorer, part)
    combine = np.nanmean if aggregator == "mean" else np.nanmedian
    return np.stack([combine(made[:, each], axis=1) for each in place], axis=1)


def permuted_scores(
    scored: Scored, scores: FloatArray, weights: FloatArray, orders: IntArray, columns: list[IntArray], aggregator: str
) -> FloatArray:
    """`[permutation, group]`: aggregates with responses of other stimuli."""
    result = np.empty((len(orders), len(columns)))
    if aggregator == "mean":
        rows = np.arange(orders.shape[1])
        for place, units in enumerate(columns):
            part = Scored(scored.values[units], scored.influence, scored.made[:, units], scored.truth[:, units], scored.factor[units])
            exchange = part.exchange(weights[units, place])
            result[:, place] = scores[place] - np.trace(exchange) + exchange[rows, orders].sum(axis=1)
        return result
    for row, order in enumerate(orders):
        moved = np.einsum("iu,iu->u", scored.made, scored.truth[order] - scored.truth) * scored.factor + scored.values
        result[row] = [aggregate(moved[units], aggregator) for units in columns]
    return result


def _weighted(scored: Scored, weights: IntArray, scorer: str, units: IntArray) -> FloatArray:
    x, y = (each[:, units].astype(np.float64) for each in (scored.made, scored.truth))
    total = weights.sum(axis=1, keepdims=True).astype(np.float64)
    w = weights / np.where(total > 0, total, np.nan)
    mx, my, xx, yy, xy = w @ x, w @ y, w @ (x * x), w @ (y * y), w @ (x * y)
    vx, vy, cov = xx - mx**2, yy - my**2, xy - mx * my
    with np.errstate(invalid="ignore", divide="ignore"):
        if scorer in ("pearson", "spearman"):
            flat = (vx <= 1e-10) | (vy <= 1e-10)
            return np.where(flat, 0.0, cov / np.sqrt(np.where(flat, 1, vx * vy)))
        if scorer == "r2":
            return np.asarray(1 - (xx + yy - 2 * xy) / vy)
        if scorer == "explained_variance":
            return np.asarray(1 - (vx + vy - 2 * cov) / vy)
        gap = 0.0 if scored.gap is None else scored.gap[units]
        return np.asarray(2 * cov / (vx + vy + (mx - my + gap) ** 2))
