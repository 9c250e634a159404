"""A teacher's features, mapped once and kept on disk while triplets are labelled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from isomorph.alignment import FittedTransform
from isomorph.alignment._apply import apply_affine
from isomorph.arrays import FloatArray, check_finite
from isomorph.engine import Task
from isomorph.errors import InputError
from isomorph.features import Features

MAPPED_ROWS = 4096
HALF_LARGEST = float(np.finfo(np.float16).max)
"""The largest number that float16 holds."""


def narrowed(similarities: FloatArray, precision: str) -> FloatArray:
    """Finite similarities in another precision.

    Raises:
        InputError: One of them is beyond it.
    """
    with np.errstate(over="ignore"):
        kept: FloatArray = similarities.astype(precision, copy=False)
    if not np.isfinite(kept).all():
        largest = f"similarities reach {float(np.abs(similarities).max()):.3g}, beyond what {precision} holds"
        if precision == "float16":
            raise InputError(f"{largest} (65,504). Write them with precision='float32'.")
        raise InputError(f"{largest} (3.4e+38). Divide the features by a number first.")
    return kept


def rows_and_ids(x: Features | FloatArray) -> tuple[FloatArray, tuple[str, ...]]:
    """Values as they are (float16 stays; memory-mapped stays), and ids: of an array the row numbers."""
    if isinstance(x, Features):
        return x.values, x.ids
    values = x if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.ndim == 2 else Features(x, tuple(map(str, range(len(x))))).values
    return values, tuple(map(str, range(len(values))))


def mapped_rows(values: FloatArray, ids: tuple[str, ...], transform: FittedTransform, path: Path, task: Task) -> FloatArray:
    """`transform` of all rows as a memory-mapped `.npy` of the same precision; a whole file at `path` is taken as it is.

    Raises:
        InputError: A mapped value is beyond what float16 can hold.
        NonFiniteError: A row holds NaN or infinity.
    """
    if not path.is_file():
        temporary = path.with_name(f".{path.name}")
        shape = (len(values), transform.output_width)
        with temporary.open("wb") as file:
            described = {"descr": np.lib.format.dtype_to_descr(values.dtype), "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, described)
            for block in mapped_blocks(values, ids, transform):
                file.write(block.data)
                task.advance(len(block))
        temporary.replace(path)
    mapped: FloatArray = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped


def mapped_blocks(
    values: FloatArray, ids: tuple[str, ...], transform: FittedTransform, first: int = 0, last: int | None = None
) -> Iterator[FloatArray]:
    """`transform` of rows `first`, a multiple of 4096, to `last`, in blocks of 4096: the digits of a product may depend on its shape."""
    last = len(values) if last is None else min(last, len(values))
    for start in range(first, last, MAPPED_ROWS):
        rows = slice(start, min(start + MAPPED_ROWS, last))
        yield _mapped(values[rows], ids[rows], transform, values.dtype == np.float16).astype(values.dtype)


def _mapped(rows: FloatArray, ids: tuple[str, ...], transform: FittedTransform, is_half: bool) -> FloatArray:
    block = np.array(rows, dtype=np.float32) if is_half else rows
    check_finite(block, name="the teacher's features", ids=ids)
    mapped = apply_affine(block, transform, ids=ids)
    if is_half and (largest := float(np.abs(mapped).max())) > HALF_LARGEST:
        raise InputError(
            f"the transform takes the features to {largest:.3g}, beyond what float16 holds (65,504). Pass the features as float32."
        )
    return mapped
