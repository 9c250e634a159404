"""A ridge classifier in closed form, with every training stimulus left out in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from isomorph.arrays import FloatArray, IntArray

_BLOCK = 1 << 24  # numbers of a block in float64: 128 MiB


@dataclass(frozen=True, eq=False)
class Ridge:
    """`scores = x @ weights + bias`, and how each penalty did on stimuli left out."""

    weights: FloatArray
    bias: FloatArray
    alphas: tuple[float, ...]
    chosen: int
    accuracy: tuple[float, ...]
    loss: tuple[float, ...]


def fit_ridge(x: FloatArray, y: IntArray, classes: int, alphas: Sequence[float] | None) -> Ridge:
    r"""Least squares with a penalty onto targets of +1 for the true class and −1 for the others, in float64.

    $$\min_{W, b} \lVert X W + b - T \rVert^2 + \alpha \lVert W \rVert^2$$

    The penalty is the one with the least squared error when each stimulus is predicted by a fit without it, which one decomposition of
    the smaller of the two Gram matrices gives for all penalties: the residual of the full fit divided by one minus its leverage.

    Args:
        x: `[stimulus, feature]`.
        y: The class of each row.
        classes: How many classes there are.
        alphas: The penalties; None: 19 from 1e-6 to 1e3 times the mean variance per direction, so that the scale of `x` does not matter.
    """
    targets = np.full((len(y), classes), -1.0)
    targets[np.arange(len(y)), y] = 1
    middle, mean = targets.mean(axis=0), x.mean(axis=0, dtype=np.float64)
    wide = len(x) <= x.shape[1]
    values, vectors = np.linalg.eigh(_outer(x, mean) if wide else _inner(x, mean))
    values[values < values[-1] * len(values) * np.finfo(float).eps] = 0  # rounding: centring takes one direction, equal rows others
    if alphas is None:
        alphas = tuple(float(each) for each in np.logspace(-6, 3, 19) * (values.sum() / min(x.shape) or 1.0))
    centred = targets - middle
    if wide:
        projected = np.sqrt(values)[:, None] * (vectors.T @ centred)
    else:
        projected = vectors.T @ sum(block.T @ centred[rows] for rows, block in _blocks(x, mean))
    accuracy, loss = np.zeros(len(alphas)), np.zeros(len(alphas))
    for rows, block in _blocks(x, mean):
        scores = vectors[rows] * np.sqrt(values) if wide else block @ vectors
        for at, alpha in enumerate(alphas):
            shrink = 1 / (values + alpha)
            left = 1 - 1 / len(x) - scores**2 @ shrink  # one minus the leverage
            residuals = (centred[rows] - scores @ (shrink[:, None] * projected)) / np.maximum(left, 1e-12)[:, None]
            loss[at] += (residuals**2).sum() / targets.size
            accuracy[at] += ((targets[rows] - residuals).argmax(axis=1) == y[rows]).sum() / len(y)
    chosen = int(np.argmin(loss))
    shrink = 1 / (values + alphas[chosen])
    if wide:
        dual = vectors @ (shrink[:, None] * (vectors.T @ centred))
        weights = sum(block.T @ dual[rows] for rows, block in _blocks(x, mean))
    else:
        weights = vectors @ (shrink[:, None] * projected)
    return Ridge(weights, middle - mean @ weights, tuple(alphas), chosen, tuple(accuracy.tolist()), tuple(loss.tolist()))


def _blocks(x: FloatArray, mean: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
    """Centred rows in float64, a part at a time."""
    step = max(1, _BLOCK // max(x.shape))
    for start in range(0, len(x), step):
        rows = slice(start, start + step)
        yield rows, x[rows] - mean


def _inner(x: FloatArray, mean: FloatArray) -> FloatArray:
    result = np.zeros((x.shape[1], x.shape[1]))
    for _, block in _blocks(x, mean):
        result += block.T @ block
    return result


def _outer(x: FloatArray, mean: FloatArray) -> FloatArray:
    result, step = np.zeros((len(x), len(x))), max(1, _BLOCK // len(x))
    for start in range(0, x.shape[1], step):
        block = x[:, start : start + step] - mean[start : start + step]
        result += block @ block.T
    return result
