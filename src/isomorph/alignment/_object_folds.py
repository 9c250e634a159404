"""Folds over objects, so that held-out trials show nothing that was trained on."""

from __future__ import annotations

from dataclasses import dataclass

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
        dropped: How many trials mix both sides, and belong to none.
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


def object_folds(triplets: Choices, k: int = 4, *, seed: int = 0) -> list[ObjectFold]:
    """Split the objects that trials show into `k` parts, and hold each out once.

    Splitting trials instead would leak: each held-out trial would show objects that were trained on.

    Args:
        triplets: `Triplets`, or an array `[trial, 3]`.
        k: How many parts.
        seed: Of the split.

    Raises:
        InputError: There are too few objects, or a fold would have no trial to train on or to test.

    Example:
        >>> trials = np.array([np.random.default_rng(row).permutation(40)[:3] for row in range(2000)])
        >>> folds = object_folds(trials, 4)
        >>> len(folds), round(folds[0].share_kept, 1), (1 - 1 / 4) ** 3 + (1 / 4) ** 3
        (4, 0.4, 0.4375)
    """
    items = triplets if isinstance(triplets, np.ndarray) else triplets.items
    shown = np.unique(items)
    if k < 2 or len(shown) < 3 * k:
        raise InputError(f"{k} folds over {len(shown)} objects cannot be made: it takes at least 2 folds with 3 objects each.")
    count = int(shown[-1]) + 1
    folds = []
    for out in np.array_split(np.random.default_rng(seed).permutation(shown), k):
        train, test = rows_within(items, np.setdiff1d(shown, out), count), rows_within(items, out, count)
        if not len(train) or not len(test):
            raise InputError(
                f"a fold that holds {len(out)} of {len(shown)} objects out has {len(train):,} trials to train on and {len(test):,} "
                f"to test: {len(items):,} trials are too few for {k} folds. Use fewer."
            )
        folds.append(ObjectFold(train=train, test=test, held_out=np.sort(out), dropped=len(items) - len(train) - len(test)))
    return folds
