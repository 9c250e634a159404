"""Gaussian mixtures with full covariances, by expectation and maximisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isomorph.abstention._values import Floats, row_blocks
from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError

_NEGLIGIBLE = 1e-12
_COLUMNS = 8


@dataclass(frozen=True, eq=False)
class Mixture:
    """k normal distributions.

    Attributes:
        shares: `[component]`, sum to 1.
        means: `[component, feature]`.
        factors: `[component, feature, feature]`: U, upper triangular, with U Uᵀ the component's precision.
        converged: Whether the mean log-likelihood came to rest.
    """

    shares: Floats
    means: Floats
    factors: Floats
    converged: bool = True

    def squared_distances(self, x: FloatArray) -> Floats:
        """`[item, component]`, (z − μ)ᵀ Σ⁻¹ (z − μ), each with the component's own mean and covariance; products in the precision of x."""
        out = np.empty((len(x), len(self.means)))
        means, factors = self.means.astype(x.dtype), self.factors.astype(x.dtype, copy=False)
        for part in row_blocks(len(x), x.shape[1]):
            for at, (mean, factor) in enumerate(zip(means, factors, strict=True)):
                out[part, at] = _square(x[part] - mean, factor)
        return out

    def log_likelihoods(self, x: FloatArray) -> Floats:
        """`[item, component]`, ln share + ln density."""
        log_roots = np.log(np.diagonal(self.factors, axis1=1, axis2=2)).sum(axis=1)
        constant = np.log(self.shares) + log_roots - 0.5 * x.shape[1] * np.log(2 * np.pi)
        return np.asarray(constant - 0.5 * self.squared_distances(x))


def fit_mixture(
    x: FloatArray, k: int, *, seed: int, floor: float, iterations: int = 100, tolerance: float = 1e-3, start: IntArray | None = None
) -> Mixture:
    """The mixture of k components to which expectation and maximisation leads from a k-means partition.

    Args:
        x: `[item, feature]`.
        k: Components; those that lose all their items are dropped.
        seed: Of the first centres.
        floor: Added to every variance.
        iterations: At most so many.
        tolerance: The change of the mean log-likelihood of an item at which it has come to rest.
        start: `[item]`, a first partition in place of k-means.

    Raises:
        InputError: A component's covariance is singular.
    """
    from scipy.special import logsumexp

    first = np.zeros(len(x), dtype=np.intp) if k == 1 else start if start is not None else partition(x, k, seed=seed)
    mixture = maximise(x, np.eye(k)[first], floor)
    if k == 1:
        return mixture
    before, moved = -np.inf, np.inf
    for _ in range(iterations):
        logs = mixture.log_likelihoods(x)
        whole = logsumexp(logs, axis=1)
        now = float(whole.mean())
        moved, before = abs(now - before), now
        if moved < tolerance:
            break
        mixture = maximise(x, np.exp(logs - whole[:, None]), floor)
    return Mixture(mixture.shares, mixture.means, mixture.factors, converged=moved < tolerance)


def maximise(x: FloatArray, belonging: Floats, floor: float) -> Mixture:
    """The components of items that belong to them by these shares `[item, component]`; float64."""
    parts = [_component(x, each, floor) for each in belonging.T if each.sum() > _NEGLIGIBLE * len(x)]
    shares, means, factors = (np.stack(each) for each in zip(*parts, strict=True))
    return Mixture(shares / shares.sum(), means, factors)


def partition(x: FloatArray, k: int, *, seed: int, rounds: int = 20) -> IntArray:
    """`[item]`, the nearest of k centres, drawn by k-means++ and moved by Lloyd's rounds."""
    rng = np.random.default_rng([seed, k])
    squares = np.einsum("ij,ij->i", x, x, dtype=np.float64)
    centres = x[rng.integers(len(x))][None]
    while len(centres) < k:
        gaps = np.maximum(_gaps(x, squares, centres).min(axis=1), 0)
        total = gaps.sum()
        row = rng.choice(len(x), p=gaps / total if total > 0 else None)
        centres = np.concatenate([centres, x[row][None]])
    nearest: IntArray = _gaps(x, squares, centres).argmin(axis=1)
    for _ in range(rounds):
        groups = [np.flatnonzero(nearest == at) for at in range(k)]
        centres = np.stack([x[each].mean(axis=0) if len(each) else centres[at] for at, each in enumerate(groups)])
        before, nearest = nearest, _gaps(x, squares, centres).argmin(axis=1)
        if np.array_equal(before, nearest):
            break
    return nearest


def _gaps(x: FloatArray, squares: Floats, centres: FloatArray) -> Floats:
    own = np.einsum("ij,ij->i", centres, centres, dtype=np.float64)
    return np.asarray(squares[:, None] + own - 2.0 * (x @ centres.T))


def _component(x: FloatArray, weights: Floats, floor: float) -> tuple[float, Floats, Floats]:
    """Share, mean and factor of one component; items that hardly belong to it cost nothing."""
    from scipy.linalg import lapack

    p = x.shape[1]
    rows = np.flatnonzero(weights > _NEGLIGIBLE)
    total = float(weights[rows].sum())
    mean, covariance = np.zeros(p), np.zeros((p, p))
    for part in row_blocks(len(rows), p):
        mean += weights[rows[part]] @ x[rows[part]]
    mean /= total
    for part in row_blocks(len(rows), p):
        spread = (x[rows[part]] - mean) * np.sqrt(weights[rows[part], None])
        covariance += spread.T @ spread
    covariance /= total
    covariance[np.diag_indices(p)] += floor
    root, failed = lapack.dpotrf(covariance, lower=0, clean=1)
    if failed:
        raise InputError(
            f"a component of {total:.0f} of {len(x)} items in {p} features has a singular covariance. Take fewer components, fewer "
            "features or a larger regularisation."
        )
    inverse, _ = lapack.dtrtri(root, lower=0)
    return total / len(x), mean, np.ascontiguousarray(inverse)


def _square(z: FloatArray, factor: FloatArray) -> Floats:
    """The squared lengths of z U: by blocks of columns, of which U needs the rows down to the diagonal alone."""
    p = len(factor)
    step = max(64, -(-p // _COLUMNS))
    out = np.zeros(len(z))
    for left in range(0, p, step):
        right = min(left + step, p)
        columns = z[:, :right] @ factor[:right, left:right]
        out += np.einsum("ij,ij->i", columns, columns)
    return out
