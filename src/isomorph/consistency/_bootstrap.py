"""Replicates of models, of data sets, or of both, as whole-number weights.

Similarities that share a model are dependent, so models are drawn, never pairs: in a replicate where model i stands w_i times, the
pair {i, j} stands w_i w_j times. A model and its own copy are no pair: their similarity is 1 by construction and says nothing. The
same holds for a data set and its copy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.consistency._correlate import Weigh
from isomorph.consistency._pairs import ModelPairs
from isomorph.inference import interval


def generator(seed: int, *names: str) -> np.random.Generator:
    """A generator that depends on the seed and on names alone: what else is analysed never changes a draw."""
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, dtype=np.uint32).tolist()])


def model_weights(pairs: ModelPairs, models: Sequence[str], replicates: int, seed: int) -> FloatArray:
    """How often each model is drawn, `[replicate, model]`: within each stratum as many as it has; a stratum of one stays."""
    weights = np.zeros((replicates, len(models)))
    for stratum in pairs.strata:
        drawn = generator(seed, "models", *(models[at] for at in stratum))
        weights[:, stratum] = drawn.multinomial(len(stratum), np.full(len(stratum), 1 / len(stratum)), size=replicates)
    return weights


def of_pairs(weights: FloatArray, pairs: ModelPairs) -> Weigh:
    """The weights of model pairs, w_i w_j, from those of models, formed slice by slice."""

    def weigh(replicates: slice, part: slice) -> FloatArray:
        rows = weights[replicates]
        return np.asarray(rows[:, pairs.first[part]] * rows[:, pairs.second[part]])

    return weigh


def dataset_weights(datasets: Sequence[str], replicates: int, seed: int) -> FloatArray:
    """v_d v_e for each pair of data sets d < e, `[replicate, k]`."""
    count = len(datasets)
    drawn = generator(seed, "datasets", *datasets).multinomial(count, np.full(count, 1 / count), size=replicates).astype(np.float64)
    first, second = np.triu_indices(count, 1)
    return np.asarray(drawn[:, first] * drawn[:, second])


def subsets(total: int, size: int, draws: int, seed: int, *names: str) -> npt.NDArray[np.bool_]:
    """Subsets of `size` of `total` pairs without replacement, `[draw, pair]`."""
    keys = generator(seed, "subsets", *names).random((draws, total))
    chosen = np.zeros((draws, total), dtype=bool)
    np.put_along_axis(chosen, np.argpartition(keys, size - 1, axis=1)[:, :size], True, axis=1)
    return chosen


def intervals(replicates: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Percentile intervals of each column of `[replicate, k]`; NaN where no replicate gave a number."""
    low, high = (np.full(replicates.shape[1], np.nan) for _ in range(2))
    known = ~np.isnan(replicates).all(axis=0)
    if known.any():
        low[known], high[known] = interval(replicates[:, known], level)
    return low, high


def medians(values: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """The median of each row, `[row]`, where value k stands `weights[row, k]` times; NaN are left out.

    Args:
        values: `[row, k]`, or `[1, k]` for every row of weights.
        weights: `[row, k]`, whole numbers; None: each once.

    Example:
        >>> medians(np.array([[1.0, 2.0, 9.0]]), np.array([[1.0, 0.0, 3.0], [2.0, 2.0, 0.0]])).tolist()
        [9.0, 1.5]
    """
    if weights is None:
        weights = np.ones_like(values)
    values = np.broadcast_to(values, weights.shape)
    weights = np.where(np.isnan(values), 0.0, weights)
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    below = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    total = below[:, -1]

    def at(rank: FloatArray) -> FloatArray:
        place = (below <= rank[:, None]).sum(axis=1)
        return np.asarray(np.take_along_axis(ordered, np.minimum(place, values.shape[1] - 1)[:, None], axis=1)[:, 0])

    middle = (at(np.floor((total - 1) / 2)) + at(np.floor(total / 2))) / 2
    return np.where(total > 0, middle, np.nan)
