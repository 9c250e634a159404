"""Triplets for a teacher to label, drawn with regard to groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from isomorph.arrays import IntArray
from isomorph.errors import InputError, ShapeError
from isomorph.judgments import Triplets

TripletKind = Literal["random", "between", "border", "within"]
_NEEDED = {"random": "3 objects", "between": "3 groups", "border": "a group of 2 and another group", "within": "a group of 3"}


def sample_triplets(
    objects: Sequence[str], n: int, *, kind: TripletKind = "random", groups: Sequence[object] | None = None, seed: int = 0
) -> Triplets:
    """Draw `n` triplets of objects; nobody has judged them yet, so the order within each is by chance.

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
    labels = np.unique(names, return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    items = _drawn(labels, n, "within" if kind == "random" else kind, rng)
    if items is None:
        count = len(set(names))
        held = f"{len(objects)} objects in {count} group{'s' * (count != 1)}"
        raise InputError(f"{kind!r} triplets need {_NEEDED[kind]}; there are {held}.")
    return Triplets(items=rng.permuted(items, axis=1), objects=tuple(objects), source=f"{kind} triplets, seed {seed}")


def _drawn(labels: IntArray, n: int, kind: str, rng: np.random.Generator) -> IntArray | None:
    """`[n, 3]`, without rejection but for the third group; positions are in the order of groups, and go round in circles."""
    order = np.argsort(labels, kind="stable")
    sizes = np.bincount(labels)
    starts, of = np.cumsum(sizes) - sizes, labels[order]
    least = {"within": 3, "border": 2, "between": 1}[kind]
    begin = np.flatnonzero(sizes[of] >= least)
    if not len(begin) or (kind != "within" and len(sizes) < 2) or (kind == "between" and len(sizes) < 3):
        return None
    first = rng.choice(begin, n)
    size, start = sizes[of[first]], starts[of[first]]

    def inside(step: IntArray) -> IntArray:
        at: IntArray = start + (first - start + step) % size
        return at

    def outside() -> IntArray:
        at: IntArray = (start + size + rng.integers(len(labels) - size)) % len(labels)
        return at

    step = rng.integers(1, np.maximum(size, 2))
    if kind == "within":
        other = rng.integers(1, size - 1)
        second, third = inside(step), inside(other + (other >= step))
    else:
        second, third = inside(step) if kind == "border" else outside(), outside()
    while kind == "between" and len(same := np.flatnonzero(of[second] == of[third])):
        third[same] = outside()[same]
    drawn: IntArray = order[np.stack([first, second, third], axis=1)]
    return drawn
