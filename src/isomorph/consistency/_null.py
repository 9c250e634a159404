"""What consistency would be if a model were as good as any other: labels of models swapped on each data set by itself."""

from __future__ import annotations

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.consistency._blocks import in_blocks
from isomorph.consistency._bootstrap import generator
from isomorph.consistency._correlate import unit_rows
from isomorph.consistency._pairs import Block, Indices, ModelPairs

_CHUNK_VALUES = 4_000_000
_ROUNDING = 1e-12


def null_keys(permutations: int, datasets: int, models: int, seed: int) -> FloatArray:
    """Random keys `[permutation, dataset, model]`: their order within a stratum is the permutation there."""
    return generator(seed, "labels").random((permutations, datasets, models), dtype=np.float32)


def null_correlations(block: Block, keys: FloatArray, *, method: str) -> FloatArray:
    """Correlations after the labels of models were swapped within each stratum, on each data set by itself (Mantel, 1967).

    Swapping keeps the values of a data set, and so its mean, its spread and its ranks: one inner product a permutation is all.

    Returns:
        `[permutation, k]`.
    """
    unit = unit_rows(block.rows, method=method)
    squares = np.stack([as_square(row, block.pairs, keys.shape[2]) for row in unit])

    def swapped(part: slice) -> FloatArray:
        rows = np.empty((part.stop - part.start, *unit.shape))
        for at, dataset in enumerate(block.datasets):
            rows[:, at] = permuted(squares[at], block.pairs, keys[part, dataset])
        return np.asarray((rows @ rows.transpose(0, 2, 1))[:, block.a, block.b])

    return in_blocks(len(keys), len(block.a), swapped, step=max(1, _CHUNK_VALUES // max(unit.size, 1)))


def as_square(row: FloatArray, pairs: ModelPairs, models: int) -> FloatArray:
    """Values `[pair]` as a symmetric `[model, model]`, 0 elsewhere."""
    square = np.zeros((models, models))
    square[pairs.first, pairs.second] = square[pairs.second, pairs.first] = row
    return square


def permuted(square: FloatArray, pairs: ModelPairs, keys: FloatArray) -> FloatArray:
    """The values `[permutation, pair]` of a symmetric matrix after swapping its labels by `keys` `[permutation, model]`."""
    models = len(square)
    labels: Indices = np.broadcast_to(np.arange(models), keys.shape).copy()
    for stratum in pairs.strata:
        labels[:, stratum] = stratum[np.argsort(keys[:, stratum], axis=1)]
    return np.asarray(square.ravel()[labels[:, pairs.first] * models + labels[:, pairs.second]])


def upper_p(observed: FloatArray, null: FloatArray) -> FloatArray:
    """The share of permutations at or above what was observed, counting the data themselves: (1 + #) / (1 + permutations)."""
    if not len(null):
        return np.full(np.shape(observed), np.nan)
    reached = (null >= np.asarray(observed) - _ROUNDING).sum(axis=0)
    return np.where(np.isnan(observed), np.nan, (1 + reached) / (1 + len(null)))
