"""RDMs as Gram matrices: the Riemannian distance and the Bures similarity between them."""

from __future__ import annotations

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.inference._whitened import check_sigma, squares, stimulus_count

_GRID = 12
_FAR = 15.0


def bures_similarities(x: FloatArray, y: FloatArray) -> FloatArray:
    r"""Normalised Bures similarity `[x, y]` of centred Gram matrices G = −½ H D H.

    $$\frac{\lVert G_x^{1/2} G_y^{1/2} \rVert_*}{\sqrt{\mathrm{tr}\, G_x \; \mathrm{tr}\, G_y}}$$

    Where D holds no squared Euclidean distances, G has negative eigenvalues; they count as 0 in all three terms, so that the value stays
    between 0 and 1. NaN where G is 0.
    """
    first = _roots(x)
    second = first if x is y else _roots(y)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.array([[np.linalg.norm(a.T @ b, "nuc") / (np.linalg.norm(a) * np.linalg.norm(b)) for b in second] for a in first])


def riemannian_similarities(x: FloatArray, y: FloatArray, sigma_k: FloatArray | None = None) -> FloatArray:
    r"""Negative Riemannian distance `[x, y]`: 0 at best, unbounded below.

    $$-\min_{\alpha, \beta > 0} \sqrt{\textstyle\sum_i \log^2 \lambda_i\bigl(G_y^{-1} (\alpha G_x + \beta \Sigma)\bigr)}$$

    with G the Gram matrices on the n − 1 dimensions of contrasts and Σ the patterns' covariance there. One overall factor is
    optimal where the logarithms have mean 0, so that only the proportion β / α is searched: on a grid over all proportions that matter,
    the two limits among them, then by Brent's method. NaN where G_y is not positive definite, so that the distance is infinite.
    """
    n = stimulus_count(x.shape[1], comparison="neg_riem_dist")
    basis = np.linalg.qr(np.eye(n)[:, 1:] - 1 / n)[0]
    sigma = check_sigma(sigma_k, n)
    if sigma is not None:
        basis = np.linalg.solve(np.linalg.cholesky(basis.T @ sigma @ basis), basis.T).T
    first, second = (-0.5 * basis.T @ squares(rows, n) @ basis for rows in (x, y))
    result = np.full((len(x), len(y)), np.nan)
    for column, gram in enumerate(second):
        scale, values = np.trace(gram) / (n - 1), np.linalg.eigvalsh(gram)
        if not values[0] > 1e-11 * values[-1]:
            continue
        root = np.linalg.inv(np.linalg.cholesky(gram / scale))
        noise = root @ root.T
        for row, other in enumerate(first):
            result[row, column] = -np.sqrt(_least_spread(other / max(np.trace(other) / (n - 1), 1e-300), root, noise))
    return result


def _least_spread(gram: FloatArray, root: FloatArray, noise: FloatArray) -> float:
    """The least Σ (log λ − mean log λ)² over all proportions of `gram` and noise."""
    from scipy.optimize import minimize_scalar

    moved = root @ gram @ root.T
    values = np.linalg.eigvalsh(gram)
    least, largest = float(np.abs(values).min()), float(np.abs(values).max())
    grid = np.linspace(np.log(max(least, 1e-12 * largest, 1e-300)) - 2, np.log(max(largest, 1e-300)) + 4, _GRID)

    def spread(proportion: float) -> float:
        return _spread(moved + np.exp(proportion) * noise)

    found = [spread(each) for each in grid]
    best = int(np.argmin(found))
    limits = [_spread(moved), _spread(noise), found[best]]
    if np.isfinite(found[best]):
        ends = grid[best - 1] if best else grid[0] - _FAR, grid[best + 1] if best < _GRID - 1 else grid[-1] + _FAR
        limits.append(float(minimize_scalar(spread, bounds=ends, method="bounded", options={"xatol": 1e-7}).fun))
    return min(limits)


def _spread(matrix: FloatArray) -> float:
    values = np.linalg.eigvalsh(matrix)
    if not values[0] > 0:
        return float("inf")
    logs = np.log(values)
    return float(np.square(logs - logs.mean()).sum())


def _roots(rows: FloatArray) -> list[FloatArray]:
    n = stimulus_count(rows.shape[1], comparison="bures")
    result = []
    for matrix in squares(rows, n):
        means = matrix.mean(axis=0)
        values, vectors = np.linalg.eigh(-0.5 * (matrix - means - means[:, None] + means.mean()))
        keep = values > 1e-14 * max(float(values[-1]), 0.0)
        result.append(vectors[:, keep] * np.sqrt(values[keep]))
    return result
