"""Kendall's τ_a for many weightings of one pair of vectors, in O(m log m) each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.inference._ranks import Ranker


def tau_a(x: FloatArray, y: FloatArray, weights: npt.NDArray[Any] | None = None) -> FloatArray:
    r"""Kendall's τ_a of two vectors, in each of several samples in which value p stands \(W_p\) times.

    $$\tau_a = \frac{C - D}{N (N - 1) / 2}, \qquad N = \textstyle\sum_p W_p$$

    with C concordant and D discordant pairs of values. Concordant pairs are counted bit by bit of y's rank: sorted by x, two values
    that share the higher bits are ordered by the next one, so that one running sum for each bit counts them for all samples at once.

    Args:
        x: `[value]`.
        y: `[value]`.
        weights: `[replicate, value]`, whole numbers; None is one sample with each value once.

    Returns:
        `[replicate]`, −1 … 1; NaN for a sample of fewer than two values.
    """
    w = np.ones((1, len(x))) if weights is None else np.asarray(weights, dtype=np.float64)
    x_ranker, y_ranker = Ranker(x), Ranker(y)
    x_rank, y_rank = x_ranker.dense(), y_ranker.dense()
    both = Ranker(x_rank * (int(y_rank.max(initial=0)) + 1) + y_rank)
    # Ties of x in falling order of y: what stands before a value and has a smaller y then has a smaller x, too.
    sequence = np.lexsort((-y_rank, x_rank))
    concordant = _rising_pairs(y_rank[sequence], w[:, sequence])
    total = w.sum(axis=1)
    pairs = (total**2 - np.einsum("rv,rv->r", w, w)) / 2
    untied = pairs - _tied_pairs(x_ranker, w) - _tied_pairs(y_ranker, w) + _tied_pairs(both, w)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((2 * concordant - untied) / (total * (total - 1) / 2))


def _rising_pairs(ranks: npt.NDArray[Any], weights: FloatArray) -> FloatArray:
    """Weight of the pairs p before q with a smaller rank at p, for each row of `weights`."""
    count = np.zeros(len(weights))
    ranks = ranks.astype(np.uint16) if ranks.max(initial=0) < 2**16 else ranks  # NumPy sorts 16-bit numbers by radix
    for bit in range(int(ranks.max(initial=0)).bit_length()):
        sequence = np.argsort(ranks >> (bit + 1), kind="stable")
        ordered = ranks[sequence]
        block = ordered >> (bit + 1)
        starts = np.flatnonzero(np.r_[True, block[1:] != block[:-1]])
        sizes = np.diff(np.r_[starts, len(block)])
        high = (ordered >> bit & 1).astype(bool)
        w = weights[:, sequence]
        low_before = np.cumsum(np.where(high, 0.0, w), axis=1)
        base = np.where(starts > 0, low_before[:, starts - 1], 0.0)
        low_before -= np.repeat(base, sizes, axis=1)
        count += np.einsum("rv,rv->r", np.where(high, w, 0.0), low_before)
    return count


def _tied_pairs(ranker: Ranker, weights: FloatArray) -> FloatArray:
    """Weight of the pairs of different entries whose values are equal, for each row of `weights`."""
    ordered = weights[:, ranker.order]
    groups = np.add.reduceat(ordered, ranker.starts, axis=1)
    return np.asarray(((groups**2).sum(axis=1) - np.einsum("rv,rv->r", ordered, ordered)) / 2)
