"""The weights of flexible models, for many training sets at once, from inner products alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.inference._models import FlexibleModel, SelectModel, WeightedModel

_TOLERANCE = 1e-10
_RIDGE = 1e-13


def fit(model: FlexibleModel, gram: FloatArray, cross: FloatArray, similar: FloatArray) -> FloatArray:
    """Weights `[problem, component]`; NaN where the training set leaves a component without variation.

    Args:
        model: What may be combined how.
        gram: `[problem, component, component]`: inner products of the components.
        cross: `[problem, component]`: their inner products with the pool of the training subjects.
        similar: `[problem, component]`: mean comparison of each component with the training subjects.
    """
    lengths = np.sqrt(np.einsum("pcc->pc", gram))
    usable = (lengths > 0).all(axis=1) & np.isfinite(cross).all(axis=1) & np.isfinite(similar).all(axis=1)
    weights = np.full(cross.shape, np.nan)
    lengths = lengths[usable]
    unit = gram[usable] / lengths[:, :, None] / lengths[:, None, :]
    target = cross[usable] / lengths
    if isinstance(model, SelectModel):
        weights[usable] = np.eye(cross.shape[1])[similar[usable].argmax(axis=1)]
    elif isinstance(model, WeightedModel):
        found = _nonnegative_or_best(unit, target) if model.nonnegative else _free(unit, target)
        found /= lengths
        weights[usable] = found / np.maximum(np.linalg.norm(found, axis=1), 1e-300)[:, None]
    else:
        found = _interpolated(unit, target) / lengths
        weights[usable] = found / found.sum(axis=1, keepdims=True)
    return weights


def nonnegative_least_squares(gram: FloatArray, target: FloatArray) -> FloatArray:
    """Minimise θᵀGθ − 2 bᵀθ over θ ≥ 0 for many problems at once, by active sets.

    Every problem moves its own variable in and out, so that all end in about as many rounds as there are variables; a round limit stands
    behind them. Expects a unit diagonal: then the tolerance on the gradient is relative to the target.

    Args:
        gram: `[problem, variable, variable]`.
        target: `[problem, variable]`.

    References:
        Lawson & Hanson, 1974, Solving Least Squares Problems; Bro & De Jong, 1997, <https://doi.org/10.1002/(SICI)1099-128X(199709/10)11:5>.
    """
    count, width = target.shape
    result, passive = np.zeros(target.shape), np.zeros(target.shape, dtype=bool)
    floor = _TOLERANCE * np.abs(target).max(axis=1, initial=0.0)
    active = np.ones(count, dtype=bool)
    for _ in range(3 * width + 10):
        gradient = np.where(passive, -np.inf, target - np.einsum("pij,pj->pi", gram, result))
        best = gradient.argmax(axis=1)
        active &= gradient[np.arange(count), best] > floor
        rows = np.flatnonzero(active)
        if not len(rows):
            break
        passive[rows, best[rows]] = True
        _step(gram, target, result, passive, rows)
    return result


def _step(gram: FloatArray, target: FloatArray, result: FloatArray, passive: npt.NDArray[np.bool_], rows: npt.NDArray[np.intp]) -> None:
    """Solve on the passive set; while a weight would turn negative, walk to where it is 0 and drop it."""
    width = target.shape[1]
    for _ in range(width + 1):
        held = passive[rows]
        wanted = _solve_within(gram[rows], target[rows], held)
        negative = held & (wanted <= 0)
        bad = negative.any(axis=1)
        result[rows[~bad]] = wanted[~bad]
        rows, wanted, negative = rows[bad], wanted[bad], negative[bad]
        if not len(rows):
            return
        now = result[rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(negative, now / (now - wanted), np.inf)
        share = np.nan_to_num(share, nan=0.0, posinf=np.inf)
        moved = now + share.min(axis=1, keepdims=True) * (wanted - now)
        leaving = negative & (share <= share.min(axis=1, keepdims=True))
        result[rows] = np.where(leaving, 0.0, np.maximum(moved, 0.0))
        passive[rows] &= ~leaving


def _solve_within(gram: FloatArray, target: FloatArray, held: npt.NDArray[np.bool_]) -> FloatArray:
    both = held[:, :, None] & held[:, None, :]
    matrix = np.where(both, gram, 0.0)
    every = np.arange(target.shape[1])
    matrix[:, every, every] = np.where(held, matrix[:, every, every] + _RIDGE, 1.0)
    return np.linalg.solve(matrix, np.where(held, target, 0.0)[:, :, None])[:, :, 0]


def _nonnegative_or_best(unit: FloatArray, target: FloatArray) -> FloatArray:
    """Where no component helps, the similarity is at its largest at the single component that harms least."""
    found = nonnegative_least_squares(unit, target)
    nothing = ~(found > 0).any(axis=1)
    found[nothing] = np.eye(target.shape[1])[target[nothing].argmax(axis=1)]
    return found


def _free(unit: FloatArray, target: FloatArray) -> FloatArray:
    if not len(unit):
        return target.copy()
    return np.asarray(np.einsum("pij,pj->pi", np.linalg.pinv(unit, rcond=_TOLERANCE, hermitian=True), target))


def _interpolated(unit: FloatArray, target: FloatArray) -> FloatArray:
    """Every stretch between neighbours is a cone of two; the best of them stands."""
    count, width = target.shape
    best, found = np.full(count, -np.inf), np.zeros(target.shape)
    for k in range(width - 1):
        pair = slice(k, k + 2)
        weights = _nonnegative_or_best(unit[:, pair, pair], target[:, pair])
        length = np.sqrt(np.einsum("pi,pij,pj->p", weights, unit[:, pair, pair], weights))
        value = np.einsum("pi,pi->p", weights, target[:, pair]) / np.maximum(length, 1e-300)
        better = value > best
        best[better] = value[better]
        found[better] = 0.0
        found[better, pair] = weights[better]
    return found
