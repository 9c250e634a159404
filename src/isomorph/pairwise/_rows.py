"""The rows that the engine multiplies: checked, brought to one order, centred in float64, in memory or on a scratch disk."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import NonFiniteError, ShapeError
from isomorph.geometry._distance import check_lengths

_CHUNK_VALUES = 2**18
"""How many values are prepared at a time: few enough for the cache."""


@dataclass(frozen=True, eq=False)
class Thing:
    """One of the systems that are compared.

    Attributes:
        name: What messages call it.
        values: `[stimulus, feature]`; may be memory-mapped, and is read in chunks of rows only.
        order: Which of its rows stands where; None as they are.
        ids: The stimuli, in the common order.
        less: What is taken from every row, if anything.
    """

    name: str
    values: npt.NDArray[Any]
    order: IntArray | None
    ids: Sequence[str]
    less: FloatArray | None = None

    @property
    def width(self) -> int:
        """How many features."""
        return int(self.values.shape[1])

    def chunks(self) -> Iterator[tuple[slice, FloatArray]]:
        """All rows in the common order, a few at a time, in float64."""
        step = max(1, _CHUNK_VALUES // max(1, self.width))
        for start in range(0, len(self.ids), step):
            part = slice(start, min(start + step, len(self.ids)))
            rows = self.values[part] if self.order is None else self.values[self.order[part]]
            wide = np.array(rows, dtype=np.float64)
            yield part, wide if self.less is None else wide - self.less
            release(self.values)


@dataclass(frozen=True, eq=False)
class Rows:
    r"""Rows \(z_i\) with their column means taken away, and what that leaves to know.

    Attributes:
        values: `[stimulus, feature]`, times `1 / scale`, in the precision of the products.
        squares: \(|z_i|^2\), float64, of the scaled rows.
        mean_product: \(z_i \cdot m\), with the mean m that was taken away.
        mean_square: \(|m|^2\).
        scale: A power of two that brings the rows' lengths near 1, so that float32 neither overflows nor underflows.
    """

    values: FloatArray
    squares: FloatArray
    mean_product: FloatArray
    mean_square: float
    scale: float


def prepare_rows(thing: Thing, base: str, *, dtype: npt.DTypeLike, scratch: Path | None) -> Rows:
    """Read `thing` twice, in chunks: for the column means and to take them away.

    Args:
        thing: The features.
        base: `"centred"`, or for rows at unit length `"correlation"` (after their own mean is taken away), `"cosine"` (as they are) or
            `"centred-cosine"` (after the mean row is taken away).
        dtype: Of the values kept.
        scratch: A file to keep them in; None: in memory.

    Raises:
        NonFiniteError: A value is NaN or infinite.
        ShapeError: A row has no direction, or no column varies.
    """
    n, p = len(thing.ids), thing.width
    if base == "centred-cosine":
        thing = replace(thing, less=sum((chunk.sum(axis=0) for _, chunk in thing.chunks()), np.zeros(p)) / n)
    transform = (lambda part, rows: rows) if base == "centred" else _Unit(thing, base)
    mean, total = np.zeros(p), 0.0
    for part, chunk in thing.chunks():
        if not np.isfinite(chunk.sum()):
            _refuse_non_finite(thing, part, chunk)
        rows = transform(part, chunk)
        mean += rows.sum(axis=0)
        total += float(np.einsum("ij,ij->", rows, rows))
    if isinstance(transform, _Unit):
        transform.check()
    mean /= n
    scale = _power_of_two(max(total / n - float(mean @ mean), 0.0) or total / n) if base == "centred" else 1.0
    values: Any = np.empty((n, p), dtype) if scratch is None else np.memmap(scratch, dtype, "w+", shape=(n, p))
    lowest, highest = np.full(p, np.inf), np.full(p, -np.inf)
    for part, chunk in thing.chunks():
        rows = transform(part, chunk)
        rows -= mean
        np.minimum(lowest, rows.min(axis=0), out=lowest)
        np.maximum(highest, rows.max(axis=0), out=highest)
        values[part] = np.divide(rows, scale, out=rows)
    constant = highest - lowest <= 8 * np.finfo(np.float64).eps * np.abs(mean)
    if constant.all():
        raise ShapeError(f"{thing.name!r} does not vary over its {n} stimuli, so that nothing can be like it. Leave it out.")
    if constant.any():
        values[:, constant] = 0  # what rounding left of their means would pass for variation
    return _finished(values, mean / scale, scale, base)


def release(array: Any, *, shared: bool = False) -> None:
    """Give the pages of a file that is mapped to be read (or, as the caller knows, `shared`) back to the system.

    They are read again when wanted.
    """
    while isinstance(array, np.ndarray):
        array = array.base
    array = array.obj if isinstance(array, memoryview) else array
    # Of a map that can be written to, what was written might be lost.
    if isinstance(array, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED") and (shared or memoryview(array).readonly):
        array.madvise(mmap.MADV_DONTNEED)


def _finished(values: Any, mean: FloatArray, scale: float, base: str) -> Rows:
    n, p = values.shape
    squares, products = np.empty(n), np.empty(n)
    step = max(1, _CHUNK_VALUES // max(1, p))
    for start in range(0, n, step):
        part = slice(start, min(start + step, n))
        wide = values[part].astype(np.float64)
        squares[part] = np.einsum("ij,ij->i", wide, wide)
        products[part] = wide @ mean
    if isinstance(values, np.memmap):
        values.flush()
        values = np.memmap(str(values.filename), values.dtype, "r", shape=(n, p))
    return Rows(values, squares, products, float(mean @ mean), scale if base == "centred" else 1.0)


class _Unit:
    """Brings rows to unit length, and remembers how long they were."""

    def __init__(self, thing: Thing, base: str) -> None:
        self.thing, self.base = thing, base
        self.lengths, self.norms = np.zeros(len(thing.ids)), np.zeros(len(thing.ids))

    def __call__(self, part: slice, rows: FloatArray) -> FloatArray:
        self.lengths[part] = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        if self.base == "correlation":
            rows -= rows.mean(axis=1, keepdims=True)
        self.norms[part] = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        with np.errstate(invalid="ignore", divide="ignore"):  # `check` tells
            rows /= self.norms[part, None]
        return rows

    def check(self) -> None:
        epsilon = np.finfo(np.float32 if self.thing.values.dtype == np.float32 else np.float64).eps
        floor = 4 * epsilon * self.lengths
        check_lengths(self.norms, floor=floor, distance=self.base.removeprefix("centred-"), ids=self.thing.ids, name=repr(self.thing.name))


def _power_of_two(square: float) -> float:
    return float(2.0 ** np.round(np.log2(square) / 2)) if square > 0 and np.isfinite(square) else 1.0


def _refuse_non_finite(thing: Thing, part: slice, chunk: FloatArray) -> None:
    bad = ~np.isfinite(chunk)
    if not bad.any():
        return
    first = thing.ids[part.start + int(np.flatnonzero(bad.any(axis=1))[0])]
    total, rows = 0, 0
    for _, each in thing.chunks():
        found = ~np.isfinite(each)
        total, rows = total + int(found.sum()), rows + int(found.any(axis=1).sum())
    raise NonFiniteError(
        f"{thing.name!r} has {total} values that are NaN or infinite, in {rows} of {len(thing.ids)} stimuli; the first is {first!r}."
    )
