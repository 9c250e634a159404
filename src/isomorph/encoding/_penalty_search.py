"""The search for the penalty of each unit: what each penalty of a grid scores."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray
from isomorph.encoding._folds import Fold, random_folds
from isomorph.encoding._spectrum import Spectrum
from isomorph.encoding._units import unit_parts
from isomorph.errors import InputError

Select: TypeAlias = Literal["loo-pearson", "loo-mse", "gcv", "cv-pearson", "cv-mse"]
_SELECT = ("loo-pearson", "loo-mse", "gcv", "cv-pearson", "cv-mse")


@dataclass(frozen=True, kw_only=True)
class PenaltySearch:
    """The options of `Ridge` that are about penalties, checked; `owner` is whose they are, in messages."""

    owner: str
    alphas: tuple[float, ...]
    select: Select
    screen: int | None
    folds: int
    seed: int | None
    per_unit: bool

    def __post_init__(self) -> None:
        alphas = tuple(float(each) for each in np.atleast_1d(np.asarray(self.alphas, dtype=np.float64)))
        if not alphas or any(not math.isfinite(each) or each <= 0 for each in alphas):
            raise InputError(f"{self.owner}.alphas must be one or more numbers above 0; got {self.alphas!r}.")
        if self.select not in _SELECT:
            raise InputError(f"{self.owner}.select must be {', '.join(map(repr, _SELECT[:-1]))} or {_SELECT[-1]!r}; got {self.select!r}.")
        if self.screen is not None and self.screen < 0:
            raise InputError(f"{self.owner}.screen must be 0 or more, or None to leave out at every alpha; got {self.screen}.")
        if self.folds < 2:
            raise InputError(f"{self.owner}.folds must be 2 or more; got {self.folds}.")
        if self.seed is not None and self.seed < 0:
            raise InputError(f"{self.owner}.seed must be 0 or more, or None for folds in the order of the stimuli; got {self.seed}.")
        object.__setattr__(self, "alphas", tuple(sorted(set(alphas))))

    @property
    def correlates(self) -> bool:
        """Whether scores are correlations; else they are squared errors, or go as these do."""
        return self.select.endswith("pearson")

    def scores(self, spectrum: Spectrum, responses: FloatArray, loads: FloatArray, scale: FloatArray) -> FloatArray:
        """`[alpha, unit]`, the more the better; minus infinity where the search did not come.

        Args:
            spectrum: Of the training stimuli.
            responses: `[unit, stimulus]` of mean 0 and variance 1.
            loads: `spectrum.loads(responses)`.
            scale: The standard deviations that `responses` were divided by; errors are in the units they had before.
        """
        size = np.ones_like(scale) if self.correlates else scale**2
        if self.select.startswith("cv"):
            return size * self._in_folds(spectrum, responses)
        alphas = np.asarray(self.alphas)
        scores, wanted = np.full((len(alphas), len(loads)), -np.inf), np.ones((len(alphas), len(loads)), dtype=bool)
        if self.select == "gcv" or self.screen is not None:
            cheap = spectrum.generalised_pearson if self.correlates else lambda *each: -spectrum.gcv(*each)
            found = size * np.concatenate([cheap(loads[units] ** 2, alphas) for units in unit_parts(len(loads))], axis=1)
            if self.select == "gcv":
                return np.asarray(found)
            wanted = self._near(found, self.screen or 0) | (peaks(found) & self.per_unit)
        while wanted.any():
            for at in np.flatnonzero(wanted.any(axis=1)):
                units = np.flatnonzero(wanted[at])
                scores[at, units] = size[units] * self._left_out(spectrum, float(alphas[at]), responses, loads, units)
            wanted = self._near(scores, 1) & np.isneginf(scores)
        return scores

    def _left_out(self, spectrum: Spectrum, alpha: float, responses: FloatArray, loads: FloatArray, units: IntArray) -> FloatArray:
        """The score of one penalty for some units, each stimulus left out."""
        matrix = spectrum.left_out_predictions(alpha) if self.correlates else spectrum.left_out_errors(alpha)
        if self.correlates:
            matrix -= matrix.mean(axis=1, keepdims=True)  # so that predictions of every unit have a mean of 0, as responses have
        matrix, result = matrix.astype(loads.dtype), np.empty(len(units))
        for part in unit_parts(len(units)):
            rows: slice | IntArray = part if len(units) == len(loads) else units[part]
            made = loads[rows] @ matrix
            result[part] = _pearson(made, responses[rows]) if self.correlates else -_mean_square(made)
        return result

    def _in_folds(self, spectrum: Spectrum, responses: FloatArray) -> FloatArray:
        """The mean over folds of the score of predictions by a fit to the other folds `[alpha, unit]`."""
        gram = spectrum.gram()
        folds = random_folds(len(gram), self.folds, self.seed, owner=self.owner)
        result = np.zeros((len(self.alphas), len(responses)))
        score: Callable[[FloatArray, FloatArray], FloatArray] = _centred_pearson if self.correlates else _minus_error
        for test in folds:
            fold = Fold.of(gram, test)
            for units in unit_parts(len(responses)):
                truth = responses[units][:, test]
                loads = fold.loads(responses[units])
                for at, alpha in enumerate(self.alphas):
                    result[at, units] += score(fold.predictions(loads, alpha), truth) / len(folds)
        return result

    def _near(self, scores: FloatArray, width: int) -> npt.NDArray[np.bool_]:
        """The penalties `[alpha, unit]` at most so many places away from each unit's best, or from the best that all units share."""
        best = np.argmax(scores, axis=0) if self.per_unit else np.argmax(scores.mean(axis=1))
        near = np.abs(np.arange(len(scores))[:, None] - best) <= width
        return np.broadcast_to(near, scores.shape)


def peaks(scores: FloatArray) -> npt.NDArray[np.bool_]:
    """Where `[alpha, unit]` no neighbour is better: units that are hard to predict have more than one such penalty."""
    walled = np.pad(scores, ((1, 1), (0, 0)), constant_values=-np.inf)
    return np.asarray((scores >= walled[:-2]) & (scores >= walled[2:]))


def _pearson(made: FloatArray, responses: FloatArray) -> FloatArray:
    """Correlation of each row of predictions with its responses, both of mean 0; 0 where either is constant."""
    lengths = np.sqrt(np.einsum("ij,ij->i", made, made)) * np.sqrt(np.einsum("ij,ij->i", responses, responses))
    return np.asarray(np.einsum("ij,ij->i", made, responses) / np.where(lengths > 0, lengths, 1))


def _centred_pearson(made: FloatArray, responses: FloatArray) -> FloatArray:
    return _pearson(made - made.mean(axis=1, keepdims=True), responses - responses.mean(axis=1, keepdims=True))


def _mean_square(errors: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ij,ij->i", errors, errors) / errors.shape[1])


def _minus_error(made: FloatArray, responses: FloatArray) -> FloatArray:
    return -_mean_square(made - responses)
