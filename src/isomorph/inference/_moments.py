"""Sums over pairs of stimuli under bootstrap weights, as matrix products."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from isomorph.arrays import FloatArray, IntArray

_CHUNK_VALUES = 1_000_000
_BLOCK_ROWS = 512
_LEAST_PAIRS = 512
_MANY_KINDS = 64


def pair_weights(weights: IntArray) -> Iterator[FloatArray]:
    """How often each pair stands `[pair]`, one replicate of `[replicate, stimulus]` after another."""
    left, right = np.triu_indices(weights.shape[1], 1)
    for row in weights.astype(np.float64):
        yield row[left] * row[right]


def pair_sums(moments: Callable[[slice], FloatArray], kinds: int, weights: IntArray) -> FloatArray:
    """Σ over pairs of w_i w_j times each moment, `[kind, replicate]`.

    Args:
        moments: The moments `[kind, pair]` of a slice of the pairs.
        kinds: How many moments there are.
        weights: `[replicate, stimulus]`.
    """
    w = np.ascontiguousarray(weights.T, dtype=np.float64)
    return _sums_by_pairs(moments, kinds, w) if kinds > _MANY_KINDS else _sums_by_rows(moments, kinds, w)


def _sums_by_pairs(moments: Callable[[slice], FloatArray], kinds: int, w: FloatArray) -> FloatArray:
    """Pair weights are formed, which many kinds share."""
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
