"""What can be verified about judgments without a model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from isomorph.arrays import IntArray
from isomorph.errors import InputError
from isomorph.judgments._repeats import groups_of
from isomorph.judgments._things import order_of
from isomorph.judgments._triplets import Triplets


@dataclass(frozen=True, kw_only=True)
class TripletCheck:
    """Facts about judgments.

    Attributes:
        n: Trials.
        objects: Objects in the list.
        shown: Objects that at least one trial shows.
        order: The hash of the objects in their order.
        things_order: `"item"`, `"file"` or `"id"` where the objects are THINGS in a known order.
        task: `"odd-one-out"` or `"two-alternative"`.
        repeated: Sets of three objects that stand in more than one trial.
        in_repeated: Trials of such sets.
        participants: Different people; 0 where unknown.
        odd_last: The share of trials in which the pair 01 has the largest similarity, alone; None without similarities.
        third_smallest: The share in which the pair 12 has the smallest similarity: it need not, and decides nothing.
        tied: Trials whose largest similarity is shared.
        digest: The SHA-256 of the judgments.
    """

    n: int
    objects: int
    shown: int
    order: str
    things_order: str | None
    task: str
    repeated: int
    in_repeated: int
    participants: int
    odd_last: float | None
    third_smallest: float | None
    tied: int | None
    digest: str


def check_triplets(triplets: Triplets) -> TripletCheck:
    """Report what can be verified: repeats, order of the objects, and whether given similarities agree with the odd one standing last."""
    group = groups_of(triplets)
    sizes = np.bincount(group) if len(triplets) else np.zeros(0, dtype=np.int64)
    odd_last = third = tied = None
    if triplets.similarities is not None and len(triplets):
        values = triplets.similarities
        odd_last = share_with_odd_last(triplets)
        third = float((values[:, 2] <= values[:, :2].min(axis=1)).mean())
        tied = int(((values == values.max(axis=1, keepdims=True)).sum(axis=1) > 1).sum())
    return TripletCheck(
        n=len(triplets), objects=len(triplets.objects), shown=int(triplets.shown.sum()), order=triplets.order,
        things_order=order_of(triplets.objects), task=triplets.task, repeated=int((sizes > 1).sum()),
        in_repeated=int(sizes[sizes > 1].sum()),
        participants=len(set(triplets.participants or ())), odd_last=odd_last, third_smallest=third, tied=tied, digest=triplets.digest,
    )  # fmt: skip


def share_with_odd_last(triplets: Triplets) -> float:
    """The share of trials whose largest similarity is that of the pair 01, and of no other."""
    values = triplets.similarities
    if values is None or not len(values):
        return 1.0
    return float((values[:, 0] > np.maximum(values[:, 1], values[:, 2])).mean())


_COLUMNS = np.array([[0, 1, 2], [0, 2, 1], [1, 2, 0]])  # the most similar pair first, the odd one last
_PAIR_OF = np.array([[0, 1, 2], [1, 0, 2], [2, 0, 1]])  # where the new pairs 01, 02, 12 stood


def canonicalise(triplets: Triplets) -> Triplets:
    """Re-sort the columns so that the pair with the largest similarity comes first and the odd one last.

    Items, similarities and soft choices move together. Of equal largest similarities the first stands.

    Raises:
        InputError: The judgments have no similarities.

    Example:
        >>> trials = Triplets(items=np.array([[0, 1, 2]]), objects=("a", "b", "c"), similarities=np.array([[0.1, 0.2, 0.9]]))
        >>> canonicalise(trials).items.tolist()
        [[1, 2, 0]]
    """
    if triplets.similarities is None:
        raise InputError("only similarities can say which item is the odd one, and these judgments have none.")
    if triplets.task != "odd-one-out":
        raise InputError("two-alternative trials have their reference first; they are not re-sorted.")
    best: IntArray = triplets.similarities.argmax(axis=1)
    pairs = _PAIR_OF[best]
    soft = None if triplets.soft is None else np.take_along_axis(triplets.soft, pairs, axis=1)
    return replace(
        triplets,
        items=np.take_along_axis(triplets.items, _COLUMNS[best], axis=1),
        similarities=np.take_along_axis(triplets.similarities, pairs, axis=1),
        soft=soft,
    )
