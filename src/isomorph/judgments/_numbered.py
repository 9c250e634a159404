"""Files that name objects by number: three columns, the odd one first or last."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isomorph.arrays import IntArray
from isomorph.data import read_npy
from isomorph.errors import FileError, InputError, IsomorphError
from isomorph.judgments._triplets import Triplets

Objects = Sequence[str] | int | None


def read_things(path: Path | str, *, objects: Objects = None, base: int | None = None) -> Triplets:
    """THINGS, VICE, SPoSE and gLocal: `.npy` or whitespace `.txt`, three columns that count from 0, the odd one **last**.

    Args:
        path: The file.
        objects: The ids that the numbers count, in order, or how many there are; default: as many as the largest number asks for, called
            `"0"`, `"1"`, …
        base: 0 or 1; default 0, unless the file plainly counts from 1: that is an error, so that it is said on purpose.

    Raises:
        FileError: The file has not three columns of whole numbers, or counts from 1.
        IdError: A number lies outside the objects.
        InputError: A row shows one object twice.
    """
    return _read(Path(path), (0, 1, 2), objects, base, "things")


def read_cblearn(path: Path | str, *, objects: Objects = None, base: int | None = None) -> Triplets:
    """cblearn: as `read_things`, but the odd one stands **first**."""
    return _read(Path(path), (1, 2, 0), objects, base, "cblearn")


def _read(path: Path, columns: tuple[int, int, int], objects: Objects, base: int | None, convention: str) -> Triplets:
    table = read_whole_numbers(path)
    if not table.size:
        raise FileError(f"{path} holds no trials.")
    if table.ndim != 2 or table.shape[1] != 3:
        raise FileError(f"{path} holds an array of shape {table.shape}; a file of triplets has 3 columns, one row a trial.")
    return numbered_triplets(path, table, columns, objects, base, source=f"{path.name}, {convention}")


def numbered_triplets(
    path: Path, table: IntArray, columns: tuple[int, int, int], objects: Objects, base: int | None, *, source: str, **parts: Any
) -> Triplets:
    """Triplets from numbers that count from `base`; errors name the file."""
    names = None if objects is None else _names(objects)
    start = _base(path, table, names, base)
    if names is None:
        names = _names(max(int(table.max()) - start + 1, 0))
    items = table[:, columns] if columns != (0, 1, 2) else table
    try:
        return Triplets(items=items - start if start else items, objects=names, source=source, **parts)
    except IsomorphError as error:
        raise type(error)(f"{path}: {error}") from error


def _names(objects: Sequence[str] | int) -> tuple[str, ...]:
    return tuple(map(str, range(objects))) if isinstance(objects, int) else tuple(objects)


def _base(path: Path, table: IntArray, names: tuple[str, ...] | None, base: int | None) -> int:
    low, high = int(table.min()), int(table.max())
    if base not in (None, 0, 1):
        raise InputError(f"files count from base 0 or 1; got {base!r}.")
    if base == 1 and low == 0:
        raise FileError(f"{path} shows object 0, so it counts from 0, not from 1. Read it with base=0.")
    if base is not None:
        return base
    if names is not None and low >= 1 and high == len(names):
        raise FileError(
            f"{path} shows objects {low} to {high:,}, and there are {len(names):,} objects: it counts from 1. Read it with base=1."
        )
    if names is None and low == 1 and len(np.unique(table)) == high:
        raise FileError(
            f"{path} shows each of the objects 1 to {high:,} but never 0: it seems to count from 1. Say base=1 if it does, "
            "base=0 if object 0 was never shown."
        )
    return 0


def read_whole_numbers(path: Path) -> IntArray:
    """A table of whole numbers from `.npy` (memory-mapped) or whitespace text."""
    if path.suffix.lower() == ".npy":
        table: Any = read_npy(path, memory_map=True)
    else:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # an empty file is an error of ours
                table = np.loadtxt(path, dtype=np.float64, ndmin=2)
        except FileNotFoundError as error:
            raise FileError(f"there is no file {path}.") from error
        except (OSError, ValueError) as error:
            raise FileError(f"{path} cannot be read as columns of numbers: {str(error).rstrip('.')}.") from error
    if table.dtype.kind == "f":
        whole = table.astype(np.int64) if np.isfinite(table).all() else None
        if whole is None or (whole != table).any():
            raise FileError(f"{path} holds numbers that are not whole (or NaN); objects are counted in whole numbers.")
        return np.asarray(whole)
    if table.dtype.kind not in "iu":
        raise FileError(f"{path} holds an array of type {table.dtype}; objects are counted in whole numbers.")
    return np.asarray(table) if not isinstance(table, np.memmap) else table
