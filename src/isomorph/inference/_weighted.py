"""The comparison of RDMs in every bootstrap replicate at once, without forming a resampled matrix.

A replicate is a vector of whole-number weights w on stimuli; the pair (i, j), i ≠ j, stands w_i · w_j times. A stimulus drawn twice is
no pair with itself: its distance to its own copy is 0 by construction and says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray
from isomorph.inference._kendall import tau_a
from isomorph.inference._ranks import Ranker

_CHUNK_VALUES = 1_000_000
_BLOCK_ROWS = 512
_LEAST_PAIRS = 512
_MANY_KINDS = 64

Indices = npt.NDArray[np.intp]


def weighted_similarities(rows: FloatArray, first: Indices, second: Indices, weights: IntArray, *, comparison: str) -> FloatArray:
    """Compare `rows[first[k]]` with `rows[second[k]]` in every replicate.

    Args:
        rows: `[rdm, pair]`, condensed RDMs of the same stimuli.
        first: `[k]`.
        second: `[k]`.
        weights: `[replicate, stimulus]`, whole numbers.
        comparison: As in `compare_rdms`.

    Returns:
        `[replicate, k]`; NaN where the replicate leaves an RDM constant.
    """
    if comparison in ("pearson", "cosine"):
        return _linear(rows, first, second, weights, centred=comparison == "pearson")
    rankers = [Ranker(row) for row in rows]
    result = np.empty((len(weights), len(first)))
    for part, pairs in replicate_chunks(weights, values_each=rows.size):
        if comparison == "tau-a":
            for k, (a, b) in enumerate(zip(first, second, strict=True)):
                result[part, k] = tau_a(rows[a], rows[b], pairs)
            continue
        units = np.stack([ranked_unit(ranker.ranks(pairs), pairs, comparison) for ranker in rankers], axis=1)
        products = units @ units.transpose(0, 2, 1) if len(rows) < 64 else None
        for k, (a, b) in enumerate(zip(first, second, strict=True)):
            result[part, k] = products[:, a, b] if products is not None else np.einsum("rp,rp->r", units[:, a], units[:, b])
    return result


def replicate_chunks(weights: IntArray, *, values_each: int) -> Iterator[tuple[slice, FloatArray]]:
    """Slices of replicates with their pair weights `[replicate, pair]`, few enough that `values_each` numbers for each stay small."""
    n = weights.shape[1]
    rows, columns = np.triu_indices(n, 1)
    step = max(1, _CHUNK_VALUES // max(values_each, 1))
    for start in range(0, len(weights), step):
        part = slice(start, min(start + step, len(weights)))
        chunk = weights[part].astype(np.float64)
        yield part, chunk[:, rows] * chunk[:, columns]


def ranked_unit(ranks: FloatArray, pairs: FloatArray, comparison: str) -> FloatArray:
    """Ranks `[replicate, pair]`, centred and scaled so that plain inner products are Spearman's ρ or ρ_a of the weighted sample."""
    total = pairs.sum(axis=1, keepdims=True)
    centred = ranks - (total + 1) / 2
    centred *= np.sqrt(pairs)
    with np.errstate(invalid="ignore", divide="ignore"):
        if comparison == "rho-a":
            return np.asarray(centred * np.sqrt(12 / (total**3 - total)))
        return np.asarray(centred / np.sqrt(np.einsum("rp,rp->r", centred, centred))[:, None])


def _linear(rows: FloatArray, first: Indices, second: Indices, weights: IntArray, *, centred: bool) -> FloatArray:
    """Weighted moments of all RDMs and of their products, from matrix products with the weights."""
    count = len(rows)
    scale = np.abs(rows).max(axis=1, initial=0.0).astype(np.float64)
    scale[scale == 0] = 1.0
    shift = rows.mean(axis=1, dtype=np.float64) / scale if centred else np.zeros(count)

    def moments(part: slice) -> FloatArray:
        values = rows[:, part] / scale[:, None] - shift[:, None]
        return np.concatenate([np.ones((1, values.shape[1])), values, values**2, values[first] * values[second]])

    kinds = 1 + 2 * count + len(first)
    w = np.ascontiguousarray(weights.T, dtype=np.float64)
    sums = _sums_by_pairs(moments, kinds, w) if kinds > _MANY_KINDS else _sums_by_rows(moments, kinds, w)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums[1:] / sums[0]
        mean, square, product = means[:count], means[count : 2 * count], means[2 * count :]
        if centred:
            square = square - mean**2
            product = product - mean[first] * mean[second]
        square[square < 1e-14] = np.nan
        return np.asarray((product / np.sqrt(square[first] * square[second])).T)


def _sums_by_pairs(moments: Callable[[slice], FloatArray], kinds: int, w: FloatArray) -> FloatArray:
    """Σ over pairs of w_i w_j times each moment, `[kind, replicate]`; pair weights are formed, which many kinds share."""
    n, replicates = w.shape
    left, right = np.triu_indices(n, 1)
    sums = np.zeros((kinds, replicates))
    step = max(_LEAST_PAIRS, _CHUNK_VALUES // max(kinds, replicates))
    for start in range(0, len(left), step):
        part = slice(start, start + step)
        sums += moments(part) @ (w[left[part]] * w[right[part]])
    return sums


def _sums_by_rows(moments: Callable[[slice], FloatArray], kinds: int, w: FloatArray) -> FloatArray:
    """The same without pair weights: blocks of rows of each moment's matrix times w, then times w."""
    n, replicates = w.shape
    sums = np.zeros((kinds, replicates))
    height = max(1, _BLOCK_ROWS // kinds)
    position = 0
    for start in range(0, n - 1, height):
        stop = min(start + height, n - 1)
        block = np.zeros((kinds, stop - start, n - 1 - start))
        for offset in range(stop - start):
            size = n - 1 - start - offset
            block[:, offset, offset:] = moments(slice(position, position + size))
            position += size
        products = (block.reshape(kinds * (stop - start), -1) @ w[start + 1 :]).reshape(kinds, stop - start, replicates)
        products *= w[start:stop]
        sums += products.sum(axis=1)
    return sums
