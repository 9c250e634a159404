"""Responses in plain arrays and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph import data
from isomorph.brains._tables import UNIT_COLUMNS, Ids, id_column
from isomorph.errors import FileError, InputError, ShapeError
from isomorph.features import load_features

_TABLES = {".csv", ".tsv", ".parquet"}
_AXES = {
    "responses": (("stimulus", "unit"), ("stimulus", "unit", "time")),
    "trials": (("stimulus", "repeat", "unit"), ("stimulus", "repeat", "unit", "time")),
}
Arrays = dict[str, npt.NDArray[Any]]


def read_arrays(path: Path) -> dict[str, Any] | None:
    """What a file of arrays holds, by name; None of a table.

    Raises:
        FileError: It is missing, damaged, or of an unknown kind.
    """
    suffix = path.suffix.lower()
    if suffix in _TABLES:
        return None
    if suffix == ".npy":
        return {path.stem: data.read_npy(path)}
    if suffix not in (".npz", ".mat", ".h5", ".hdf5"):
        raise FileError(
            f"{path} has the suffix {path.suffix!r}; recordings are read from .npy, .npz, .mat, .h5, .hdf5, .csv, .tsv, .parquet, .nc, "
            ".nii, .nii.gz, .fif, and folders."
        )
    reader = {".npz": data.read_npz, ".mat": data.read_mat}.get(suffix, data.read_hdf5)
    content: dict[str, Any] = reader(path)
    return content


def ids_of(content: Mapping[str, Any] | None) -> Ids:
    """The array or list `ids` of a file."""
    if content is None or "ids" not in content:
        return None
    return tuple(each.decode() if isinstance(each, bytes) else str(each) for each in np.asarray(content["ids"]).ravel().tolist())


def read_responses(
    path: Path, content: Mapping[str, Any] | None, *, key: str | None, axes: Sequence[str] | None
) -> tuple[Arrays, Ids, Ids]:
    """`responses` or `trials` first, then what else the file holds; ids of stimuli and of units, if it has any."""
    if content is None:
        if axes is not None and tuple(axes) == ("unit", "stimulus"):
            return _units_first(path)
        if axes is not None and tuple(axes) != ("stimulus", "unit"):
            raise InputError(f"{path} is a table: its axes are ('stimulus', 'unit') or ('unit', 'stimulus'); got {tuple(axes)!r}.")
        return _stimuli_first(path)
    arrays: Arrays = {name: each for name, each in content.items() if isinstance(each, np.ndarray)}
    chosen = path.stem if path.suffix.lower() == ".npy" else _choose(path, arrays, key)
    rest: Arrays = {name: arrays[name] for name in ("repeats", "times") if name in arrays and name != chosen}
    return {**_arranged(path, chosen, arrays[chosen], axes), **rest}, ids_of(content), None


def _stimuli_first(path: Path) -> tuple[Arrays, Ids, Ids]:
    """A table with one row a stimulus; ids may be numbers if their column is called so."""
    table = data.read_table(path)
    column = id_column(table)
    if column is not None:
        rest = table.drop(columns=[column])
        if rest.shape[1] and all(each.kind in "fiub" for each in rest.dtypes):
            return {"responses": rest.to_numpy()}, tuple(map(str, table[column])), tuple(map(str, rest.columns))
    features = load_features(path)
    numbered = features.ids == tuple(map(str, range(len(features))))
    return {"responses": features.values}, None if numbered else features.ids, None


def _units_first(path: Path) -> tuple[Arrays, Ids, Ids]:
    """A table with one row a unit; its header are the ids."""
    table, units = data.read_table(path), None
    named = table.columns[0] if len(table.columns) else ""
    if str(named).lower() in UNIT_COLUMNS or str(named).startswith("Unnamed:") or table.dtypes.iloc[0].kind not in "fiub":
        units = tuple(map(str, table[named]))
        table = table.drop(columns=[named])
    return {"responses": table.to_numpy().T}, tuple(map(str, table.columns)), units


def _choose(path: Path, content: Arrays, key: str | None) -> str:
    listed = ", ".join(f"{name!r} {each.shape}" for name, each in content.items()) or "nothing"
    if key is not None:
        if key not in content:
            raise InputError(f"{path} holds no array called {key!r}; it holds {listed}.")
        return key
    named = [each for each in _AXES if each in content]
    large = [each for each, array in content.items() if array.ndim >= 2 and array.dtype.kind in "fiub" and each != "repeats"]
    if len(named or large) != 1:
        raise InputError(f"{path} holds {len(named or large)} arrays that could be responses; name one with key=…. It holds {listed}.")
    return (named or large)[0]


def _arranged(path: Path, key: str, array: npt.NDArray[Any], axes: Sequence[str] | None) -> Arrays:
    """The array with its axes in our order, as `responses` or `trials`."""
    if axes is None:
        known = {len(each): each for each in _AXES.get(key, ())} or {2: ("stimulus", "unit")}
        if array.ndim not in known:
            raise InputError(
                f"{key!r} in {path} has shape {array.shape}; say what its axes are: axes=('stimulus', 'repeat', 'unit'), for example."
            )
        axes = known[array.ndim]
    axes = tuple(axes)
    for name, orders in _AXES.items():
        for order in orders:
            if sorted(order) == sorted(axes):
                if array.ndim != len(axes):
                    raise ShapeError(f"{key!r} in {path} has shape {array.shape}, but {len(axes)} axes were named: {', '.join(axes)}.")
                return {name: array.transpose([axes.index(each) for each in order])}
    raise InputError(f"axes={axes!r} are not those of responses: 'stimulus', 'unit', and perhaps 'repeat' and 'time', each once.")
