"""Ridge regression of a few features onto many units: what `Ridge` does, from the thin decomposition of the features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray
from isomorph.encoding._penalty_search import peaks
from isomorph.encoding._ridge import Ridge
from isomorph.encoding._units import standardised_units, unit_parts

_NEAR = 0  # places of the grid to both sides of the best at a first look; then more, while the best has a neighbour not tried


@dataclass(frozen=True, eq=False)
class ThinTargets:
    """Responses of the training stimuli, made ready once for many sets of features.

    Attributes:
        units: Mean 0 and variance 1 `[unit, stimulus]`, float32.
        mean: `[unit]`.
        scale: `[unit]`.
    """

    units: FloatArray
    mean: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, responses: FloatArray) -> ThinTargets:
        """From responses `[stimulus, unit]`."""
        return cls(*standardised_units(responses, responses.dtype))


@dataclass(frozen=True, eq=False)
class ThinRidge:
    r"""A fit of few features.

    With the thin decomposition \(Z = U S V^\top\), \(\lambda = S^2\) and \(s = \lambda / (\lambda + \alpha)\), predictions are
    \(U (s \circ U^\top y)\), and the leverage of a stimulus is \(1/n + \sum_k s_k U_{ik}^2\).

    Attributes:
        mean: Of the features over training stimuli `[feature]`.
        scale: What centred features are divided by `[feature]`.
        right: \(V\) `[feature, direction]`.
        values: \(\lambda\) `[direction]`.
        loads: \(U^\top y\) `[unit, direction]`.
        alphas: Chosen `[unit]`.
        targets: What it was fitted to.
    """

    mean: FloatArray
    scale: FloatArray
    right: FloatArray
    values: FloatArray
    loads: FloatArray
    alphas: FloatArray
    targets: ThinTargets

    @classmethod
    def fit(cls, x: FloatArray, targets: ThinTargets, ridge: Ridge) -> ThinRidge:
        """Fit features `x` `[stimulus, feature]`, each unit with the penalty that `ridge` chooses."""
        mean, scale = _scaling(x, ridge)
        left, singular, right = np.linalg.svd((x - mean) / scale, full_matrices=False)
        kept = singular > singular[0] * max(x.shape) * np.finfo(x.dtype).eps
        left, values = left[:, kept], singular[kept] ** 2
        loads = targets.units @ left.astype(targets.units.dtype)
        grid, scores = np.asarray(ridge.alphas), np.empty((len(ridge.alphas), len(targets.units)))
        search = _Search(left, values, grid, ridge.select, _NEAR if ridge.per_unit and ridge.screen is not None else None)
        for units in unit_parts(len(targets.units)):
            scores[:, units] = search.scores(targets.units[units], loads[units])
        if ridge.select == "loo-mse":
            scores *= np.where(ridge.per_unit, 1.0, targets.scale**2)
        chosen = np.argmax(scores, axis=0) if ridge.per_unit else np.full(len(targets.units), np.argmax(scores.mean(axis=1)))
        return cls(mean, scale, right[kept].T, values, loads, grid[chosen], targets)

    def predict(self, x: FloatArray) -> FloatArray:
        """Predicted responses `[stimulus, unit]` to new stimuli."""
        along = ((x - self.mean) / self.scale) @ self.right
        made = np.empty((len(self.alphas), len(x)), self.loads.dtype)  # a unit's stimuli lie together
        for alpha, units in self._by_alpha():
            weights = np.sqrt(self.values) / (self.values + alpha)
            made[units] = self.loads[units] @ (along * weights).T.astype(made.dtype)
        made *= self.targets.scale.astype(made.dtype)[:, None]
        made += self.targets.mean.astype(made.dtype)[:, None]
        return made.T

    def coefficients(self) -> FloatArray:
        """Of standardised features for standardised units `[feature, unit]`."""
        result = np.empty((len(self.mean), len(self.alphas)), self.loads.dtype)
        for alpha, units in self._by_alpha():
            weights = np.sqrt(self.values) / (self.values + alpha)
            result[:, units] = (self.right * weights).astype(result.dtype) @ self.loads[units].T
        spread = np.sqrt((self.right**2 @ self.values) / self.targets.units.shape[1])  # of the scaled features
        return np.asarray(result * spread[:, None].astype(result.dtype))

    def _by_alpha(self) -> Iterator[tuple[float, IntArray]]:
        for alpha in np.unique(self.alphas):
            yield float(alpha), np.flatnonzero(self.alphas == alpha)


def _scaling(x: FloatArray, ridge: Ridge) -> tuple[FloatArray, FloatArray]:
    """Means, and what centred features are divided by: deviations, or the one number that gives the Gram matrix its trace."""
    mean, deviation = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
    if ridge.standardise:
        return mean, np.where(deviation > 0, deviation, 1.0)
    factor = 1.0 if ridge.width is None else ridge.width / float((deviation**2).sum())
    return mean, np.full(x.shape[1], 1 / np.sqrt(factor))


@dataclass(frozen=True, eq=False)
class _Search:
    """What a grid of penalties scores, `[alpha, unit]`, the more the better; `left` is `[stimulus, direction]`."""

    left: FloatArray
    values: FloatArray
    grid: FloatArray
    select: str
    near: int | None

    def scores(self, units: FloatArray, loads: FloatArray) -> FloatArray:
        """Of units `[unit, stimulus]` and their loads `[unit, direction]`; minus infinity where the search did not come."""
        guess = self._without_leaving_out(loads.astype(np.float64) ** 2, units.shape[1])
        if self.select == "gcv":
            return guess
        wanted = _near(guess, self.near) | peaks(guess) if self.near is not None else np.ones(guess.shape, dtype=bool)
        scores = np.full(guess.shape, -np.inf)
        while wanted.any():
            for at in np.flatnonzero(wanted.any(axis=1)):
                rows: slice | IntArray = slice(None) if wanted[at].all() else np.flatnonzero(wanted[at])
                scores[at, rows] = self._left_out(units[rows], loads[rows], float(self.grid[at]))
            wanted = _near(scores, 1) & np.isneginf(scores)
        return scores

    def _left_out(self, units: FloatArray, loads: FloatArray, alpha: float) -> FloatArray:
        count, dtype, share = units.shape[1], units.dtype, self.values / (self.values + alpha)
        made = (loads * share.astype(dtype)) @ self.left.T.astype(dtype)
        np.subtract(units, made, out=made)
        made *= (1 / (1 - 1 / count - self.left**2 @ share)).astype(dtype)  # the error where each stimulus is left out
        if self.select == "loo-mse":
            return np.asarray(-np.einsum("ij,ij->i", made, made) / count)
        np.subtract(units, made, out=made)
        length = np.sqrt((np.einsum("ij,ij->i", made, made) - made.sum(axis=1) ** 2 / count) * count)
        return np.asarray(np.einsum("ij,ij->i", made, units) / np.where(length > 0, length, 1))

    def _without_leaving_out(self, squares: FloatArray, count: int) -> FloatArray:
        """As `Spectrum.gcv` and `Spectrum.generalised_pearson`; what no direction has counts as directions with eigenvalue 0."""
        beyond = count - 1 - len(self.values)
        values = np.append(self.values, 0.0) if beyond else self.values
        squares = np.column_stack([squares, count - squares.sum(axis=1)]) if beyond else squares
        weights = self.grid[:, None] / (values + self.grid[:, None])  # 1 less the share that is kept
        total = weights @ np.append(np.ones(len(self.values)), beyond or [])
        if self.select != "loo-pearson":
            return np.asarray(-(weights**2 @ squares.T) * count / total[:, None] ** 2)
        kept = 1 - weights / total[:, None] * count
        lengths = np.sqrt((kept**2 @ squares.T) * count)
        return np.asarray(kept @ squares.T / np.where(lengths > 0, lengths, 1))


def _near(scores: FloatArray, places: int) -> npt.NDArray[np.bool_]:
    """The penalties at most so many places of the grid away from each unit's best."""
    return np.asarray(np.abs(np.arange(len(scores))[:, None] - np.argmax(scores, axis=0)) <= places)
