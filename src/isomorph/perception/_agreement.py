"""Accuracy and agreement of observers, condition by condition, for all replicates of a bootstrap at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import as_floats
from isomorph.errors import InputError, ShapeError
from isomorph.perception._distributions import Floats
from isomorph.perception._draws import drawn_weights
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


def condition_means(grid: Grid, values: Floats, weights: Floats | None) -> Floats:
    """Means of `values` [row, cell] over the cells of each condition: `[row, condition, replicate]`, one replicate without weights."""
    spans = [slice(*each) for each in zip(grid.starts[:-1], grid.starts[1:], strict=True)]
    if weights is None:
        return np.stack([values[:, span].mean(axis=1) for span in spans], axis=1)[:, :, None]
    return np.stack([values[:, span] @ weights[span] / (span.stop - span.start) for span in spans], axis=1)


def draw_cells(grid: Grid, replicates: int, rng: np.random.Generator) -> Floats:
    """How often each cell is drawn, `[cell, replicate]`: each condition's images with replacement, as many as there are."""
    drawn = []
    for start, stop in zip(grid.starts[:-1], grid.starts[1:], strict=True):
        drawn.append(drawn_weights(stop - start, replicates, rng).T)
    return np.concatenate(drawn)


def pair_statistics(grid: Grid, pairs: npt.NDArray[np.intp], weights: Floats | None) -> Floats:
    """Accuracy difference, observed consistency and κ of pairs, averaged over conditions: `[statistic, pair, replicate]`."""
    accuracy = condition_means(grid, grid.correct, weights)
    both = condition_means(grid, grid.correct[pairs[:, 0]] * grid.correct[pairs[:, 1]], weights)
    difference, observed, _, kappa = statistics(accuracy[pairs[:, 0]], accuracy[pairs[:, 1]], both)
    return np.stack([difference.mean(axis=1), observed.mean(axis=1), kappa.mean(axis=1)])
