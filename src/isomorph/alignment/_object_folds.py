"""Folds over objects, so that held-out trials show nothing that was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from isomorph.alignment._examples import Choices, rows_within
from isomorph.arrays import IntArray
from isomorph.errors import InputError


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectFold:
    """One split of objects, and which trials lie wholly on one side.

    Attributes:
        train: `[trial]`: trials whose three objects are all trained on.
        test: `[trial]`: trials whose three objects are all held out.
        held_out: The objects held out, as numbers.
        dropped: How many trials belong to neither: they mix both sides, or (by trials) another fold tests them.
    """

    train: IntArray
    test: IntArray
    held_out: IntArray
    dropped: int

    @property
    def share_kept(self) -> float:
        """The share of trials that belong to a side; (1 - 1/k)³ + (1/k)³ is expected."""
        kept = len(self.train) + len(self.test)
        return kept / (kept + self.dropped)


def object_folds(triplets: Choices, k: int = 4, *, by: Literal["objects", "trials"] = "objects", seed: int = 0) -> list[ObjectFold]:
    """Split what people judged into `k` parts and hold each out once, so that no test trial shows an object that is trained on.

    Splitting trials alone would leak. By objects, only 1/k² of all trials are ever tested, the others mix the sides. By trials, each trial
    is tested once and training leaves out whatever shows one of its part's objects: the way for many objects in few trials each.

    Args:
        triplets: `Triplets`, or an array `[trial, 3]`.
        k: How many parts.
        by: What is split: `"objects"` or `"trials"`.
        seed: Of the split.

    Raises:
        InputError: There are too few objects, or a fold would have no trial to train on or to test.

    Example:
        >>> trials = np.array([np.random.default_rng(row).permutation(40)[:3] for row in range(2000)])
        >>> folds = object_folds(trials, 4)
        >>> len(folds), round(folds[0].share_kept, 1), (1 - 1 / 4) ** 3 + (1 / 4) ** 3
        (4, 0.4, 0.4375)
    """
    if by not in ("objects", "trials"):
        raise InputError(f"folds are made by 'objects' or 'trials'; got {by!r}.")
    items = triplets if isinstance(triplets, np.ndarray) else triplets.items
    shown = np.unique(items)
    if k < 2 or (len(shown) < 3 * k if by == "objects" else len(items) < k):
        of, each = (f"{len(shown)} objects", "with 3 objects") if by == "objects" else (f"{len(items):,} trials", "with a trial")
        raise InputError(f"{k} folds over {of} cannot be made: it takes at least 2 folds {each} each.")
    count = int(shown[-1]) + 1
    order = np.random.default_rng(seed).permutation(shown if by == "objects" else len(items))
    folds = []
    for part in np.array_split(order, k):
        out = part if by == "objects" else np.unique(items[part])
        test = rows_within(items, out, count) if by == "objects" else np.sort(part)
        train = rows_within(items, np.setdiff1d(shown, out), count)
        if not len(train) or not len(test):
            way = "Use fewer." if by == "objects" else "Use more: a smaller part shows fewer objects."
            raise InputError(
                f"a fold that holds {len(out)} of {len(shown)} objects out has {len(train):,} trials to train on and {len(test):,} "
                f"to test: {len(items):,} trials are too few for {k} folds. {way}"
            )
        folds.append(ObjectFold(train=train, test=test, held_out=np.sort(out), dropped=len(items) - len(train) - len(test)))
    return folds
