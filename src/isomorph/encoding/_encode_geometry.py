"""A layer's RDM against those of regions: values, what each stimulus has to do with them, and what chance gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray
from isomorph.encoding._scorer import score_units
from isomorph.errors import ShapeError
from isomorph.geometry import Gram
from isomorph.inference import compare_rdms, weighted_similarities

_SMOOTH = ("pearson", "spearman")


@dataclass(frozen=True, eq=False)
class RDMScores:
    """Of every pair of RDMs that was compared.

    Attributes:
        values: `[group]`; NaN where one of the two is constant or not defined.
        contributions: `[stimulus, group]`: the score's change with each stimulus, so that the sum of squares is the jackknife's variance
            and differences of contributions belong to differences of scores.
    """

    values: FloatArray
    contributions: FloatArray


def score_rdms(models: FloatArray, brains: FloatArray, *, n: int, comparison: str) -> RDMScores:
    """Compare `models` `[1 or group, pair]` with `brains` `[group, pair]`.

    For Pearson and Spearman the jackknife is that of the first-order terms, one product of all pairs; for others each stimulus is left out.
    """
    models = np.broadcast_to(models, brains.shape)
    values, contributions = np.full(len(brains), np.nan), np.zeros((n, len(brains)))
    usable = np.flatnonzero(defined(models) & defined(brains))
    if len(usable):
        a, b = models[usable], brains[usable]
        found = _smooth(a, b, n, comparison) if comparison in _SMOOTH else _left_out(a, b, n, comparison)
        values[usable], contributions[:, usable] = found
    return RDMScores(values, contributions)


def permuted_rdms(models: FloatArray, brains: FloatArray, orders: IntArray, *, comparison: str) -> FloatArray:
    """`[permutation, group]`: scores with the stimuli of the models in other orders `[permutation, stimulus]`."""
    n = orders.shape[1]
    left, right = np.triu_indices(n, 1)
    models = np.broadcast_to(models, brains.shape)
    result = np.full((len(orders), len(brains)), np.nan)
    usable = np.flatnonzero(defined(models) & defined(brains))
    smooth = comparison in _SMOOTH
    for group in usable:
        a, b = models[group], brains[group]
        if smooth:
            scored = score_units(a[:, None], b[:, None], comparison)
            a, b = scored.made[:, 0], scored.truth[:, 0] / len(b)
        square = np.zeros((n, n))
        square[left, right] = square[right, left] = a
        for place, order in enumerate(orders):
            made = square[order[left], order[right]]
            result[place, group] = made @ b if smooth else compare_rdms(made[None], b[None], comparison=comparison)[0, 0]
    return result


def drawn_rdms(models: FloatArray, brains: FloatArray, weights: IntArray, *, comparison: str) -> FloatArray:
    """`[replicate, group]`: scores with stimuli drawn anew, by weights `[replicate, stimulus]`."""
    models = np.broadcast_to(models, brains.shape)
    result = np.full((len(weights), len(brains)), np.nan)
    usable = np.flatnonzero(defined(models) & defined(brains))
    if len(usable):
        rows, first = np.concatenate([models[usable], brains[usable]]), np.arange(len(usable))
        result[:, usable] = weighted_similarities(rows, first, first + len(usable), weights, comparison=comparison)
    return result


def rdm_or_nan(gram: Gram, distance: str) -> FloatArray:
    """The condensed RDM; NaN where a stimulus has no pattern to correlate."""
    try:
        return np.asarray(gram.rdm(distance).values)
    except ShapeError:
        return np.full(len(gram) * (len(gram) - 1) // 2, np.nan)


def defined(rdms: FloatArray) -> npt.NDArray[np.bool_]:
    """`[rdm]`: whether it is there and not constant."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isfinite(rdms).all(axis=1) & (np.ptp(rdms, axis=1) > 1e-12))


def _smooth(a: FloatArray, b: FloatArray, n: int, comparison: str) -> tuple[FloatArray, FloatArray]:
    scored = score_units(a.T, b.T, comparison)
    influence = scored.influence(slice(None))
    left, right = np.triu_indices(n, 1)
    means = np.empty((n, len(a)))
    for group in range(len(a)):  # of each stimulus over its pairs
        own = influence[:, group]
        means[:, group] = np.bincount(left, own, minlength=n) + np.bincount(right, own, minlength=n)
    means /= n - 1
    scale = 2 / max(n - 2, 1) * np.sqrt((n - 1) / n)
    return scored.values, (means - means.mean(axis=0)) * scale


def _left_out(a: FloatArray, b: FloatArray, n: int, comparison: str) -> tuple[FloatArray, FloatArray]:
    values, contributions = np.empty(len(a)), np.empty((n, len(a)))
    weights = 1 - np.eye(n, dtype=np.int64)
    for group, pair in enumerate(zip(a, b, strict=True)):
        rows = np.stack(pair)
        values[group] = compare_rdms(rows[:1], rows[1:], comparison=comparison)[0, 0]
        without = weighted_similarities(rows, np.array([0]), np.array([1]), weights, comparison=comparison)[:, 0]
        contributions[:, group] = (np.nanmean(without) - np.where(np.isnan(without), np.nanmean(without), without)) * np.sqrt((n - 1) / n)
    return values, contributions
