"""Multinomial logistic regression by L-BFGS, along a path of penalties."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Logistic:
    """`softmax(x @ weights + bias)` for one penalty, and whether the fit converged."""

    weights: FloatArray
    bias: FloatArray
    converged: bool

    def log_probabilities(self, x: FloatArray) -> FloatArray:
        """`[stimulus, class]`, float64."""
        return _log_softmax((x @ self.weights.astype(x.dtype)).astype(np.float64) + self.bias)


def logistic_path(
    x: FloatArray, y: IntArray, classes: int, strengths: Sequence[float], *, tolerance: float, max_iterations: int
) -> Iterator[Logistic]:
    r"""One fit for each C, from the smallest, each beginning where the last ended.

    $$\min_{W, b} \; \tfrac{1}{2} \lVert W \rVert^2 - C \sum_i \log \mathrm{softmax}(x_i W + b)_{y_i}$$

    as scikit-learn writes it (with two classes its binary form at C equals this one at C/2). Products are taken in the precision of `x`.
    The columns are centred inside, which changes nothing but the number of steps.

    Args:
        x: `[stimulus, feature]`.
        y: The class of each row.
        classes: How many classes there are.
        strengths: The Cs, ascending.
        tolerance: The largest slope, of the objective divided by C n, at which a fit has converged.
        max_iterations: Steps of L-BFGS at most.
    """
    from scipy.optimize import minimize

    mean = x.mean(axis=0, dtype=np.float64)
    centred, width = x - mean.astype(x.dtype), x.shape[1]
    start = np.zeros((width + 1) * classes)
    options: dict[str, Any] = {"maxiter": max_iterations, "maxfun": 2 * max_iterations, "gtol": tolerance, "ftol": 1e-14, "maxcor": 20}
    for strength in strengths:
        penalty = 1 / (strength * len(x))
        done: Any = minimize(_objective, start, args=(centred, y, classes, penalty), jac=True, method="L-BFGS-B", options=options)  # type: ignore[call-overload]
        start = done.x
        weights, bias = start[: width * classes].reshape(width, classes), start[width * classes :]
        yield Logistic(weights, bias - mean @ weights, done.status != 1)


def _objective(parameters: FloatArray, x: FloatArray, y: IntArray, classes: int, penalty: float) -> tuple[float, FloatArray]:
    """Mean cross-entropy plus `penalty`/2 times the squared weights, with its gradient."""
    weights, bias = parameters[:-classes].reshape(-1, classes), parameters[-classes:]
    errors = _log_softmax((x @ weights.astype(x.dtype)).astype(np.float64) + bias)
    rows = np.arange(len(y))
    loss = -errors[rows, y].mean() + penalty / 2 * float((weights**2).sum())
    np.exp(errors, out=errors)
    errors[rows, y] -= 1
    errors /= len(y)
    slope = (x.T @ errors.astype(x.dtype)).astype(np.float64) + penalty * weights
    return float(loss), np.concatenate([slope.ravel(), errors.sum(axis=0)])


def _log_softmax(logits: FloatArray) -> FloatArray:
    logits = logits - logits.max(axis=1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logits
