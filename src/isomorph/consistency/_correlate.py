"""Correlations between data sets over pairs of models, plain and in every replicate at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.consistency._blocks import in_blocks
from isomorph.inference._ranks import Ranker, midranks

Indices = npt.NDArray[np.intp]
Weigh: TypeAlias = Callable[[slice, slice], FloatArray]
"""Weights `[replicate, pair]` of a slice of replicates and a slice of pairs."""

_CHUNK_VALUES = 2_000_000
_CONSTANT = 1e-24


def unit_rows(rows: FloatArray, *, method: str) -> FloatArray:
    """Rows `[dataset, pair]` (their mid-ranks for `"spearman"`) centred, of length 1; NaN where a row does not vary.

    The inner product of two such rows is their correlation.
    """
    values = midranks(rows) if method == "spearman" else rows
    centred = values - values.mean(axis=1, keepdims=True)
    square = np.einsum("dp,dp->d", centred, centred)
    square[square <= _CONSTANT * np.einsum("dp,dp->d", values, values)] = np.nan
    return np.asarray(centred / np.sqrt(square)[:, None])


def correlations(rows: FloatArray, a: Indices, b: Indices, *, method: str) -> FloatArray:
    """The correlation of `rows[a[k]]` with `rows[b[k]]`, `[k]`."""
    unit = unit_rows(rows, method=method)
    return np.asarray(np.clip((unit @ unit.T)[a, b], -1, 1))


def weighted_correlations(rows: FloatArray, a: Indices, b: Indices, weigh: Weigh, replicates: int, *, method: str) -> FloatArray:
    """The correlation of `rows[a[k]]` with `rows[b[k]]` in every replicate.

    Args:
        rows: `[dataset, pair]`.
        a: `[k]`.
        b: `[k]`.
        weigh: How often each pair stands in each replicate.
        replicates: How many replicates there are.
        method: `"pearson"`: all weighted moments are one matrix product; or `"spearman"`: the rows are ranked anew by weighted counting.

    Returns:
        `[replicate, k]`; NaN where a replicate leaves nothing that varies.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        if method == "spearman":
            return _ranked(rows, a, b, weigh, replicates)

        def linear(_: slice) -> FloatArray:
            return _linear(unit_rows(rows, method=method) * np.sqrt(rows.shape[1]), a, b, weigh, replicates)

        return in_blocks(replicates, len(a), linear, step=max(1, replicates))  # one product, which has other digits in parts


def _linear(z: FloatArray, a: Indices, b: Indices, weigh: Weigh, replicates: int) -> FloatArray:
    count, pairs = z.shape
    kinds = 1 + 2 * count + len(a)
    sums = np.zeros((replicates, kinds))
    step = max(64, _CHUNK_VALUES // max(kinds, replicates))
    for start in range(0, pairs, step):
        part = slice(start, min(start + step, pairs))
        values = z[:, part]
        moments = np.concatenate([np.ones((1, values.shape[1])), values, values**2, values[a] * values[b]])
        sums += weigh(slice(0, replicates), part) @ moments.T
    means = sums[:, 1:] / sums[:, :1]
    mean, square, product = means[:, :count], means[:, count : 2 * count], means[:, 2 * count :]
    variance = square - mean**2
    variance[variance < 1e-12] = np.nan
    return np.asarray(np.clip((product - mean[:, a] * mean[:, b]) / np.sqrt(variance[:, a] * variance[:, b]), -1, 1))


def _ranked(rows: FloatArray, a: Indices, b: Indices, weigh: Weigh, replicates: int) -> FloatArray:
    rankers = cache(lambda: [Ranker(row) for row in rows])
    everything = slice(0, rows.shape[1])

    def ranked(part: slice) -> FloatArray:
        weights = weigh(part, everything)
        mean = (weights.sum(axis=1, keepdims=True) + 1) / 2
        unit = np.stack([ranker.ranks(weights) - mean for ranker in rankers()], axis=1)
        unit *= np.sqrt(weights)[:, None]
        unit /= np.sqrt(np.einsum("rdp,rdp->rd", unit, unit))[:, :, None]
        return np.asarray(np.clip((unit @ unit.transpose(0, 2, 1))[:, a, b], -1, 1))

    return in_blocks(replicates, len(a), ranked, step=max(1, _CHUNK_VALUES // max(rows.size, 1)))
