"""HSIC of linear kernels from the features themselves, where they are fewer than the stimuli: O(n p q), and no n × n matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.geometry._centre import centre_columns
from isomorph.measures._kernel import Estimator, divisor, stripes
from isomorph.measures._kernel_weights import Margins, WeightedSums, difference


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


def weighted_feature_hsic(
    x: FloatArray, y: FloatArray, weights: IntArray, estimator: Estimator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """As `weighted_hsic`, in O(n p q) a replicate: the cheaper way where the square of the widths is below the number of stimuli."""
    w = np.ascontiguousarray(weights.T, dtype=np.float64)
    things = [centre_columns(each)[0] for each in (x, y)]
    lengths = [_lengths(each) for each in things]
    sums = [WeightedSums(w) for _ in range(3)]
    pairs = ((0, 1), (0, 0), (1, 1))
    crossed = [[np.zeros((things[a].shape[1] * things[b].shape[1], w.shape[1])) for _ in range(3)] for a, b in pairs]
    ahead = [[each.T @ power for power in (w, sums[0].w2)] for each in things]
    for part in stripes(len(x), width=max(w.shape[1], *(len(each[0]) for each in crossed))):
        margins = [_margins(thing[part], a, own[part, None], w[part]) for thing, a, own in zip(things, ahead, lengths, strict=True)]
        for place, (a, b) in enumerate(pairs):
            sums[place].add_margins(part, margins[a], margins[b])
            products = np.einsum("ij,ik->jki", things[a][part], things[b][part]).reshape(len(crossed[place][0]), -1)
            for order, power in enumerate((sums[0].w, sums[0].w2, sums[0].w3)):
                crossed[place][order] += products @ power[part]
    for place, (a, b) in enumerate(pairs):
        first, second, third = crossed[place]
        sums[place].add_moments(first, second, third, lengths[a] * lengths[b])
    xy, xx, yy = (each.statistic(estimator) for each in sums)
    return xy, xx, yy


def _margins(rows: FloatArray, ahead: Sequence[FloatArray], own: FloatArray, w: FloatArray) -> Margins:
    return rows @ ahead[0] - w * own, rows @ ahead[1] - w**2 * own, own


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
