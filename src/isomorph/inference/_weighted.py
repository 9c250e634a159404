"""The comparison of RDMs in every bootstrap replicate at once, without forming a resampled matrix.

A replicate is a vector of whole-number weights w on stimuli; the pair (i, j), i ≠ j, stands w_i · w_j times. A stimulus drawn twice is
no pair with itself: its distance to its own copy is 0 by construction and says nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray, as_floats
from isomorph.inference._comparison import GRAMS, KENDALL, check_comparison
from isomorph.inference._deletion import deletion_similarities
from isomorph.inference._kendall import Blocks, PairCounter, scaled
from isomorph.inference._moments import pair_sums, pair_weights
from isomorph.inference._ranks import RankTable
from isomorph.inference._whitened import WHITENED, weighted_whitened

_CHUNK_VALUES = 8_000_000

Indices = npt.NDArray[np.intp]


def weighted_similarities(
    rows: FloatArray, first: Indices, second: Indices, weights: IntArray, *, comparison: str, sigma_k: FloatArray | None = None
) -> FloatArray:
    """Compare `rows[first[k]]` with `rows[second[k]]` in every replicate.

    The comparisons that look at whole Gram matrices (`"neg_riem_dist"`, `"bures"`, and the whitened ones with a `sigma_k`) take copies of
    a stimulus for likeness, or for a missing dimension. For them a replicate is the value on the stimuli that were drawn at all, its
    deviation from the mean of all replicates scaled as in a delete-d jackknife and set around the full value.

    Args:
        rows: `[rdm, pair]`, condensed RDMs of the same stimuli.
        first: `[k]`.
        second: `[k]`.
        weights: `[replicate, stimulus]`, whole numbers.
        comparison: As in `compare_rdms`.
        sigma_k: As in `compare_rdms`.

    Returns:
        `[replicate, k]`; NaN where the replicate leaves an RDM constant.
    """
    check_comparison(comparison, sigma_k)
    rows = as_floats(rows, name="RDMs", ndim=2)
    if comparison in GRAMS or sigma_k is not None:
        return deletion_similarities(rows, first, second, weights, comparison=comparison, sigma_k=sigma_k)
    if comparison in WHITENED:
        return weighted_whitened(rows, first, second, weights, centred=comparison == "corr_cov")[0]
    if comparison in KENDALL:
        return _kendall(rows, first, second, weights, comparison)
    if comparison in ("spearman", "rho-a"):
        return _ranked(rows, first, second, weights, comparison)
    return _linear(rows, first, second, weights, centred=comparison == "pearson")


def _linear(rows: FloatArray, first: Indices, second: Indices, weights: IntArray, *, centred: bool) -> FloatArray:
    """Weighted moments of all RDMs and of their products, from matrix products with the weights."""
    count = len(rows)
    scale = np.abs(rows).max(axis=1, initial=0.0).astype(np.float64)
    scale[scale == 0] = 1.0
    shift = rows.mean(axis=1, dtype=np.float64) / scale if centred else np.zeros(count)

    def moments(part: slice) -> FloatArray:
        values = rows[:, part] / scale[:, None] - shift[:, None]
        return np.concatenate([np.ones((1, values.shape[1])), values, values**2, values[first] * values[second]])

    sums = pair_sums(moments, 1 + 2 * count + len(first), weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums[1:] / sums[0]
        mean, square, product = means[:count], means[count : 2 * count], means[2 * count :]
        if centred:
            square = square - mean**2
            product = product - mean[first] * mean[second]
        square[square < 1e-14] = np.nan
        return np.asarray((product / np.sqrt(square[first] * square[second])).T)


def _ranked(rows: FloatArray, first: Indices, second: Indices, weights: IntArray, comparison: str) -> FloatArray:
    """Spearman's ρ or ρ_a: ranks of all RDMs anew in every replicate, by weighted counting, then one matrix product."""
    ranker = RankTable(rows)
    (left, a), (right, b) = (np.unique(each, return_inverse=True) for each in (first, second))
    result = np.empty((len(weights), len(first)))
    for replicate, pairs in enumerate(pair_weights(weights)):
        total = pairs.sum()
        ranks = ranker.ranks(pairs)
        ranks -= (total + 1) / 2
        weighted = ranks[left] * pairs
        with np.errstate(invalid="ignore", divide="ignore"):
            if comparison == "rho-a":
                scale: FloatArray | float = np.sqrt((total**3 - total) / 12)
                result[replicate] = (weighted @ ranks[right].T)[a, b] / scale / scale
                continue
            norms = np.sqrt(np.einsum("rp,rp,p->r", ranks, ranks, pairs))
            norms[norms <= 0] = np.nan
            result[replicate] = (weighted @ ranks[right].T / norms[left][:, None] / norms[right])[a, b]
    return result


def _kendall(rows: FloatArray, first: Indices, second: Indices, weights: IntArray, comparison: str) -> FloatArray:
    """τ: concordant pairs of distances counted for all replicates at once, one pair of RDMs after another."""
    result = np.empty((len(weights), len(first)))
    left, right = np.triu_indices(weights.shape[1], 1)
    blocks = {each: Blocks(rows[each]) for each in np.union1d(first, second).tolist()}
    step = max(1, _CHUNK_VALUES // (len(left) + 1))
    for start in range(0, len(weights), step):
        w = weights[start : start + step].T.astype(np.float64)
        pairs = np.zeros((len(left) + 1, w.shape[1]))
        np.multiply(w[left], w[right], out=pairs[:-1])
        total = pairs.sum(axis=0)
        ties = [_ties(row, pairs) if comparison == "tau-b" else total for row in rows]
        for k, (a, b) in enumerate(zip(first, second, strict=True)):
            score = PairCounter(blocks[a], blocks[b]).scores(pairs)
            result[start : start + step, k] = scaled(score, total, ties[a], ties[b], comparison)
    return result


def _ties(row: FloatArray, pairs: FloatArray) -> FloatArray:
    """Pairs of equal distances `[replicate]`, those of one distance with its own copies among them."""
    order = np.argsort(row)
    starts = np.flatnonzero(np.r_[True, np.diff(row[order]) != 0])
    groups = np.add.reduceat(pairs[order], starts, axis=0)
    return np.asarray((groups * (groups - 1)).sum(axis=0) / 2)
