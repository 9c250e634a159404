"""Features from plain files, as many tools write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isomorph.errors import FileError, IdError, InputError, ShapeError
from isomorph.features._features import Features
from isomorph.features._read_arrays import ID_NAMES, SUFFIXES, read_arrays
from isomorph.features._thingsvision import read_thingsvision


def load_features(
    path: Path | str, *, key: str | None = None, ids: Sequence[str] | str | None = None, subject: str | None = None
) -> Features:
    """Read features from a `.npy`, `.npz`, `.mat`, `.h5`, `.pt`, `.csv`, `.tsv`, `.parquet` or `.safetensors` file, or a folder.

    A file with one matrix needs no more; of a file with several, `key` names the one to read. The ids are what `ids` gives, else an
    array or column called `ids`, `id`, `stimulus`, `stimuli`, `names`, `filenames` or `image` (of a table also its first column, if
    that is text; of a `.safetensors` file the metadata entry `ids`, a JSON list), else `"0"`, `"1"`, …. Nothing is ever unpickled; an
    `.npy` file is memory-mapped.

    A folder is read as thingsvision writes one layer: `features.npy`, `.hdf5`, `.mat`, `.txt`, `.pt` or `.pth`, in one file or in parts
    (`features_01.npy`, …, or `features_0-1024.npy`, …), rows of any shape, flattened. Ids are the lines of its `file_names.txt` (or that of
    the folder above it): bare names as they are, paths relative to the longest folder that holds them all, always with their suffix.

    Args:
        path: The file or folder.
        key: The name of the matrix inside; nested names are joined by `/` (HDF5) or `.` (`.mat`, `.pt`). Of a folder with several kinds of
            files the kind: `features.npy`, `features_N.npy` (parts) or `features_A-B.npy` (ranges of rows).
        ids: The stimulus of each row, or the name of the array or column that says so.
        subject: Who represented the stimuli; the file's stem (the folder's name) unless given.

    Returns:
        Features: `[stimulus, feature]`; `provenance` holds the file's name and the key.

    Raises:
        FileError: The file is damaged, of an unknown kind, or holds pickled objects.
        InputError: There are several matrices and no `key`, or no array of that name.
        ShapeError: The array is not a matrix.
        IdError: There are more or fewer ids than rows, or one stands twice.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(f"{folder}/vit.npy", np.eye(3))
        ...     load_features(f"{folder}/vit.npy").ids
        ('0', '1', '2')
    """
    path = Path(path)
    if path.is_dir():
        return read_thingsvision(path, key=key, ids=ids, subject=subject)
    if path.suffix.lower() not in SUFFIXES:
        raise FileError(f"{path} has the suffix {path.suffix!r}; features are read from {', '.join(sorted(SUFFIXES))}.")
    if not path.is_file():
        raise FileError(f"there is no file {path}.")
    arrays = read_arrays(path)
    key = _choose(path, arrays, key)
    values = arrays[key]
    if values.ndim != 2:
        raise ShapeError(
            f"{key!r} in {path} has shape {values.shape}; features need the two axes [stimulus, feature]. "
            "Flatten or pool it, for example with array.reshape(len(array), -1)."
        )
    names = _ids(path, arrays, ids, len(values))
    try:
        return Features(values, names, subject=path.stem if subject is None else subject, provenance={"file": path.name, "key": key})
    except (IdError, ShapeError) as error:
        raise type(error)(f"{path}: {error}") from error


def _choose(path: Path, arrays: Mapping[str, Any], key: str | None) -> str:
    if key is not None:
        if key not in arrays:
            raise InputError(f"{path} holds no array called {key!r}; it holds {_listed(arrays)}.")
        return key
    numeric = {name: each for name, each in arrays.items() if each.dtype.kind in "fiub"}
    matrices = [name for name, each in numeric.items() if each.ndim == 2] or [name for name, each in numeric.items() if each.ndim > 2]
    if len(matrices) != 1:
        what = f"{len(matrices)} matrices" if matrices else "no matrix of numbers"
        raise InputError(f"{path} holds {what}; name what to read with key=…. It holds {_listed(arrays)}.")
    return matrices[0]


def _ids(path: Path, arrays: Mapping[str, Any], ids: Sequence[str] | str | None, rows: int) -> tuple[str, ...]:
    if isinstance(ids, str):
        if ids not in arrays:
            raise InputError(f"{path} holds no ids called {ids!r}; it holds {_listed(arrays)}.")
        found: Any = arrays[ids]
    elif ids is not None:
        found = ids
    else:
        name = next((each for each in ID_NAMES if each in arrays and arrays[each].ndim == 1), None)
        found = range(rows) if name is None else arrays[name]
    names = tuple(each.decode() if isinstance(each, bytes) else str(each) for each in found)
    if len(names) != rows:
        raise IdError(f"{path} has {rows} rows of features, but there are {len(names)} ids.")
    return names


def _listed(arrays: Mapping[str, Any]) -> str:
    shown = [f"{name!r} {tuple(np.shape(each))}" for name, each in list(arrays.items())[:12]]
    return (", ".join(shown) or "nothing") + (f" and {len(arrays) - 12} more" if len(arrays) > 12 else "")
