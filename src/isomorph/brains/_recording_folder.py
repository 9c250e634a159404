"""A recording as a folder: arrays in `.npy`, tables in Parquet, the rest in JSON."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph import data
from isomorph.brains._recording import Recording
from isomorph.errors import DigestError, FileError, InputError, IsomorphError
from isomorph.store._atomic import sync_folder

if TYPE_CHECKING:
    import pandas

_CARD = "recording.json"
_ARRAYS = ("responses", "trials", "repeats", "times")
_TABLES = ("units", "stimuli")
_FORMAT = 1


def save_recording(recording: Recording, folder: Path) -> None:
    """Write a new folder, whole or not at all."""
    if folder.exists():
        raise InputError(f"{folder} is there already. Choose another folder, or delete it.")
    made = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}.partial")
    try:
        made.mkdir(parents=True)
        _write(recording, made)
        for each in made.iterdir():
            with each.open("rb") as file:
                os.fsync(file.fileno())
        made.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise FileError(f"the recording cannot be written to {folder}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _write(recording: Recording, folder: Path) -> None:
    arrays = {name: getattr(recording, name) for name in _ARRAYS}
    if recording.trials is not None:
        arrays["responses"] = arrays["repeats"] = None  # both follow from the trials
    written = [name for name, array in arrays.items() if array is not None]
    for name in written:
        np.save(folder / f"{name}.npy", arrays[name], allow_pickle=False)
    tables = {"units": recording.units, "stimuli": recording.stimuli.reset_index(drop=True)}
    tables = {name: table for name, table in tables.items() if not _is_blank(table)}
    for name, table in tables.items():
        _write_table(table, folder / f"{name}.parquet")
    card = {
        "isomorph": "recording", "format": _FORMAT, "name": recording.name, "notes": recording.notes, "arrays": written,
        "tables": list(tables),
        "roi_columns": recording.roi_columns, "digest": recording.digest, "ids": recording.ids,
    }  # fmt: skip
    (folder / _CARD).write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _is_blank(table: pandas.DataFrame) -> bool:
    """Whether it says nothing but how many rows there are, which a file does not keep."""
    import pandas

    return not table.shape[1] and isinstance(table.index, pandas.RangeIndex)


def _write_table(table: pandas.DataFrame, path: Path) -> None:
    """Write a table whose cells are texts, numbers or nothing: others would come back as something else."""
    for name in table.columns:
        kinds = {type(each).__name__ for each in table[name].dropna()} if table[name].dtype.kind == "O" else set()
        if kinds not in ({"str"}, {"bool"}, set()):
            raise InputError(
                f"the column {name!r} of the table of {path.stem} holds {' and '.join(sorted(kinds))}; a file takes columns of texts or of "
                "numbers. Write others as text, for example with json.dumps."
            )
    table.to_parquet(path)


def read_recording(folder: Path) -> Recording:
    """Read what `save_recording` wrote."""
    card: Any = data.read_json(folder / _CARD)
    if not isinstance(card, dict) or card.get("isomorph") != "recording" or card.get("format") != _FORMAT:
        raise FileError(f"{folder / _CARD} does not describe a recording of format {_FORMAT}.")
    try:
        keys = ("ids", "roi_columns", "notes", "arrays", "tables")
        ids, rois, notes, arrays_named, tables_named = (tuple(map(str, card[key])) for key in keys)
        name, digest = str(card["name"]), str(card["digest"])
    except (KeyError, TypeError) as error:
        raise FileError(f"{folder / _CARD} lacks a part, or holds it in another form: {error}.") from error
    arrays: Any = {each: data.read_npy(folder / f"{each}.npy", memory_map=each in _ARRAYS[:2]) for each in _ARRAYS if each in arrays_named}
    tables: Any = {each: data.read_table(folder / f"{each}.parquet") for each in _TABLES if each in tables_named}
    try:
        recording = Recording(
            ids=ids, name=name, notes=notes, roi_columns=rois, bad_units="keep", small_rois="keep", **arrays, **tables
        )  # fmt: skip
    except IsomorphError as error:
        raise FileError(f"{folder} holds no recording: {error}") from error
    if recording.digest != digest:
        raise DigestError(f"{folder} does not hold the recording that was saved there: a file was changed or damaged. Save it again.")
    return recording
