"""A recording as a folder: arrays in `.npy`, tables in Parquet, the rest in JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from isomorph import data
from isomorph.brains._rdm_recording import RDMRecording
from isomorph.brains._recording import Recording
from isomorph.errors import DigestError, FileError, InputError, IsomorphError
from isomorph.store._new_folder import new_folder

if TYPE_CHECKING:
    import pandas

_CARD = "recording.json"
_ARRAYS = ("responses", "trials", "repeats", "times")
_TABLES = ("units", "stimuli")
_FORMAT = 1
_KIND, _RDM_KIND = "recording", "recording of RDMs"
_Either = TypeVar("_Either", Recording, RDMRecording)


def save_recording(recording: Recording, folder: Path) -> None:
    """Write a new folder, whole or not at all."""
    with new_folder(folder, what="the recording") as made:
        _write(recording, made)


def save_rdms(recording: RDMRecording, folder: Path) -> None:
    """Write a new folder, whole or not at all."""
    with new_folder(folder, what="the recording") as made:
        for number, values in enumerate(recording.rdms.values()):  # a region's name need not be one that a file may have
            np.save(made / f"rdms-{number}.npy", values, allow_pickle=False)
        _write_card(
            made, _RDM_KIND, recording, regions=recording.regions, subjects=list(recording.subjects.values()), distance=recording.distance
        )


def _write_card(folder: Path, kind: str, recording: Recording | RDMRecording, **more: Any) -> None:
    card = {
        "isomorph": kind, "format": _FORMAT, "name": recording.name, "notes": recording.notes, **more,
        "digest": recording.digest, "ids": recording.ids,
    }  # fmt: skip
    (folder / _CARD).write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


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
    _write_card(folder, _KIND, recording, arrays=written, tables=list(tables), roi_columns=recording.roi_columns)


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


def read_folder(folder: Path) -> Recording | RDMRecording:
    """Read what either of them wrote."""
    return read_rdms(folder) if _card(folder).get("isomorph") == _RDM_KIND else read_recording(folder)


def _card(folder: Path, kind: str | None = None) -> dict[str, Any]:
    card: Any = data.read_json(folder / _CARD)
    kinds = (_KIND, _RDM_KIND) if kind is None else (kind,)
    if not isinstance(card, dict) or card.get("isomorph") not in kinds or card.get("format") != _FORMAT:
        raise FileError(f"{folder / _CARD} does not describe a {kinds[0]} of format {_FORMAT}.")
    return card


def read_recording(folder: Path) -> Recording:
    """Read what `save_recording` wrote."""
    card = _card(folder, _KIND)
    try:
        keys = ("ids", "roi_columns", "notes", "arrays", "tables")
        ids, rois, notes, arrays_named, tables_named = (tuple(map(str, card[key])) for key in keys)
        name = str(card["name"])
    except (KeyError, TypeError) as error:
        raise _lacking(folder, error) from error
    arrays: Any = {each: data.read_npy(folder / f"{each}.npy", memory_map=each in _ARRAYS[:2]) for each in _ARRAYS if each in arrays_named}
    tables: Any = {each: data.read_table(folder / f"{each}.parquet") for each in _TABLES if each in tables_named}
    try:
        recording = Recording(
            ids=ids, name=name, notes=notes, roi_columns=rois, bad_units="keep", small_rois="keep", **arrays, **tables
        )  # fmt: skip
    except IsomorphError as error:
        raise FileError(f"{folder} holds no recording: {error}") from error
    return _verified(folder, recording, card)


def read_rdms(folder: Path) -> RDMRecording:
    """Read what `save_rdms` wrote."""
    card = _card(folder, _RDM_KIND)
    try:
        ids, regions, notes = (tuple(map(str, card[key])) for key in ("ids", "regions", "notes"))
        people = [tuple(map(str, each)) for each in card["subjects"]]
        name, distance = str(card["name"]), str(card["distance"])
        subjects = dict(zip(regions, people, strict=True))
    except (KeyError, TypeError, ValueError) as error:
        raise _lacking(folder, error) from error
    rdms = {region: data.read_npy(folder / f"rdms-{number}.npy") for number, region in enumerate(regions)}
    try:
        recording = RDMRecording(ids=ids, rdms=rdms, subjects=subjects, distance=distance, name=name, notes=notes)
    except IsomorphError as error:
        raise FileError(f"{folder} holds no recording: {error}") from error
    return _verified(folder, recording, card)


def _lacking(folder: Path, error: Exception) -> FileError:
    return FileError(f"{folder / _CARD} lacks a part, or holds it in another form: {error}.")


def _verified(folder: Path, recording: _Either, card: dict[str, Any]) -> _Either:
    if recording.digest != card.get("digest"):
        raise DigestError(f"{folder} does not hold the recording that was saved there: a file was changed or damaged. Save it again.")
    return recording
