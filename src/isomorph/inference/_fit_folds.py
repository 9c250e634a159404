"""Which stimuli and subjects are held out together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isomorph.arrays import IntArray
from isomorph.errors import InputError, ShapeError

LEAST_IN_FOLD = 3
_STEPS = {"stimuli": (12, 24, 40), "subjects": (6, 12, 20)}
_DISTINCT = 1 - np.exp(-1)


@dataclass(frozen=True, eq=False)
class Folds:
    """The assignments behind cross-validated values.

    Attributes:
        stimuli: `[assignment, stimulus]`: the fold in which each stimulus is tested, from 0.
        subjects: `[assignment, subject]`: the fold in which each subject is tested.
    """

    stimuli: IntArray
    subjects: IntArray

    @property
    def counts(self) -> tuple[int, int]:
        """How many folds there are of stimuli and of subjects; 1 means that the same are fitted and tested."""
        return int(self.stimuli.max()) + 1, int(self.subjects.max()) + 1

    def __str__(self) -> str:
        return f"{self.counts[0]} folds of stimuli × {self.counts[1]} of subjects, {len(self.stimuli)} assignments"


def fold_counts(folds: tuple[int, int] | None, n: int, people: int) -> tuple[int, int]:
    """Check `folds`, or choose 2 … 5 by how many different stimuli and subjects a bootstrap sample holds."""
    if folds is None:
        if n < 2 * LEAST_IN_FOLD:
            raise ShapeError(
                f"{n} stimuli cannot be split into folds of at least {LEAST_IN_FOLD}: a model with something to fit needs at least "
                f"{2 * LEAST_IN_FOLD}. Use folds=(1, …) to fit and test on the same stimuli."
            )
        chosen = [2 + sum(size * _DISTINCT >= step for step in _STEPS[kind]) for kind, size in (("stimuli", n), ("subjects", people))]
        return min(chosen[0], n // LEAST_IN_FOLD), min(chosen[1], people)
    stimuli, subjects = folds
    if stimuli < 1 or subjects < 1:
        raise InputError(f"folds are counted from 1, which holds nothing out; got folds=({stimuli}, {subjects}).")
    if stimuli > 1 and n < LEAST_IN_FOLD * stimuli:
        raise InputError(
            f"{stimuli} folds of at least {LEAST_IN_FOLD} stimuli need {LEAST_IN_FOLD * stimuli}; there are {n}. "
            f"Use {n // LEAST_IN_FOLD} folds at most."
        )
    if subjects > people:
        raise InputError(f"{people} subjects cannot fill {subjects} folds. Use folds=({stimuli}, {people}) at most.")
    return stimuli, subjects


def assign(rng: np.random.Generator, drawn: npt.NDArray[np.bool_], count: int, *, fixed: bool = False) -> IntArray:
    """Random folds of equal size (±1) of what was drawn, `[replicate, thing]`; −1 where nothing was.

    `fixed`: where all things stand in all replicates, all have the same folds, which then add nothing to what varies between them.
    """
    keys = rng.random(drawn.shape)
    keys = np.where(drawn, keys[:1] if fixed and drawn.all() else keys, np.inf)
    labels = keys.argsort(axis=1).argsort(axis=1) % count
    return np.where(drawn, labels, -1)


def too_small(labels: IntArray, count: int, least: int) -> npt.NDArray[np.bool_]:
    """Which rows of `[replicate, thing]` have a fold of fewer than `least`."""
    sizes = np.stack([(labels == fold).sum(axis=1) for fold in range(count)])
    return np.asarray((sizes < least).any(axis=0))


def split(weights: IntArray, labels: IntArray, count: int) -> tuple[IntArray, IntArray]:
    """Training and test weights `[…, fold, thing]`; with one fold both are `weights`."""
    own = labels[..., None, :] == np.arange(count)[:, None]
    test = np.where(own, weights[..., None, :], 0)
    return (test, test) if count == 1 else (np.where(own, 0, weights[..., None, :]), test)
