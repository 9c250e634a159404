"""Accuracy and agreement of observers, condition by condition, for all replicates of a bootstrap at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import as_floats
from isomorph.errors import InputError, ShapeError
from isomorph.perception._distributions import Floats
from isomorph.perception._draws import drawn_means
from isomorph.perception._grid import Grid


@dataclass(frozen=True)
class Agreement:
    """How two observers agree on the same images.

    Attributes:
        error_consistency: κ = (o − e) / (1 − e): 0 by chance, 1 the same errors; 1 where o = 1.
        observed: o, the share of images on which both are right or both wrong.
        expected: e = A₁A₂ + (1 − A₁)(1 − A₂), o of two observers with these accuracies that err independently.
        accuracy_difference: (A₁ − A₂)².
        accuracies: A₁, A₂.
        n: Images.
    """

    error_consistency: float
    observed: float
    expected: float
    accuracy_difference: float
    accuracies: tuple[float, float]
    n: int


def agreement(first: Any, second: Any) -> Agreement:
    """Agreement of two observers from which of their answers were right, image by image.

    Error consistency is Cohen's κ of being right (Geirhos et al., 2020, <https://arxiv.org/abs/2006.16736>). Of few images, or of
    observers that are nearly always right, it is uncertain: look at the interval of `behaviour_table`.

    Args:
        first: `[image]` of zeros and ones.
        second: The same images.

    Raises:
        ShapeError: They have different lengths.
        InputError: They hold something else than 0 and 1.

    Example:
        >>> agreement([1, 1, 0, 0], [1, 1, 1, 0]).error_consistency
        0.5
    """
    both = [as_floats(each, name=name, ndim=1).astype(np.float64) for each, name in ((first, "first"), (second, "second"))]
    if len(both[0]) != len(both[1]) or not len(both[0]):
        raise ShapeError(f"two observers are compared image by image; got {len(both[0])} and {len(both[1])} images.")
    if any((~np.isin(each, (0, 1))).any() for each in both):
        raise InputError("an answer is right (1) or wrong (0); got other values. For names, compare with the truth first.")
    a, b = both[0].mean(), both[1].mean()
    difference, o, e, kappa = statistics(a, b, (both[0] * both[1]).mean())
    return Agreement(float(kappa), float(o), float(e), float(difference), (float(a), float(b)), len(both[0]))


def statistics(a: Any, b: Any, both: Any) -> tuple[Floats, Floats, Floats, Floats]:
    """Accuracy difference, observed and expected consistency and κ from two accuracies and the share on which both are right."""
    a, b, both = np.asarray(a), np.asarray(b), np.asarray(both)
    observed = 1 - a - b + 2 * both
    expected = a * b + (1 - a) * (1 - b)
    same = observed >= 1 - 1e-12
    kappa = np.where(same, 1.0, (observed - expected) / np.where(same | (expected >= 1), 1.0, 1 - expected))
    return (a - b) ** 2, observed, expected, kappa


def pairs_of(rows: list[int]) -> npt.NDArray[np.intp]:
    """Each unordered pair once, `[pair, 2]`."""
    return np.array(list(combinations(rows, 2)), dtype=np.intp).reshape(-1, 2)


@dataclass(frozen=True)
class Shares:
    """How often observers, and both of each pair, are right in each condition.

    Attributes:
        accuracy: `[observer, condition, replicate]`.
        both: `[pair, condition, replicate]`.
    """

    accuracy: Floats
    both: Floats

    def of(self, pairs: npt.NDArray[np.intp]) -> tuple[Floats, Floats, Floats, Floats]:
        """`statistics` of each pair, each `[pair, condition, replicate]`."""
        return statistics(self.accuracy[pairs[:, 0]], self.accuracy[pairs[:, 1]], self.both)

    def averaged(self, pairs: npt.NDArray[np.intp]) -> Floats:
        """Accuracy difference, observed consistency and κ, averaged over conditions: `[statistic, pair, replicate]`."""
        difference, observed, _, kappa = self.of(pairs)
        return np.stack([difference.mean(axis=1), observed.mean(axis=1), kappa.mean(axis=1)])


def shares(grid: Grid, pairs: npt.NDArray[np.intp]) -> Shares:
    """What is the case: one replicate."""
    return _shares(grid, pairs, lambda right: right.mean(axis=0, keepdims=True))


def drawn_shares(grid: Grid, pairs: npt.NDArray[np.intp], replicates: int, rng: np.random.Generator) -> Shares:
    """With the images of each condition drawn with replacement, as many as there are."""
    return _shares(grid, pairs, lambda right: drawn_means(right, replicates, rng))


def _shares(grid: Grid, pairs: npt.NDArray[np.intp], means: Callable[[Floats], Floats]) -> Shares:
    right = np.concatenate([grid.correct, grid.correct[pairs[:, 0]] * grid.correct[pairs[:, 1]]])
    spans = zip(grid.starts[:-1], grid.starts[1:], strict=True)
    found = np.stack([means(right[:, start:stop].T).T for start, stop in spans], axis=1)
    return Shares(*np.split(found, [len(grid.observers)]))


def without_bias(value: Floats, drawn: Floats) -> Floats:
    r"""Replicates of κ along the last axis, moved so that their percentiles are an interval of what κ estimates.

    κ is a ratio of what few images estimate and falls short of its value for many, in each condition alike, so that means over conditions
    do too. Replicates show that bias, \(b = \bar\kappa^* - \hat\kappa\), on top of the estimate's own, and are moved by \(-2b\): to
    \(\hat\kappa - b\), as Kilian (1998, <https://doi.org/10.1162/003465398557465>) corrects an estimate and its replicates.
    """
    bias = drawn.mean(axis=-1, keepdims=True) - value[..., None]
    return np.asarray(np.minimum(drawn - 2 * bias, 1.0))
