"""Folders as thingsvision writes them: features in one file or in parts, and `file_names.txt`.

What is known of the layout is from reading thingsvision 2.x (MIT), <https://github.com/ViCCo-Group/thingsvision>; none of its code is here.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from isomorph import data
from isomorph.errors import FileError, IdError, InputError, IsomorphError
from isomorph.features._features import Features
from isomorph.features._read_arrays import read_arrays

NAMES = "file_names.txt"
ABOUT = "isomorph.json"
_FILE = re.compile(r"(features.*?)(?:_(?:(\d+)-)?(\d+))?(\.(?:npy|hdf5|h5|mat|txt|pt|pth))")
_PICTURE = re.compile(r"\.(eps|jpg|jpeg|png|PNG|tif|tiff)$")
_NUMBERED = re.compile(r"features_(\d+)")


@dataclass(frozen=True)
class _Part:
    """One file: part number `last`, or rows `first` to `last`, or everything."""

    path: Path
    first: int | None
    last: int


def read_thingsvision(folder: Path, *, key: str | None, ids: Sequence[str] | str | None, subject: str | None) -> Features:
    """The features of one layer from a folder; `load_features` says how.

    Raises:
        FileError: There are no features, parts or rows are missing, or a file is damaged.
        InputError: There are several kinds of files with features, and no `key`.
        IdError: There are more or fewer names than rows, or one stands twice.
    """
    if isinstance(ids, str):
        raise InputError(f"ids={ids!r} names an array in a file, but {folder} is a folder. Give the ids themselves, or {NAMES}.")
    kind, parts = _choose(folder, key)
    place, lines = _names(folder)
    values = _values(parts, lines)
    if not values.size:
        raise FileError(f"{folder} holds no numbers: its features have the shape {values.shape}.")
    about = _about(folder)
    if ids is not None:
        names, origin = tuple(map(str, ids)), "ids=…"
    elif lines is not None:
        names, origin = tuple(lines) if about else _relative(lines), str(place)
    else:
        names, origin = tuple(map(str, range(len(values)))), ""
    if len(names) != len(values):
        raise IdError(
            f"{folder} has {len(values):,} rows of features ({kind}), but {origin} names {len(names):,} files. "
            "They are not of one extraction, or rows were lost; extract them again."
        )
    layer, owner = (folder.name, folder.parent.name) if place is not None and place.parent != folder else ("", folder.name)
    provenance = {**about.get("provenance", {}), "file": folder.name, "key": kind, "shape": [int(each) for each in values.shape[1:]]}
    try:
        rows = values.reshape(len(values), -1)
        return Features(rows, names, about.get("layer", layer), about.get("subject", owner) if subject is None else subject, provenance)
    except IsomorphError as error:
        raise type(error)(f"{folder}: {error}") from error


def _choose(folder: Path, key: str | None) -> tuple[str, list[_Part]]:
    """The files that make up the features: all of one kind, `features.npy`, `features_N.npy` (parts) or `features_A-B.npy` (rows)."""
    kinds: dict[str, list[_Part]] = {}
    for path in sorted(folder.iterdir()):
        match = _FILE.fullmatch(path.name)
        if match is None or not path.is_file():
            continue
        stem, first, last, suffix = match.groups()
        pattern = "" if last is None else "_N" if first is None else "_A-B"
        kinds.setdefault(stem + pattern + suffix, []).append(_Part(path, None if first is None else int(first), int(last or 0)))
    if key is not None and key not in kinds:
        raise InputError(f"{folder} holds no features of the kind {key!r}; it holds {', '.join(kinds) or 'none'}.")
    if not kinds:
        layers = [each.name for each in sorted(folder.iterdir()) if each.is_dir() and any(map(_FILE.fullmatch, _listed(each)))]
        if layers:
            raise InputError(
                f"{folder} holds the features of {len(layers)} layers, {', '.join(layers[:12])}. Name one: {folder / layers[0]}."
            )
        raise FileError(f"the folder {folder} holds no features: no file features.npy, .hdf5, .mat, .txt, .pt or .pth, nor parts of one.")
    if key is None and len(kinds) > 1:
        raise InputError(f"{folder} holds features of {len(kinds)} kinds: {', '.join(kinds)}. Name one with key=….")
    kind = key or next(iter(kinds))
    return kind, sorted(kinds[kind], key=lambda part: (part.last, part.first or 0))


def _listed(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def _names(folder: Path) -> tuple[Path | None, list[str] | None]:
    """The lines of `file_names.txt`, here or, where each layer has a folder of its own, one folder up; and where it was."""
    path = next((each for each in (folder / NAMES, folder.parent / NAMES) if each.is_file()), None)
    if path is None:
        return None, None
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path} cannot be read as a list of names: {error}.") from error
    lines = [each.removesuffix("\r") for each in (lines[:-1] if lines[-1] == "" else lines)]
    if "" in lines:
        raise FileError(f"{path} has an empty line, line {lines.index('') + 1} of {len(lines)}; it has one file name a line.")
    return path, lines


def _relative(lines: Sequence[str]) -> tuple[str, ...]:
    """Bare names as they are; paths relative to the longest folder that holds them all."""
    if not any("/" in each for each in lines):
        lines = [each.replace("\\", "/") for each in lines]
    paths = [PurePosixPath(each) for each in lines]
    shared = 0
    for pieces in zip(*(each.parts[:-1] for each in paths), strict=False):
        if len(set(pieces)) > 1:
            break
        shared += 1
    return tuple("/".join(each.parts[shared:]) if shared else line for each, line in zip(paths, lines, strict=True))


def _about(folder: Path) -> dict[str, Any]:
    """What `save_thingsvision` noted, if it wrote the folder."""
    path = folder / ABOUT
    if not path.is_file():
        return {}
    about = data.read_json(path)
    kinds = {"subject": str, "layer": str, "provenance": dict}
    if not isinstance(about, dict) or not all(isinstance(about.get(name), kind) for name, kind in kinds.items()):
        raise FileError(f"{path} is not what Isomorph writes: an object with subject, layer and provenance. Remove it to read the rest.")
    return about


def _values(parts: Sequence[_Part], names: Sequence[str] | None) -> Any:
    """All rows `[stimulus, …]`, in order."""
    if parts[0].path.suffix == ".mat":
        return _of_mat(parts, names)
    _check_numbers(parts)
    arrays = [_read(part) for part in parts]
    if parts[0].first is not None:
        _check_ranges(parts, arrays)
    return _joined(parts, arrays)


def _read(part: _Part) -> Any:
    path = part.path
    if path.suffix == ".txt":
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # a part may be empty; all of them together may not
                return np.loadtxt(path, ndmin=2)
        except (OSError, ValueError) as error:
            raise FileError(f"{path} cannot be read as rows of numbers: {str(error).rstrip('.')}.") from error
    arrays: Mapping[str, Any] = read_arrays(path)
    numbered = sorted((name for name in arrays if _NUMBERED.fullmatch(name)), key=lambda name: int(name.partition("_")[2]))
    chosen = ["features"] if "features" in arrays else list(arrays) if len(arrays) == 1 else numbered
    if not chosen:
        raise FileError(f"{path} holds no features: neither one array, nor 'features', nor 'features_01', …; it holds {[*arrays][:12]}.")
    for name in chosen:
        if arrays[name].ndim == 0:
            raise FileError(f"{path}: {name!r} is a single value, not rows of features.")
    return _joined([part], [arrays[name] for name in chosen])


def _of_mat(parts: Sequence[_Part], names: Sequence[str] | None) -> Any:
    """A matrix `features`; or, as thingsvision writes where it knows the names, a variable for each file that is called like it."""
    _check_numbers(parts)
    plain = (np.ndarray, np.generic, int, float)
    contents = [{name: each for name, each in data.read_mat(part.path).items() if isinstance(each, plain)} for part in parts]
    if all("features" in each for each in contents):
        arrays = [np.atleast_1d(each["features"]) for each in contents]
        if len(arrays) > 1 and all(np.array_equal(arrays[0], each) for each in arrays[1:]):
            arrays = arrays[:1]  # its parts without names hold the whole matrix each
        values = _joined(parts, arrays)
        if names is None and values.ndim == 1:
            raise FileError(f"{parts[0].path} holds one row or one column, and MATLAB's files do not say which. Put {NAMES} beside it.")
        return values[None] if names is not None and len(names) == 1 < len(values) else values  # axes of length one were dropped
    rows = {name: np.ravel(each) for content in contents for name, each in content.items()}
    if names is None:
        raise FileError(f"{parts[0].path} holds a variable for each file; without {NAMES} their order and suffixes are unknown.")
    wanted = [_PICTURE.sub("", each.strip()) for each in names]
    missing = [each for each in wanted if each not in rows]
    if missing or len(set(wanted)) < len(wanted):
        why = f"the first that is missing is {missing[0]!r}" if missing else "two names differ only in their suffix, and one row was lost"
        raise FileError(f"{parts[0].path} holds rows of {len(rows)} files, but {NAMES} names {len(wanted)}: {why}.")
    return _joined(parts, [rows[each][None] for each in wanted])


def _joined(parts: Sequence[_Part], arrays: Sequence[Any]) -> Any:
    shapes = {each.shape[1:] for each in arrays}
    if len(shapes) > 1:
        raise FileError(f"the parts in {parts[0].path.parent} hold rows of different shapes: {', '.join(map(str, sorted(shapes)))}.")
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _check_numbers(parts: Sequence[_Part]) -> None:
    """No numbered part is missing in between."""
    if len(parts) == 1 or parts[0].first is not None:
        return
    for earlier, later in pairwise(parts):
        if later.last != earlier.last + 1:
            raise FileError(f"{later.path} follows {earlier.path.name}: the parts between are missing, or two parts have one number.")


def _check_ranges(parts: Sequence[_Part], arrays: Sequence[Any]) -> None:
    """Each file of rows A to B holds as many as lie between its end and that of the file before."""
    end = 0
    for part, each in zip(parts, arrays, strict=True):
        if len(each) != part.last - end:
            raise FileError(
                f"{part.path} holds {len(each):,} rows, but by the files' names it should hold rows {end:,} to {part.last:,}. Where "
                "thingsvision wrote several modules in steps, all but the first may lack rows; extract them again."
            )
        end = part.last
