"""Recordings from three plain tables: responses, units, stimuli."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isomorph import data
from isomorph.brains._recording import BadUnits, Recording, SmallROIs
from isomorph.errors import FileError, IdError, InputError, IsomorphError, ShapeError, UnknownNameError
from isomorph.features import load_features

if TYPE_CHECKING:
    import pandas

_TABLES = {".csv", ".tsv", ".parquet"}
_ID_COLUMNS = ("stimulus_id", "stimulus", "id", "ids", "name", "filename", "image", "image_name")
_AXES = {
    "responses": (("stimulus", "unit"), ("stimulus", "unit", "time")),
    "trials": (("stimulus", "repeat", "unit"), ("stimulus", "repeat", "unit", "time")),
}
Arrays = dict[str, npt.NDArray[Any]]


def load_recording(
    responses: Path | str,
    units: Path | str | None = None,
    stimuli: Path | str | None = None,
    *,
    key: str | None = None,
    axes: Sequence[str] | None = None,
    repeats: int | None = None,
    name: str | None = None,
    bad_units: BadUnits = "error",
    small_rois: SmallROIs = "warn",
) -> Recording:
    """Read responses, and what is known of units and stimuli.

    Ids are the responses' own (the array `ids` of an `.npz`, the column of a table), else those of the stimuli's table (its column
    `stimulus_id`, `stimulus`, `id`, `name`, `filename`, `image` …), else `"0"`, `"1"`, …. Where both have ids, the table is brought into
    the order of the responses, and may have more rows.

    Args:
        responses: `.npy`; `.npz` (an array `responses` or `trials`, and, if wanted, `ids`, `repeats`, `times`); or a table `.csv`, `.tsv`,
            `.parquet` with one row a stimulus, one column a unit, and a column of ids (called as below, or of text). A folder that
            `Recording.save` wrote, too, alone.
        units: A table with one row a unit, in the order of the responses; see `Recording.units`.
        stimuli: A table with one row a stimulus.
        key: The array of an `.npz` to read.
        axes: What the axes of the array are, in its order, of `"stimulus"`, `"repeat"`, `"unit"`, `"time"`; needed where an array of three
            or four axes is not called `responses` or `trials`. Arrays and tables with one row a unit are `("unit", "stimulus")`; ids are
            then the header of the table.
        repeats: Of how many repeats each response is the mean.
        name: What to call it; the name of the file of responses unless given.
        bad_units: See `Recording`.
        small_rois: See `Recording`.

    Raises:
        FileError: A file is missing, damaged, of an unknown kind, or holds pickled objects.
        InputError: It is not clear which array to read, or what its axes are; and the errors of `Recording`.
    """
    path = Path(responses)
    if path.is_dir():
        return Recording.load(path)
    arrays, ids = _read_responses(path, key, axes)
    if repeats is not None:
        arrays["repeats"] = np.asarray(repeats)
    unit_table = None if units is None else data.read_table(units)
    stimulus_table = None if stimuli is None else data.read_table(stimuli)
    if stimulus_table is not None:
        ids, stimulus_table = _joined(ids, stimulus_table, Path(str(stimuli)))
    if ids is None:
        ids = tuple(map(str, range(len(next(iter(arrays.values()))))))
    parts: Any = arrays
    try:
        return Recording(
            ids=ids, units=unit_table, stimuli=stimulus_table, name=path.stem if name is None else name,  # type: ignore[arg-type]
            bad_units=bad_units, small_rois=small_rois, **parts,
        )  # fmt: skip
    except ShapeError as error:
        way_out = " Of a file, say axes=('unit', 'stimulus')." if "transpose" in str(error) else ""
        raise ShapeError(f"{path}: {error}{way_out}") from error
    except UnknownNameError:
        raise
    except IsomorphError as error:
        raise type(error)(f"{path}: {error}") from error


def _read_responses(path: Path, key: str | None, axes: Sequence[str] | None) -> tuple[Arrays, tuple[str, ...] | None]:
    """`responses` or `trials` first, then what else the file holds; its ids, if it has any."""
    suffix = path.suffix.lower()
    if suffix in _TABLES:
        if axes is not None and tuple(axes) == ("unit", "stimulus"):
            return _units_first(path)
        if axes is not None and tuple(axes) != ("stimulus", "unit"):
            raise InputError(f"{path} is a table: its axes are ('stimulus', 'unit') or ('unit', 'stimulus'); got {tuple(axes)!r}.")
        return _stimuli_first(path)
    if suffix == ".npy":
        return _arranged(path, path.stem, data.read_npy(path), axes), None
    if suffix != ".npz":
        raise FileError(f"{path} has the suffix {path.suffix!r}; responses are read from .npy, .npz, .csv, .tsv and .parquet.")
    content = data.read_npz(path)
    key = _choose(path, content, key)
    rest = {name: content[name] for name in ("repeats", "times") if name in content and name != key}
    ids = tuple(each.decode() if isinstance(each, bytes) else str(each) for each in content["ids"].tolist()) if "ids" in content else None
    return {**_arranged(path, key, content[key], axes), **rest}, ids


def _stimuli_first(path: Path) -> tuple[Arrays, tuple[str, ...] | None]:
    """A table with one row a stimulus; ids may be numbers if their column is called so."""
    table = data.read_table(path)
    column = _id_column(table)
    if column is not None:
        rest = table.drop(columns=[column])
        if rest.shape[1] and all(each.kind in "fiub" for each in rest.dtypes):
            return {"responses": rest.to_numpy()}, tuple(map(str, table[column]))
    features = load_features(path)
    numbered = features.ids == tuple(map(str, range(len(features))))
    return {"responses": features.values}, None if numbered else features.ids


def _id_column(table: pandas.DataFrame) -> Any:
    """The first of the names that a column of ids goes by; None without one."""
    lower = {str(each).lower(): each for each in reversed(table.columns)}
    return next((lower[each] for each in _ID_COLUMNS if each in lower), None)


def _units_first(path: Path) -> tuple[Arrays, tuple[str, ...]]:
    """A table with one row a unit; its header are the ids."""
    table = data.read_table(path)
    named = table.columns[0] if len(table.columns) else ""
    if str(named).lower() in ("unit", "unit_id") or str(named).startswith("Unnamed:") or table.dtypes.iloc[0].kind not in "fiub":
        table = table.drop(columns=[named])
    return {"responses": table.to_numpy().T}, tuple(map(str, table.columns))


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


def _joined(ids: tuple[str, ...] | None, table: pandas.DataFrame, path: Path) -> tuple[tuple[str, ...] | None, pandas.DataFrame]:
    """Ids, and the stimuli's table in their order."""
    import pandas

    if isinstance(table.index, pandas.RangeIndex):
        column = _id_column(table)
        if column is None:
            return ids, table
        theirs = pandas.Index([str(each) for each in table[column]])
    else:
        theirs = pandas.Index([str(each) for each in table.index])
    if not theirs.is_unique:
        raise IdError(f"{path} has the stimulus {theirs[theirs.duplicated()][0]!r} twice. Ids must be unique.")
    table = table.set_axis(theirs)
    if ids is None:
        return tuple(theirs), table
    missing = [each for each in ids if each not in theirs]
    if missing:
        raise IdError(f"{path} lacks {len(missing)} of the {len(ids)} stimuli of the responses; the first is {missing[0]!r}.")
    return ids, table.loc[list(ids)]
