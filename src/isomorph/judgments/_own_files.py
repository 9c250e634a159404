"""Isomorph's own files of judgments: `.npz` with everything, `.csv` for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from isomorph.errors import FileError, IsomorphError
from isomorph.judgments._npz_stream import LIMIT_BYTES, NpzStream
from isomorph.judgments._things_csv import need_columns, numbers, read_delimited
from isomorph.judgments._triplets import Triplets

_NAMES = ("first", "second", "odd")
_SIMILARITIES, _SOFT = ("similarity_01", "similarity_02", "similarity_12"), ("share_01", "share_02", "share_12")


def read_own(path: Path | str, *, limit_bytes: int = LIMIT_BYTES) -> Triplets:
    """`.npz` (`items`, `objects`, and what else there is) or `.csv` with the columns `first`, `second`, `odd` (ids).

    A table may also have `participant`, `response_time_seconds`, `similarity_01` … `similarity_12`, `share_01` … `share_12` and `task`.

    Raises:
        FileError: The file lacks a part, or holds pickled objects.
    """
    path = Path(path)
    try:
        return _read_npz(path, limit_bytes) if path.suffix.lower() == ".npz" else _read_table(path)
    except FileError:
        raise
    except IsomorphError as error:
        raise type(error)(f"{path}: {error}") from error


def _read_npz(path: Path, limit_bytes: int) -> Triplets:
    with NpzStream(path) as archive:
        if not {"items", "objects"} <= archive.names:
            raise FileError(
                f"{path} holds {', '.join(map(repr, sorted(archive.names)))}; judgments of Isomorph have 'items' and 'objects', those of "
                "AligNet 'indices' and 'similarities'."
            )
        parts: dict[str, Any] = {
            name: archive.read(name, limit_bytes=limit_bytes)
            for name in ("items", "similarities", "soft", "response_times")
            if name in archive.names
        }
        for name in ("objects", "participants"):
            if name in archive.names:
                parts[name] = tuple(archive.read(name, limit_bytes=limit_bytes).astype(str).tolist())
        for name in ("task", "source"):
            if name in archive.names:
                parts[name] = str(archive.read(name, limit_bytes=limit_bytes).astype(str))
    return Triplets(**parts)


def _read_table(path: Path) -> Triplets:
    table = read_delimited(path)
    need_columns(path, table, _NAMES)
    if not len(table):
        raise FileError(f"{path} holds no trials.")
    objects, inverse = np.unique(table[list(_NAMES)].astype(str).to_numpy(), return_inverse=True)
    parts: dict[str, Any] = {}
    for name, columns in (("similarities", _SIMILARITIES), ("soft", _SOFT)):
        if columns[0] in table:
            need_columns(path, table, columns)
            parts[name] = np.stack([numbers(path, table, each) for each in columns], axis=1)
    if "participant" in table:
        parts["participants"] = tuple(table["participant"].astype(str))
    if "response_time_seconds" in table:
        parts["response_times"] = numbers(path, table, "response_time_seconds")
    if "task" in table:
        parts["task"] = str(table["task"].iloc[0])
    return Triplets(items=inverse.reshape(-1, 3).astype(np.int32), objects=tuple(map(str, objects)), source=path.name, **parts)


def write_own(triplets: Triplets, path: Path) -> None:
    """Write what `read_own` reads."""
    if path.suffix.lower() == ".npz":
        parts = {name: getattr(triplets, name) for name in ("items", "similarities", "soft", "response_times")}
        arrays = {name: each for name, each in parts.items() if each is not None}
        texts = {"objects": triplets.objects, "participants": triplets.participants}
        arrays |= {name: np.array(each, dtype=str) for name, each in texts.items() if each is not None}
        np.savez_compressed(path, task=np.array(triplets.task), source=np.array(triplets.source), **arrays)
        return
    import pandas

    names = np.array(triplets.objects)[triplets.items]
    columns: dict[str, Any] = {name: names[:, place] for place, name in enumerate(_NAMES)}
    if triplets.participants is not None:
        columns["participant"] = triplets.participants
    if triplets.response_times is not None:
        columns["response_time_seconds"] = triplets.response_times
    for parts_of, labels in ((triplets.similarities, _SIMILARITIES), (triplets.soft, _SOFT)):
        if parts_of is not None:
            columns |= {label: parts_of[:, place] for place, label in enumerate(labels)}
    if triplets.task != "odd-one-out":
        columns["task"] = triplets.task
    pandas.DataFrame(columns).to_csv(path, index=False, lineterminator="\n")
