"""HSIC of linear kernels from the features themselves, where they are fewer than the stimuli: O(n p q), and no n × n matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.geometry._centre import centre_columns
from isomorph.measures._kernel import Estimator, divisor
from isomorph.measures._kernel_weights import difference


def feature_hsic(things: Sequence[FloatArray], estimator: Estimator) -> FloatArray:
    """The HSICs `[thing, thing]` of all pairs of features `[stimulus, feature]`, each no wider than the stimuli are many."""
    result = np.empty((len(things), len(things)))
    for i, thing in enumerate(things):
        x = centre_columns(thing)[0]
        for j in range(i, len(things)):
            y = x if j == i else centre_columns(things[j])[0]
            result[i, j] = result[j, i] = _sum(x, y, _lengths(x), _lengths(y), estimator)
    return result / divisor(len(things[0]), estimator)


def permuted_feature_hsic(x: FloatArray, y: FloatArray, orders: IntArray, estimator: Estimator) -> FloatArray:
    """HSIC(x, y) under each reordering `[permutation, stimulus]` of y."""
    x, y = centre_columns(x)[0], centre_columns(y)[0]
    a, b = _lengths(x), _lengths(y)
    return np.array([_sum(x, y[order], a, b[order], estimator) for order in orders]) / divisor(len(x), estimator)


def _lengths(x: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ij,ij->i", x, x))


def _sum(x: FloatArray, y: FloatArray, a: FloatArray, b: FloatArray, estimator: Estimator) -> float:
    """With centred rows and a_i = |x_i|², b_i = |y_i|²: from |xᵀy|², Σ a_i b_i, Σ a_i and Σ b_i."""
    n, total = len(x), float(np.square(x.T @ y).sum())
    if estimator == "biased":
        return total
    if estimator == "lange":
        return total - float(a @ b)
    terms = (total, -float(a @ b) * n / (n - 2), float(a.sum() * b.sum()) / ((n - 1) * (n - 2)))
    return float(difference(*(np.asarray(term) for term in terms)))
