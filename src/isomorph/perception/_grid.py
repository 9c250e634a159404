"""Several observers on the same images of one data set: who was right where."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isomorph.errors import IdError, InputError
from isomorph.perception._distributions import Floats
from isomorph.perception._dropped import Dropped, kept
from isomorph.perception._trials import Trials


@dataclass(frozen=True, eq=False)
class Grid:
    """Right and wrong of observers, image by image.

    Attributes:
        dataset: Which data set.
        observers: Their names.
        correct: `[observer, cell]` 0 or 1; a cell is an image in a condition, and cells of one condition stand together.
        conditions: The conditions' names.
        starts: `[condition + 1]`: where each condition begins.
    """

    dataset: str
    observers: tuple[str, ...]
    correct: Floats
    conditions: tuple[str, ...]
    starts: npt.NDArray[np.intp]

    def rows(self, names: Sequence[str]) -> list[int]:
        """The rows of these observers that took part in this data set."""
        return [self.observers.index(each) for each in names if each in self.observers]


def grids(trials: Trials, dropped: Dropped) -> list[Grid]:
    """A grid for each data set, in alphabetical order.

    Raises:
        IdError: Two observers saw different images in a condition; the message lists them.
        InputError: An observer saw an image twice in a condition, an image has two categories, or all conditions of a data set are dropped.
    """
    rest = kept(trials, dropped)
    rest = dataclasses.replace(rest, item=rest.item.ordered())
    gone = sorted(set(trials.dataset.names) - set(rest.dataset.names))
    if gone:
        raise InputError(f"every condition of the data set {gone[0]!r} is dropped. Leave it out: trials.take(datasets=[…]).")
    correct = rest.correct
    order = np.argsort(rest.dataset.codes, kind="stable")
    ends = np.cumsum(np.bincount(rest.dataset.codes))
    found = [_grid(rest, name, rows, correct[rows]) for name, rows in zip(rest.dataset.names, np.split(order, ends[:-1]), strict=True)]
    return sorted(found, key=lambda each: each.dataset)


def _grid(trials: Trials, dataset: str, rows: npt.NDArray[np.intp], correct: npt.NDArray[np.bool_]) -> Grid:
    condition, items = trials.condition.take(rows).ordered(), len(trials.item.names)
    keys = condition.codes.astype(np.int64) * items + trials.item.codes[rows]
    subject = trials.subject.take(rows)
    observers = tuple(sorted(subject.names))
    place = np.array([observers.index(each) for each in subject.names])[subject.codes]
    cells, first, which = np.unique(keys, return_index=True, return_inverse=True)
    right = trials.category.codes[rows]
    odd = np.flatnonzero(right != right[first][which.ravel()])
    if len(odd):
        _refuse_truth(trials, dataset, rows[odd[0]], rows[first[which.ravel()[odd[0]]]])
    seen = np.bincount(place * len(cells) + which.ravel(), minlength=len(observers) * len(cells)).reshape(len(observers), -1)
    if (seen != 1).any():
        _refuse(trials, dataset, observers, seen, cells, condition.names)
    table = np.empty((len(observers), len(cells)))
    table[place, which.ravel()] = correct
    starts = np.searchsorted(cells // items, np.arange(len(condition.names) + 1))
    return Grid(dataset, observers, table, condition.names, starts)


def _refuse_truth(trials: Trials, dataset: str, *rows: np.intp) -> None:
    said = [f"{trials.category.names[trials.category.codes[at]]!r} for {trials.subject.names[trials.subject.codes[at]]}" for at in rows]
    raise InputError(
        f"{dataset}: the image {trials.item.names[trials.item.codes[rows[0]]]} is {' and '.join(said)}. An image has one category: correct "
        "the column, or say how images are told apart: read_trials(…, key=str)."
    )


def _refuse(
    trials: Trials,
    dataset: str,
    observers: tuple[str, ...],
    seen: npt.NDArray[np.intp],
    cells: npt.NDArray[np.int64],
    conditions: tuple[str, ...],
) -> None:
    items = len(trials.item.names)

    def named(at: int) -> str:
        return f"{trials.item.names[cells[at] % items]} (condition {conditions[cells[at] // items]})"

    if (seen > 1).any():
        who, at = np.argwhere(seen > 1)[0]
        raise InputError(
            f"{dataset}: {observers[who]} answered {named(at)} {seen[who, at]} times. One answer an image and condition is compared: leave "
            "the others out, or give each session's trials another subject."
        )
    lines = []
    for who, row in enumerate(seen):
        absent = np.flatnonzero(row == 0)
        if len(absent):
            some = ", ".join(named(at) for at in absent[:3])
            lines.append(f"{observers[who]} lacks {len(absent)} of {len(cells)}: {some}{' …' if len(absent) > 3 else ''}")
    raise IdError(
        f"{dataset}: the observers did not answer the same images in the same conditions. {'; '.join(lines)}. Compare what all answered: "
        "leave the others out, or check the names in imagename."
    )
