"""Odd-one-out judgments in one form: the odd one stands last."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray, unique_ids
from isomorph.errors import IdError, InputError, NonFiniteError, ShapeError

Task = Literal["odd-one-out", "two-alternative"]

PAIRS = ((0, 1), (0, 2), (1, 2))
"""The pairs of a triplet's columns, in the order that `similarities`, `soft` and posteriors have: 01, 02, 12."""

_BLOCK_ROWS = 1 << 20


def order_hash(ids: Sequence[str]) -> str:
    """A short name of ids *in their order*: the first 16 hexadecimal digits of a SHA-256.

    Example:
        >>> order_hash(["ice", "ice_cream"]) == order_hash(["ice_cream", "ice"])
        False
    """
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]


@dataclass(frozen=True, eq=False, kw_only=True)
class Triplets:
    r"""Judgments on three things at a time, all in one form.

    Columns 0 and 1 of a row of `items` are the pair that was kept together, column 2 is the odd one. With `task="two-alternative"`
    column 0 is the reference, column 1 the alternative that was chosen as closer to it, column 2 the other one; the pair 12 was never
    asked about. Pairs are always in the order 01, 02, 12.

    Attributes:
        items: `[trial, 3]`, whole numbers (int32, may be memory-mapped): rows of `objects`.
        objects: The stimulus ids that `items` points into; unique. Their order has a hash, `order`.
        similarities: `[trial, 3]`: what a teacher or matrix said of the pairs, if anything.
        soft: `[trial, 3]`: the share of people (or the probability) that chose each pair; rows sum to 1.
        response_times: `[trial]`, seconds; NaN where unknown.
        participants: `[trial]`: who answered.
        task: `"odd-one-out"` or `"two-alternative"`.
        source: Where they came from, for people.

    Raises:
        ShapeError: A part has other axes than stated.
        IdError: An item points outside `objects`, or an object's id stands twice.
        InputError: A row shows one object twice, or `soft` are no shares.
        NonFiniteError: `similarities` or `soft` hold NaN or infinity.

    Example:
        >>> trials = Triplets(items=np.array([[0, 1, 2], [3, 1, 0]]), objects=("ant", "bee", "cup", "dog"))
        >>> len(trials), trials.objects[trials.items[0, 2]]
        (2, 'cup')
    """

    items: IntArray
    objects: tuple[str, ...]
    similarities: FloatArray | None = None
    soft: FloatArray | None = None
    response_times: FloatArray | None = None
    participants: tuple[str, ...] | None = None
    task: Task = "odd-one-out"
    source: str = ""

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        objects = self.objects if isinstance(self.objects, tuple) else tuple(self.objects)
        set_field(self, "objects", unique_ids(objects, name="the objects of the triplets"))
        set_field(self, "items", _checked_items(self.items, self.objects))
        for name in ("similarities", "soft"):
            set_field(self, name, _checked_numbers(getattr(self, name), (len(self), 3), name))
        if self.soft is not None and (self.soft.min(initial=0) < 0 or np.abs(self.soft.sum(axis=1) - 1).max(initial=0) > 1e-3):
            raise InputError("soft choices are shares of the pairs 01, 02, 12: none below 0, each row sums to 1.")
        if self.task not in ("odd-one-out", "two-alternative"):
            raise InputError(f"the task is 'odd-one-out' or 'two-alternative'; got {self.task!r}.")
        if self.response_times is not None:
            times = np.asarray(self.response_times, dtype=np.float64)
            if times.shape != (len(self),):
                raise ShapeError(f"there are {len(self)} trials but response times of shape {times.shape}.")
            set_field(self, "response_times", times)
        if self.participants is not None:
            people = tuple(map(str, self.participants))
            if len(people) != len(self):
                raise ShapeError(f"there are {len(self)} trials but {len(people)} participants; each trial needs its own.")
            set_field(self, "participants", people)

    def __len__(self) -> int:
        return len(self.items)

    def __str__(self) -> str:
        return f"{len(self):,} {self.task} trials on {len(self.objects):,} objects{f' ({self.source})' if self.source else ''}"

    def __repr__(self) -> str:
        return f"Triplets({self})"

    @cached_property
    def order(self) -> str:
        """The hash of `objects` in their order: equal for two sets of trials whose items point into the same list."""
        return order_hash(self.objects)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of everything but `source`."""
        digest = hashlib.sha256(f"{self.task}\n{self.order}\n".encode())
        for name in ("items", "similarities", "soft", "response_times"):
            part = getattr(self, name)
            if part is not None:
                digest.update(name.encode())
                for start in range(0, len(part), _BLOCK_ROWS):
                    digest.update(np.ascontiguousarray(part[start : start + _BLOCK_ROWS]).tobytes())
        if self.participants is not None:
            digest.update("\n".join(("participants", *self.participants)).encode())
        return digest.hexdigest()

    @cached_property
    def shown(self) -> npt.NDArray[np.bool_]:
        """`[object]`: which objects stand in at least one trial."""
        return np.bincount(self.items.ravel(), minlength=len(self.objects)) > 0

    def take(self, rows: Any) -> Triplets:
        """The trials of `rows`: indices, a slice or a mask over the trials."""
        at = np.arange(len(self))[rows]
        parts = {name: getattr(self, name) for name in ("similarities", "soft", "response_times")}
        taken: dict[str, Any] = {name: None if part is None else part[at] for name, part in parts.items()}
        people = None if self.participants is None else tuple(self.participants[row] for row in at)
        return replace(self, items=self.items[at], participants=people, **taken)

    def restrict(self, objects: Sequence[str]) -> Triplets:
        """The trials whose three objects are all among `objects`, pointing into `objects` in their order.

        Example:
            >>> trials = Triplets(items=np.array([[0, 1, 2], [3, 1, 0]]), objects=("ant", "bee", "cup", "dog"))
            >>> trials.restrict(["dog", "bee", "ant"]).items.tolist()
            [[0, 1, 2]]
        """
        wanted = unique_ids(objects, name="the objects to keep")
        place = {each: row for row, each in enumerate(wanted)}
        new = np.array([place.get(each, -1) for each in self.objects], dtype=np.int32)
        kept = self.take((new[self.items] >= 0).all(axis=1)) if len(self) else self
        return replace(kept, items=new[kept.items], objects=wanted)

    def mixed(self, split: Sequence[int] | IntArray) -> npt.NDArray[np.bool_]:
        """`[trial]`: whether a trial's objects lie in more than one part of `split` (`[object]`: the part of each object).

        Splitting objects, not trials, is what keeps held-out objects unseen; then mixed trials belong to no part and are dropped.
        """
        part = np.asarray(split)
        if part.shape != (len(self.objects),):
            raise ShapeError(f"a split says for each of the {len(self.objects)} objects in which part it is; got shape {part.shape}.")
        of_items = part[self.items]
        return np.asarray((of_items != of_items[:, :1]).any(axis=1))

    @classmethod
    def load(cls, path: Path | str, format: str = "auto", **options: Any) -> Triplets:
        """Read a file of judgments; `isomorph.judgments.load_triplets` says which formats and options there are."""
        from isomorph.judgments._load import load_triplets

        return load_triplets(path, format, **options)

    def save(self, path: Path | str, format: str = "auto") -> None:
        """Write a file of judgments; `isomorph.judgments.save_triplets` says in which formats."""
        from isomorph.judgments._save import save_triplets

        save_triplets(self, path, format)


def _checked_items(items: Any, objects: tuple[str, ...]) -> IntArray:
    array = np.asarray(items) if not isinstance(items, np.memmap) else items
    if array.ndim != 2 or array.shape[1] != 3:
        raise ShapeError(f"triplets need items with the axes [trial, 3]; got shape {array.shape}.")
    if array.dtype.kind not in "iu":
        raise InputError(f"items are whole numbers, rows of the objects; got an array of type {array.dtype}.")
    for start in range(0, len(array), _BLOCK_ROWS):
        _check_block(array[start : start + _BLOCK_ROWS], start, objects)
    return array if array.dtype == np.int32 else array.astype(np.int32)


def _check_block(block: IntArray, start: int, objects: tuple[str, ...]) -> None:
    if block.min(initial=0) < 0 or block.max(initial=0) >= len(objects):
        outside = (block < 0) | (block >= len(objects))
        row = int(np.flatnonzero(outside.any(axis=1))[0])
        bad = block[row][outside[row]][0]
        raise IdError(
            f"trial {start + row} shows object {bad}, but there are {len(objects):,} objects, 0 to {len(objects) - 1:,}. "
            "Check the list of objects, and whether the ids count from 1."
        )
    first, second, third = block.T
    same = (first == second) | (first == third) | (second == third)
    if same.any():
        row = int(np.flatnonzero(same)[0])
        shown = block[row].tolist()
        what = "three times the same object" if len(set(shown)) == 1 else "the same object twice"
        what += ", and the odd one is one of the pair" if len(set(shown)) == 2 and shown[2] in shown[:2] else ""
        raise InputError(
            f"trial {start + row} shows {what}: items {shown}. Three different objects make a trial; {int(same.sum())} trials have fewer. "
            "Leave them out."
        )


def _checked_numbers(values: Any, shape: tuple[int, int], name: str) -> FloatArray | None:
    if values is None:
        return None
    array = np.asarray(values)
    array = array if array.dtype.kind == "f" else array.astype(np.float64)
    if array.shape != shape:
        raise ShapeError(f"there are {shape[0]} trials, so {name} need the shape {shape}; got {array.shape}.")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise NonFiniteError(f"{name} of trial {row} are {array[row].tolist()}; they must be finite numbers.")
    return array
