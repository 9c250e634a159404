"""Triplets for a teacher to label, drawn with regard to groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError, ShapeError
from isomorph.judgments import Triplets

TripletKind = Literal["random", "between", "border", "within"]
Balance = Literal["images", "groups"]
_NEEDED = {"random": "3 objects", "between": "3 groups", "border": "a group of 2 and another group", "within": "a group of 3"}
_LEAST = {"random": 3, "between": 1, "border": 2, "within": 3}  # the least size of the group that the first object comes from
_COLUMNS = np.array([[[0, 1, 2], [0, 1, 2], [1, 0, 2]], [[0, 2, 1], [0, 2, 1], [2, 0, 1]], [[1, 2, 0], [2, 1, 0], [1, 2, 0]]])


def sample_triplets(
    objects: Sequence[str], n: int, *, kind: TripletKind = "random", groups: Sequence[object] | None = None, seed: int = 0
) -> Triplets:
    """Draw `n` triplets of objects; nobody has judged them yet, so the order within each is by chance.

    For many millions, or balanced over groups, see `isomorph.alignet.TripletSampler`.

    Args:
        objects: Stimulus ids.
        n: How many; a triplet may be drawn more than once.
        kind: `"random"`: any three. `"between"`: of three groups. `"border"`: two of one group, one of another. `"within"`: of one group.
            The first object of each is drawn evenly among those from which such a triplet can begin.
        groups: The group of each object: its class, or its cluster (AligNet: 500 clusters of the teacher's features).
        seed: Of the draws.

    Raises:
        InputError: The groups allow no such triplet, or `kind` needs groups and there are none.
        ShapeError: There are not as many groups as objects.

    Example:
        >>> drawn = sample_triplets(["ant", "bee", "cup", "mug"], 100, kind="border", groups=["animal", "animal", "vessel", "vessel"])
        >>> sorted({tuple(sorted(drawn.objects[row] for row in trial)) for trial in drawn.items})[0]
        ('ant', 'bee', 'cup')
    """
    if kind not in _NEEDED:
        raise InputError(f"triplets are drawn {', '.join(map(repr, _NEEDED))}; got {kind!r}.")
    if groups is None and kind != "random":
        raise InputError(f"{kind!r} triplets are drawn by groups; pass groups=…, one for each object.")
    if groups is not None and len(groups) != len(objects):
        raise ShapeError(f"there are {len(objects)} objects but {len(groups)} groups; each object needs its own.")
    names = [""] * len(objects) if kind == "random" or groups is None else [str(each) for each in groups]
    draw = GroupDraw(np.unique(names, return_inverse=True)[1], kind)
    if not draw.is_possible:
        held = f"{len(objects)} objects in {len(draw.sizes)} group{'s' * (len(draw.sizes) != 1)}"
        raise InputError(f"{kind!r} triplets need {_NEEDED[kind]}; there are {held}.")
    items = draw(n, np.random.default_rng(seed))
    return Triplets(items=items, objects=tuple(objects), source=f"{kind} triplets, seed {seed}")


class GroupDraw:
    """Draws triplets of one kind, without rejection: places are counted in the order of groups, and those not allowed are stepped over.

    Attributes:
        sizes: `[group]`: how many objects each has.
        eligible: The groups that the first object may come from.
        is_possible: Whether the groups allow such a triplet.
    """

    def __init__(self, labels: IntArray, kind: TripletKind, balance: Balance = "images") -> None:
        self.kind, self.balance = kind, balance
        self._order = np.argsort(labels, kind="stable").astype(np.int32)
        self.sizes: IntArray = np.bincount(labels) if len(labels) else np.zeros(0, dtype=np.int64)
        self._starts: IntArray = np.cumsum(self.sizes) - self.sizes
        self._of = labels[self._order]
        self.eligible = np.flatnonzero(self.sizes >= _LEAST[kind])
        self._begin = np.flatnonzero(self.sizes[self._of] >= _LEAST[kind]) if balance == "images" else self.eligible
        self.is_possible = len(self.eligible) > 0 and len(self.sizes) >= {"between": 3, "border": 2}.get(kind, 1)

    def __call__(self, n: int, rng: np.random.Generator) -> IntArray:
        """`[n, 3]` int32: three different objects each, in an order by chance."""
        first = self._begin[rng.integers(len(self._begin), size=n)]
        if self.balance == "groups":
            first = self._starts[first] + rng.integers(self.sizes[first])
        group = self._of[first]
        if self.kind in ("random", "within"):
            step = rng.integers(1, self.sizes[group])
            other = rng.integers(1, self.sizes[group] - 1)
            second, third = self._inside(first, group, step), self._inside(first, group, other + (other >= step))
        elif self.kind == "border":
            second = self._inside(first, group, rng.integers(1, self.sizes[group]))
            third = self._outside([group], rng)
        else:
            second = self._outside([group], rng)
            third = self._outside([group, self._of[second]], rng)
        return rng.permuted(self._order[np.stack([first, second, third], axis=1)], axis=1)

    def _inside(self, place: IntArray, group: IntArray, step: IntArray) -> IntArray:
        start = self._starts[group]
        at: IntArray = start + (place - start + step) % self.sizes[group]
        return at

    def _outside(self, groups: list[IntArray], rng: np.random.Generator) -> IntArray:
        """A place in none of `groups` (`[n]` each): evenly over places, or over groups and then over the places of that group."""
        by_order = np.sort(np.stack(groups), axis=0)
        if self.balance == "groups":
            other = rng.integers(len(self.sizes) - len(groups), size=by_order.shape[1])
            for group in by_order:
                other += other >= group
            found: IntArray = self._starts[other] + rng.integers(self.sizes[other])
            return found
        place: IntArray = rng.integers(len(self._of) - self.sizes[by_order].sum(axis=0))
        for group in by_order:
            place += np.where(place >= self._starts[group], self.sizes[group], 0)
        return place


def nearest_first(items: IntArray, similarities: FloatArray) -> tuple[IntArray, FloatArray]:
    """Columns re-sorted, items and similarities (01, 02, 12) together, so that s01 ≥ s02 ≥ s12: the odd one stands last.

    Of equal similarities the first pair counts as the more similar one.
    """
    pairs = np.argsort(-similarities, axis=1, kind="stable")
    columns = _COLUMNS[pairs[:, 0], pairs[:, 1]]
    return np.take_along_axis(items, columns, axis=1), np.take_along_axis(similarities, pairs, axis=1)
