"""Linear prediction of features of unseen stimuli: ridge and partial least squares, fitted to all features at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isomorph.arrays import FloatArray, IntArray

_EPS = float(np.finfo(np.float64).eps)


def ridge_predictions(x: FloatArray, y: FloatArray, test: FloatArray, penalties: Sequence[float], *, relative: bool) -> FloatArray:
    r"""Ridge predictions `[stimulus, feature]`, each feature with the penalty that predicts it best when one stimulus is left out.

    All penalties share one singular value decomposition x = U S Vᵀ. With \(d = s^2 / (s^2 + \alpha)\) the residual of a stimulus that is
    left out is its residual over \(1 - 1/n - \sum_k d_k U_{ik}^2\), so that nothing is fitted twice.

    Args:
        x: Training predictors `[stimulus, feature]`.
        y: What they predict.
        test: Predictors of the unseen stimuli.
        penalties: The candidates α, in order; of equals the first is taken.
        relative: Whether they are in units of the mean squared distance of a training stimulus from their mean.
    """
    means = x.mean(axis=0), y.mean(axis=0)
    left, values, right = np.linalg.svd(x - means[0], full_matrices=False)
    keep = values > values[0] * max(x.shape) * _EPS
    left, values, right = left[:, keep], values[keep], right[keep]
    centred = y - means[1]
    loads = left.T @ centred
    unit = float(values @ values) / len(x) if relative else 1.0
    best, chosen = np.full(y.shape[1], np.inf), np.zeros(y.shape[1])
    for penalty in penalties:
        shrink = values**2 / (values**2 + penalty * unit)
        residuals = centred - (left * shrink) @ loads
        residuals /= (1 - 1 / len(x) - left**2 @ shrink)[:, None]
        losses = np.einsum("ij,ij->j", residuals, residuals)
        better = losses < best
        best[better], chosen[better] = losses[better], penalty * unit
    weights = values[:, None] / (values[:, None] ** 2 + chosen) * loads
    return np.asarray((test - means[0]) @ right.T @ weights + means[1])


def pls_predictions(x: FloatArray, y: FloatArray, test: FloatArray, components: int) -> FloatArray:
    """Predictions by partial least squares (PLS2): each component is the direction of largest covariance with all of `y`."""
    means = x.mean(axis=0), y.mean(axis=0)
    rest, target, unseen = x - means[0], y - means[1], test - means[0]
    predicted = np.zeros((len(test), y.shape[1]))
    floor = _EPS * max(x.shape) * np.linalg.norm(rest) * np.linalg.norm(target)
    for _ in range(components):
        cross = rest.T @ target
        if np.linalg.norm(cross) <= floor:
            break
        weights = _leading_left(cross)
        scores, unseen_scores = rest @ weights, unseen @ weights
        square = float(scores @ scores)
        loads, slopes = scores @ rest / square, scores @ target / square
        rest = rest - np.outer(scores, loads)
        target = target - np.outer(scores, slopes)
        unseen = unseen - np.outer(unseen_scores, loads)
        predicted += np.outer(unseen_scores, slopes)
    return np.asarray(predicted + means[1])


def _leading_left(matrix: FloatArray) -> FloatArray:
    """The first left singular vector, from the smaller product and one step that restores the digits which squaring lost."""
    from scipy.linalg import eigh

    tall = matrix.shape[0] > matrix.shape[1]
    square = matrix.T @ matrix if tall else matrix @ matrix.T
    vector = eigh(square, subset_by_index=[len(square) - 1] * 2)[1][:, 0]
    vector = matrix @ (vector if tall else matrix.T @ vector)
    return np.asarray(vector / np.linalg.norm(vector))


def fold_of(n: int, folds: int, seed: int) -> IntArray:
    """The fold of each stimulus, by place: a seeded shuffle dealt out in turn, so that sizes differ by one at most."""
    result = np.empty(n, dtype=np.int64)
    result[np.random.default_rng(seed).permutation(n)] = np.arange(n) % folds
    return result


def pearson_columns(x: FloatArray, y: FloatArray) -> FloatArray:
    """Pearson's r of each column with its counterpart; 0 for a prediction that is constant, NaN for a constant target `y`."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    lengths = np.linalg.norm(x, axis=0), np.linalg.norm(y, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.einsum("ij,ij->j", x, y) / (lengths[0] * lengths[1])
    return np.asarray(np.clip(np.where(lengths[1] > 0, np.where(lengths[0] > 0, r, 0.0), np.nan), -1, 1))


def r2_columns(x: FloatArray, y: FloatArray) -> FloatArray:
    """1 − the squared error of predictions `x` over the variance of `y`, by column; NaN for a constant target."""
    total = np.square(y - y.mean(axis=0)).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total > 0, 1 - np.square(y - x).sum(axis=0) / total, np.nan))
