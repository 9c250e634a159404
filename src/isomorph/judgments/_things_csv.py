"""The large odd-one-out table of THINGS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.data import read_csv
from isomorph.errors import FileError, InputError
from isomorph.judgments._numbered import Objects, numbered_triplets
from isomorph.judgments._triplets import Triplets

if TYPE_CHECKING:
    import pandas

IMAGES = ("image1", "image2", "image3")
# Columns 0 and 1 are kept together, column 2 is the one that `choice` names.
_ORDER = np.array([[1, 2, 0], [0, 2, 1], [0, 1, 2]])


def read_things_csv(
    path: Path | str,
    *,
    objects: Objects = None,
    base: int | None = 1,
    participant_column: str | None = None,
    time_column: str | None = None,
    time_unit: str = "milliseconds",
) -> Triplets:
    """THINGS' `triplets_large_….csv`: `image1` … `image3` count from 1, and `choice` (1, 2 or 3) says which of them is the odd one.

    Args:
        path: The file; tabs or commas.
        objects: See `read_things`.
        base: What the images count from; the published file counts from 1.
        participant_column: The column that says who answered, if any.
        time_column: The column of response times, if any.
        time_unit: `"milliseconds"` or `"seconds"`.

    Raises:
        FileError: A column is missing, or `choice` is not 1, 2 or 3.
    """
    path = Path(path)
    if time_unit not in ("milliseconds", "seconds"):
        raise InputError(f"response times are in 'milliseconds' or 'seconds'; got {time_unit!r}.")
    table = read_delimited(path)
    need_columns(path, table, (*IMAGES, "choice", *(each for each in (participant_column, time_column) if each)))
    if not len(table):
        raise FileError(f"{path} holds no trials.")
    images = np.stack([_whole(path, table, name) for name in IMAGES], axis=1)
    choice = _whole(path, table, "choice")
    wrong = np.flatnonzero((choice < 1) | (choice > 3))
    if len(wrong):
        raise FileError(f"{path}: choice is 1, 2 or 3 (the odd one of image1 … image3); row {wrong[0]} has {choice[wrong[0]]}.")
    parts: dict[str, Any] = {}
    if participant_column:
        parts["participants"] = tuple(table[participant_column].astype(str))
    if time_column:
        parts["response_times"] = numbers(path, table, time_column) / (1000 if time_unit == "milliseconds" else 1)
    ordered = np.take_along_axis(images, _ORDER[choice - 1], axis=1)
    return numbered_triplets(path, ordered, (0, 1, 2), objects, base, source=f"{path.name}, things-csv", **parts)


def read_delimited(path: Path) -> pandas.DataFrame:
    """A table with tabs or commas, whichever its first line has more of."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            head = file.readline()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}.") from error
    separator = "\t" if head.count("\t") >= head.count(",") and "\t" in head else ","
    table: pandas.DataFrame = read_csv(path, sep=separator, encoding="utf-8-sig", low_memory=False, keep_default_na=False, na_values=[""])
    return table


def need_columns(path: Path, table: pandas.DataFrame, names: tuple[str, ...]) -> None:
    """Raise `FileError` naming the first column that is not there."""
    missing = [each for each in names if each not in table]
    if missing:
        raise FileError(f"{path} has no column {missing[0]!r}; it has {', '.join(map(repr, table.columns))}.")


def numbers(path: Path, table: pandas.DataFrame, name: str) -> FloatArray:
    """A column as float64; anything that is no number is named with its row."""
    import pandas

    values: FloatArray = pandas.to_numeric(table[name], errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(np.isnan(values) & table[name].notna().to_numpy())
    if len(bad):
        raise FileError(f"{path}: the column {name!r} holds numbers, but row {bad[0]} has {table[name].iloc[int(bad[0])]!r}.")
    return values


def _whole(path: Path, table: pandas.DataFrame, name: str) -> Any:
    values = numbers(path, table, name)
    bad = np.flatnonzero(~np.isfinite(values) | (values != np.floor(values)))
    if len(bad):
        raise FileError(f"{path}: the column {name!r} holds whole numbers, but row {bad[0]} has {table[name].iloc[int(bad[0])]!r}.")
    return values.astype(np.int64)
