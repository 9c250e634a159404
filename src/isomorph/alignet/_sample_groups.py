"""The class or cluster of each image, from files."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from isomorph.arrays import IntArray
from isomorph.errors import FileError, InputError, NonFiniteError, ShapeError

_SUFFIXES = (".safetensors", ".npy", ".npz", ".csv", ".txt")


def load_groups(path: Path | str, *, key: str | None = None) -> IntArray:
    """`[image]` int32: the group of each image, numbered from 0 in sorted order of the groups.

    Args:
        path: `Clusters` (`.safetensors`), whole numbers (`.npy`, `.npz`: the released cluster ids, too), a table with a column `label`,
            `class` or `cluster` (`.csv`), or one group a line (`.txt`).
        key: The array in an `.npz`, or the column.

    Raises:
        FileError: The file is not such a file, or leaves out an image's group.
        InputError: An `.npz` holds no such array, or several and `key` names none.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise FileError(f"{path} has the suffix {path.suffix!r}; groups are read from {', '.join(_SUFFIXES)}.")
    if suffix == ".safetensors":
        from isomorph.alignet._clusters import Clusters

        return Clusters.load(path).assignment
    if suffix in (".npy", ".npz"):
        return group_labels(_arrays(path, key), name=str(path))
    groups = _lines(path, key)
    without = [row for row, each in enumerate(groups) if not (each and each.strip())]
    if without:
        raise FileError(f"{path} names no group for {len(without):,} of {len(groups):,} images; the first is row {without[0]}.")
    return group_labels(groups, name=str(path))


def group_labels(groups: Any, *, images: int | None = None, name: str = "groups") -> IntArray:
    """Groups of any kind (numbers, names) as int32 numbers from 0, one an image.

    Raises:
        ShapeError: There are not as many groups as images.
        NonFiniteError: A group is NaN.
    """
    array = np.asarray(groups)
    if array.ndim != 1:
        raise ShapeError(f"{name} say for each image in which group it is, in one axis; got shape {array.shape}.")
    if images is not None and len(array) != images:
        raise ShapeError(f"there are {images:,} images but {len(array):,} {name}; each image needs its own.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise NonFiniteError(f"{name} hold NaN for {int((~np.isfinite(array)).sum()):,} images; each image needs a group.")
    if array.dtype.kind == "O":
        array = array.astype(str)
    return np.asarray(np.unique(array, return_inverse=True)[1], dtype=np.int32)


def _arrays(path: Path, key: str | None) -> Any:
    from isomorph.data import read_npy, read_npz

    if path.suffix.lower() == ".npy":
        return read_npy(path)
    arrays = read_npz(path)
    if key is None:
        lists = [name for name, each in arrays.items() if each.ndim == 1 and each.dtype.kind in "iuSU"]
        if len(lists) != 1:
            raise InputError(
                f"{path} holds {len(lists)} lists that could be groups; name one with key=…. It holds {', '.join(map(repr, arrays))}."
            )
        key = lists[0]
    if key not in arrays:
        raise InputError(f"{path} holds no array called {key!r}; it holds {', '.join(map(repr, arrays))}.")
    return arrays[key]


def _lines(path: Path, key: str | None) -> list[str | None]:
    try:
        if path.suffix.lower() == ".txt":
            return [*path.read_text(encoding="utf-8").splitlines()]
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"the groups {path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    columns = list(rows[0]) if rows else []
    found = next((each for each in ([key] if key else ["label", "class", "cluster"]) if each in columns), None)
    if found is None:
        wanted = repr(key) if key else "'label', 'class' or 'cluster'"
        raise FileError(f"{path} needs a column {wanted}; it has {', '.join(map(repr, columns)) or 'no rows'}.")
    return [row[found] for row in rows]
