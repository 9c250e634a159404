"""Two systems' clouds of repeats, and the search for the rotation that brings them closest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.measures._coordinates import without_rounding

_CONVERGED = 1e-13
_NEAR = 1e-9


@dataclass(frozen=True, eq=False)
class Clouds:
    """One cloud a stimulus.

    Attributes:
        points: The repeats `[stimulus, repeat, direction]`.
        means: `[stimulus, direction]`, times the root of their weight.
        noise: Repeats about their mean over √(repeats − 1): a root of the covariance, times the root of its weight.
        square: The sum of squares of means and noise.
    """

    points: FloatArray
    means: FloatArray
    noise: FloatArray
    square: float

    @classmethod
    def of(cls, points: FloatArray, mean_weight: float) -> Clouds:
        """The clouds, with means weighted by this and covariances by 2 minus this."""
        means = points.mean(axis=1)
        noise = (points - means[:, None]) * np.sqrt((2 - mean_weight) / max(points.shape[1] - 1, 1))
        means = means * np.sqrt(mean_weight)
        return cls(points, means, noise, float((means * means).sum() + (noise * noise).sum()))

    @property
    def noise_axes(self) -> FloatArray:
        """The principal axes `[axis, direction]` of the noise of all stimuli, the largest first."""
        return np.asarray(np.linalg.svd(self.noise.reshape(-1, self.noise.shape[2]), full_matrices=False)[2])


def _polar(cross: FloatArray) -> tuple[FloatArray, float]:
    """The orthogonal map nearest to `cross`, and its nuclear norm."""
    left, values, right = np.linalg.svd(cross, full_matrices=False)
    return left @ right, float(values.sum())


def gaussian_gap(x: Clouds, y: Clouds, start: FloatArray, iterations: int) -> float:
    """The mean squared 2-Wasserstein distance that alternation from the rotation nearest to `start` ends at.

    The coupling of two Gaussians is a rotation of the root of one covariance, so that both steps are orthogonal Procrustes problems.
    """
    rotation, _ = _polar(start)
    scale = x.square + y.square
    products, shared = y.means.T @ x.means, -np.inf
    for _ in range(iterations):
        overlaps = x.noise @ (y.noise @ rotation).transpose(0, 2, 1)
        left, _, right = np.linalg.svd(overlaps, full_matrices=False)
        turned = (left @ right) @ y.noise
        cross = products + np.tensordot(turned, x.noise, axes=((0, 1), (0, 1)))
        rotation, now = _polar(cross)
        if now - shared <= _CONVERGED * scale:
            break
        shared = now
    return without_rounding(scale - 2 * max(now, shared), scale, x.noise.size // x.noise.shape[2]) / len(x.means)


def energy_gap(x: Clouds, y: Clouds, start: FloatArray, iterations: int) -> float:
    """The mean energy distance that re-weighted least squares from the rotation nearest to `start` ends at."""
    rotation, _ = _polar(start)
    within = (_mean_distance(x.points, x.points) + _mean_distance(y.points, y.points)) / 2
    floor = _NEAR * np.sqrt((x.square + y.square) / len(x.means)) or 1.0
    best = np.inf
    for _ in range(iterations):
        distances = _distances(x.points, y.points, rotation)
        now = float(distances.mean())
        if best - now <= _CONVERGED * now:
            best = min(best, now)
            break
        best = now
        weighted = (1 / np.maximum(distances, floor)).transpose(0, 2, 1) @ x.points
        rotation, _ = _polar(np.tensordot(y.points, weighted, axes=((0, 1), (0, 1))))
    return without_rounding(best - within, best + within, 1)


def _mean_distance(x: FloatArray, y: FloatArray) -> float:
    return float(_distances(x, y, np.eye(x.shape[2])).mean())


def _distances(x: FloatArray, y: FloatArray, rotation: FloatArray) -> FloatArray:
    """Distances `[stimulus, repeat of x, repeat of y]` after y is rotated; what of y the rotation has no room for is orthogonal to x."""
    turned = y @ rotation
    lost = np.maximum((y * y).sum(axis=2) - (turned * turned).sum(axis=2), 0) if y.shape[2] > x.shape[2] else 0.0
    squares = np.empty((len(x), x.shape[1], y.shape[1]))
    for i in range(len(x)):  # differences, not products: two repeats that meet must be exactly 0 apart
        difference = x[i][:, None] - turned[i]
        squares[i] = np.einsum("abf,abf->ab", difference, difference)
    return np.asarray(np.sqrt(squares + (lost[:, None, :] if isinstance(lost, np.ndarray) else 0.0)))
