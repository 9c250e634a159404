"""Triplets of images drawn by classes or clusters, as many as are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from isomorph import spec
from isomorph.alignet._sample_groups import group_labels
from isomorph.alignet._sample_kinds import sampling_kind
from isomorph.alignet._sample_statistics import SampleStatistics, sample_statistics
from isomorph.alignet._triplet_table import TripletTable
from isomorph.alignet._triplet_table_writer import TableWriter
from isomorph.alignment._teacher_triplets import Balance, GroupDraw
from isomorph.arrays import IntArray
from isomorph.engine import Progress
from isomorph.errors import InputError, ShapeError

_PORTION = 1 << 16  # triplets that share a random generator: part of what a seed means, so it never changes


@dataclass(frozen=True, kw_only=True, eq=False)
class TripletSampler:
    """Draws triplets of three different images, in blocks of any size and the same whatever that size is.

    - `"random"`: any three images
    - `"between_class"`: of three classes
    - `"class_border"`: two of one class and one of another
    - `"within_class"`: three of one class
    - `"cluster_500"`: three of one cluster (ours: the published variant of this name is not described anywhere)
    - `"cluster_border_500"`: two of one cluster and one of another; what AligNet trains on

    With `balance="images"` each image that such a triplet can begin with is equally likely to be its first (the first of the pair at a
    border), so large groups give more; every further image is drawn evenly from those that the definition leaves. With `"groups"` each
    group is equally likely, and then each of its images. The three images stand in an order by chance, and a triplet may be drawn twice.

    Attributes:
        sampling: One of these names; clusters with or without their number.
        images: How many there are.
        groups: The class or cluster of each image: numbers or names. Not for `"random"`.
        balance: `"images"` or `"groups"`.
        seed: Of the draws.

    Raises:
        InputError: The groups allow no such triplet, there are none, or more than the sampling's name says.
        ShapeError: There are not as many groups as images.

    References:
        Muttenthaler et al., 2024, <https://arxiv.org/abs/2409.06509>.

    Example:
        >>> sampler = TripletSampler(sampling="class_border", images=6, groups=["cat", "cat", "cup", "cup", "cup", "sun"])
        >>> sampler.draw(1000).shape, sampler.draw(5).tolist() == sampler.draw(1000)[:5].tolist()
        ((1000, 3), True)
    """

    sampling: str = "cluster_border_500"
    images: int
    groups: Sequence[Any] | IntArray | None = None
    balance: Balance = "images"
    seed: int = 0
    labels: IntArray = field(init=False, repr=False)
    _draw: GroupDraw = field(init=False, repr=False)

    def __post_init__(self) -> None:
        kind, named = sampling_kind(self.sampling)
        if self.balance not in ("images", "groups"):
            raise InputError(f"a sample is balanced over 'images' or 'groups'; got {self.balance!r}.")
        if self.seed < 0:
            raise InputError(f"the seed of a sample must be 0 or more; got {self.seed}.")
        if kind != "random" and self.groups is None:
            raise InputError(f"{self.sampling!r} triplets are drawn by groups; pass groups=…, one for each image.")
        random = kind == "random" or self.groups is None
        labels = np.zeros(self.images, dtype=np.int32) if random else group_labels(self.groups, images=self.images)
        draw = GroupDraw(labels, kind, self.balance)
        if named is not None and len(draw.sizes) > named:
            raise InputError(f"{self.sampling!r} speaks of {named:,} clusters, but the images are in {len(draw.sizes):,}.")
        if not draw.is_possible:
            raise InputError(f"{self.sampling!r} triplets {_wanted(kind)}; {_held(self.images, draw.sizes, kind)}.")
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "_draw", draw)

    def blocks(self, n: int, rows: int = 1 << 18, *, start: int = 0) -> Iterator[IntArray]:
        """Triplets `start` to `n` as blocks `[rows, 3]` int32 (the last may be shorter)."""
        if n < 1:
            raise InputError(f"at least 1 triplet must be drawn; got {n}.")
        rest = np.empty((0, 3), np.int32)
        for portion in range(start // _PORTION, -(-n // _PORTION)):
            drawn = self._draw(_PORTION, np.random.default_rng([self.seed, portion]))
            rest = np.concatenate([rest, drawn[max(start - portion * _PORTION, 0) : n - portion * _PORTION]])
            whole = len(rest) - len(rest) % rows
            yield from (rest[first : first + rows] for first in range(0, whole, rows))
            rest = rest[whole:]
        if len(rest):
            yield rest

    def draw(self, n: int) -> IntArray:
        """`[n, 3]` int32: the first `n` triplets."""
        return np.concatenate(list(self.blocks(n)))

    def statistics(self, shown: IntArray) -> SampleStatistics:
        """What is to say of triplets that show each image so often (`[image]`)."""
        return sample_statistics(shown, self.labels, self._draw.sizes, len(self._draw.eligible))

    @property
    def facts(self) -> dict[str, Any]:
        """What it draws, as plain data; equal facts draw equal triplets."""
        import hashlib

        digest = hashlib.sha256(self.labels.tobytes()).hexdigest()
        names = ("sampling", "images", "balance", "seed")
        return {**{name: getattr(self, name) for name in names}, "groups": len(self._draw.sizes), "groups_digest": digest}


def sample_to_table(
    sampler: TripletSampler, n: int, path: Path | str, *, objects: Sequence[str] | None = None, progress: Progress | None = None
) -> tuple[TripletTable, SampleStatistics]:
    """Draw `n` triplets into a `TripletTable`, in bounded memory; what a killed run has drawn is kept.

    Args:
        sampler: What to draw.
        n: How many.
        path: The table's folder.
        objects: The images' names; without them they are called by their numbers.
        progress: Shows how far it is.

    Raises:
        ShapeError: There are not as many names as images.
        InputError: Something else is at `path`.
        FileError: The table cannot be written.
    """
    if objects is not None and len(objects) != sampler.images:
        raise ShapeError(f"there are {sampler.images:,} images but {len(objects):,} names; each image needs its own.")
    shown = np.zeros(sampler.images, dtype=np.int64)
    header = {"sampling": sampler.facts}
    with (
        TableWriter(path, n, spec.fingerprint(header), precision=None) as writer,
        (progress or Progress(quiet=True)).task(f"sampling {sampler.sampling}", n, unit="triplets") as task,
    ):
        for block in sampler.blocks(n):
            shown += np.bincount(block.ravel(), minlength=len(shown))
            if task.done >= writer.done:
                writer.write(task.done, block)
            task.advance(len(block))
        statistics = sampler.statistics(shown)
        return writer.commit({**header, "statistics": spec.to_plain(statistics)}, objects or sampler.images), statistics


def _wanted(kind: str) -> str:
    return {
        "random": "need 3 images",
        "between": "need 3 groups",
        "border": "need a group of 2 images and another group",
        "within": "need a group of 3 images",
    }[kind]


def _held(images: int, sizes: IntArray, kind: str) -> str:
    if kind == "random":
        return f"there are {images}"
    largest = f", the largest of {sizes.max()}" if len(sizes) else ""
    return f"there are {images:,} images in {len(sizes):,} group{'s' * (len(sizes) != 1)}{largest}"
