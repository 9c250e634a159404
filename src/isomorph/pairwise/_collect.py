"""What is kept of the blocks of relations that pass: sums of products, and entries to be ranked."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray
from isomorph.pairwise._arithmetic import Arithmetic
from isomorph.pairwise._rows import release

_KEPT_BYTES = 32_000_000

Tensors = MutableMapping[str, npt.NDArray[Any]]


class Collector(Protocol):
    """Takes blocks of relations `[thing, row, column]`."""

    masked: bool
    """Whether it wants zeros where an entry is not to be counted: on the diagonal, and below it where only the triangle is walked."""

    def add(self, rows: slice, first: int, block: Any) -> None:
        """Take the relations of `rows` with all columns from `first` on."""

    def close(self) -> None:
        """All blocks have been added."""


class Products:
    """Sums over all ordered pairs of different stimuli of the products of two things' relations; sums of rows, where unknown.

    Args:
        sums: Where the sums are kept; one that is taken away begins anew.
        key: What they are called there.
        things: How many.
        n: How many stimuli.
        arithmetic: The device.
        full: Whether blocks hold both triangles.
        rows: Whether to add up rows as well.
        by_row: Keep the products of each row apart, for a jack-knife; needs `full`.
        products: False for the sums of rows alone.
    """

    masked = True

    def __init__(
        self, sums: Tensors, key: str, things: int, n: int, arithmetic: Arithmetic, *, full: bool, rows: bool, by_row: bool = False,
        products: bool = True,
    ) -> None:  # fmt: skip
        self._sums, self._arithmetic, self._full, self._upper = sums, arithmetic, full, np.triu_indices(things)
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._rows, self._by_row, self._products = f"{key}/rows", f"{key}/row products", f"{key}/products"
        if rows:
            self._shapes[self._rows] = (things, n)
        if by_row:
            self._shapes[self._by_row] = (len(self._upper[0]), n)
        elif products:
            self._shapes[self._products] = (things, things)
        for name in self._shapes:
            self._sum(name)

    def add(self, rows: slice, first: int, block: Any) -> None:
        """Add a masked block."""
        if self._by_row in self._shapes:
            self._sum(self._by_row)[:, rows] = self._arithmetic.squares_by_row(block)[:, self._upper[0], self._upper[1]].T
        if self._products in self._shapes:
            products = self._sum(self._products)
            products += (1 if self._full else 2) * self._arithmetic.squares(block.reshape(len(block), -1))
        if self._rows in self._shapes:
            row_sums = self._sum(self._rows)
            row_sums[:, rows] += self._arithmetic.get(block.sum(axis=2))
            if not self._full:
                row_sums[:, first:] += self._arithmetic.get(block.sum(axis=1))

    def _sum(self, key: str) -> FloatArray:
        if key not in self._sums:
            self._sums[key] = np.zeros(self._shapes[key])
        return self._sums[key]

    def close(self) -> None:
        """Nothing is left to do."""


class Entries:
    """All relations above the diagonal, row by row, for ranks: on a scratch disk, a piece for each range of rows."""

    masked = False

    def __init__(
        self, pieces: Tensors, key: str, things: int, n: int, arithmetic: Arithmetic, scratch: Path, ranges: Sequence[tuple[int, int]]
    ) -> None:
        self._n, self._arithmetic, self._written = n, arithmetic, 0
        self._pieces: dict[tuple[int, int], Any] = {}
        for first, last in ranges:
            start, stop = triangle_start(first, n), triangle_start(last, n)
            if stop > start:
                file = scratch / f"entries-{key.replace(' ', '-')}-{start}"
                pieces[f"{key}/entries/{start}"] = self._pieces[first, last] = np.memmap(
                    file, arithmetic.dtype, "w+", shape=(things, stop - start)
                )

    def add(self, rows: slice, first: int, block: Any) -> None:
        """Write the block's entries."""
        host = block if self._arithmetic.xp is np else block.cpu().numpy()
        low, piece = next(((low, piece) for (low, high), piece in self._pieces.items() if low <= rows.start < high), (0, None))
        for row in range(rows.start, min(rows.stop, self._n - 1)):
            at = triangle_start(row, self._n) - triangle_start(low, self._n)
            piece[:, at : at + self._n - 1 - row] = host[:, row - rows.start, row + 1 - first :]  # type: ignore[index]
        self._written += host.nbytes
        if self._written > _KEPT_BYTES:
            release(piece, shared=True)
            self._written = 0

    def close(self) -> None:
        """Let the system write what it has not written yet."""
        for piece in self._pieces.values():
            piece.flush()
            release(piece, shared=True)


class Sample:
    """The relations at some places above the diagonal, the same for all things."""

    masked = False

    def __init__(self, sums: Tensors, key: str, things: int, n: int, arithmetic: Arithmetic, places: IntArray) -> None:
        self._arithmetic = arithmetic
        self._row, self._column = triangle_places(places, n)
        self._values = sums.setdefault(f"{key}/sample", np.zeros((things, len(places))))

    def add(self, rows: slice, first: int, block: Any) -> None:
        """Take the chosen entries of the block."""
        host = block if self._arithmetic.xp is np else block.cpu().numpy()
        low, high = np.searchsorted(self._row, (rows.start, rows.stop))
        self._values[:, low:high] = host[:, self._row[low:high] - rows.start, self._column[low:high] - first]

    def close(self) -> None:
        """Nothing is left to do."""


def triangle_start(row: int, n: int) -> int:
    """Where `row` begins in the strict upper triangle, row by row."""
    return row * (2 * n - row - 1) // 2


def triangle_places(places: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """Row and column of places in the strict upper triangle."""
    starts = np.array([triangle_start(row, n) for row in range(n - 1)])
    row = np.searchsorted(starts, places, side="right") - 1
    return row, places - starts[row] + row + 1


def draw_places(n: int, count: int, seed: int) -> IntArray:
    """`count` different places in the strict upper triangle: one at random in each of as many equal shares, in order."""
    edges = triangle_start(n - 1, n) * np.arange(count + 1) // count
    return np.asarray(edges[:-1] + np.random.default_rng(seed).integers(0, np.diff(edges)))
