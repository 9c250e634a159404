"""People's choices and features, met by stimulus id and ready for arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from isomorph.arrays import FloatArray, IntArray, check_finite, positions
from isomorph.errors import IdError, InputError, ShapeError
from isomorph.features import Features

if TYPE_CHECKING:
    from isomorph.judgments import Triplets

Choices: TypeAlias = "Triplets | IntArray"
"""`Triplets`, or whole numbers `[trial, 3]`: rows of the features, the odd one last."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Trials that point into the rows of features.

    Attributes:
        items: `[trial, 3]`, rows of the features.
        targets: `[trial, 3]`, the share of people who chose each pair; None where each trial has one choice.
        seen: The ids of the stimuli that stand in any trial.
    """

    items: IntArray
    targets: FloatArray | None
    seen: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.items)

    def take(self, rows: IntArray | slice) -> Examples:
        """Some of the trials; `seen` stays."""
        return Examples(self.items[rows], None if self.targets is None else self.targets[rows], self.seen)


def read_examples(x: Features, choices: Choices, *, name: str = "the triplets") -> Examples:
    """Check trials and find their objects among the rows of `x`.

    Raises:
        ShapeError: The array has not three columns, or there is no trial.
        IdError: An object of the trials is not among the features, or a number points outside them.
        InputError: A trial shows one object twice, or is no odd-one-out judgment.
    """
    if isinstance(choices, np.ndarray):
        items, targets = _checked(choices, len(x), name), None
        shown = np.unique(items)
    else:
        if choices.task != "odd-one-out":
            raise InputError(f"{name} are {choices.task} trials; affine maps are fitted to odd-one-out trials.")
        used = np.unique(choices.items)
        if not len(used):
            raise ShapeError(f"{name} hold no trial; nothing can be fitted.")
        shown = positions(x.ids, [choices.objects[each] for each in used], name=repr(x.subject or x.layer or "features"))
        place = np.zeros(len(choices.objects), dtype=np.int64)
        place[used] = shown
        items, targets = place[choices.items], choices.soft
        shown = np.sort(shown)
    return Examples(items, targets, tuple(x.ids[each] for each in shown))


def _checked(items: IntArray, objects: int, name: str) -> IntArray:
    if items.ndim != 2 or items.shape[1] != 3 or items.dtype.kind not in "iu":
        raise ShapeError(f"{name} need whole numbers with the axes [trial, 3]; got {items.dtype} of shape {items.shape}.")
    if not len(items):
        raise ShapeError(f"{name} hold no trial; nothing can be fitted.")
    if items.min() < 0 or items.max() >= objects:
        row = int(np.flatnonzero(((items < 0) | (items >= objects)).any(axis=1))[0])
        raise IdError(
            f"trial {row} of {name} shows {items[row].tolist()}, but the features have {objects:,} rows, 0 to {objects - 1:,}. "
            "Check whether the numbers count from 1."
        )
    same = (items[:, 0] == items[:, 1]) | (items[:, 0] == items[:, 2]) | (items[:, 1] == items[:, 2])
    if same.any():
        row = int(np.flatnonzero(same)[0])
        raise InputError(
            f"trial {row} of {name} shows one object twice: {items[row].tolist()}. Leave such trials out ({int(same.sum())} in all)."
        )
    return items.astype(np.int64, copy=False)


def check_features(x: Features, *, name: str, width: int | None = None) -> None:
    """Raise unless the features are finite numbers that vary, of the width wanted."""
    if width is not None and x.width != width:
        raise ShapeError(f"{name} has {x.width} features a stimulus, but {width} are needed; read both at the same layer of one model.")
    values = x.values
    for start in range(0, len(values), 8192):  # memory-mapped features are read in parts
        check_finite(values[start : start + 8192], name=name, ids=x.ids[start : start + 8192])


def rows_within(items: IntArray, rows: Sequence[int] | IntArray, objects: int) -> IntArray:
    """The trials whose three objects are all among `rows`."""
    inside = np.zeros(objects, dtype=bool)
    inside[rows] = True
    return np.flatnonzero(inside[items].all(axis=1))
