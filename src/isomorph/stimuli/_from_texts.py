"""Texts from a list, a dict, a table or a CSV file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from isomorph.arrays import unique_ids
from isomorph.errors import IdError, InputError
from isomorph.stimuli._captions import check_captions, numbered
from isomorph.stimuli._sources import Parts, Texts


def from_texts(texts: Any, *, ids: Sequence[str] | str | None, column: str | None, group: str | None) -> Parts:
    """The texts and what is known of them."""
    if isinstance(texts, str | Path):
        table = _read(Path(texts), named=[each for each in (group, ids, "id") if isinstance(each, str)])
        return _from_table(table, ids=ids, column=column, group=group, origin=str(texts))
    if hasattr(texts, "columns"):
        return _from_table(texts, ids=ids, column=column, group=group, origin="")
    if column is not None or group is not None or isinstance(ids, str):
        raise InputError("column=…, group=… and ids='NAME' name columns of a table, but the texts are not in one.")
    if isinstance(texts, Mapping):
        if ids is not None:
            raise InputError("the texts come with their ids as the keys of a dict, and ids=… was given too.")
        ids, texts = [str(each) for each in texts], list(texts.values())
    return _parts(list(texts), ids, {}, "")


def _read(path: Path, *, named: list[str]) -> Any:
    """The table of a file; columns of names are text as they stand there: `000139` is not 139."""
    from isomorph import data

    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        return data.read_csv(path, sep="," if suffix == ".csv" else "\t", dtype=dict.fromkeys(named, str))
    return data.read_table(path)


def _from_table(table: Any, *, ids: Sequence[str] | str | None, column: str | None, group: str | None, origin: str) -> Parts:
    names = [str(each) for each in table.columns]
    table = table.set_axis(names, axis="columns")
    column = column or _text_column(table, names, {ids, group} if isinstance(ids, str) else {group})
    for each in (column, group):
        if each is not None and each not in names:
            raise InputError(f"the table has no column {each!r}; it has {', '.join(names)}.")
    groups = None if group is None else check_captions(table, column=column, group=group)
    named = ids if isinstance(ids, str) else "id" if ids is None and "id" in names and column != "id" else None
    if named is not None:
        if named not in names:
            raise InputError(f"the table has no column {named!r} for the ids; it has {', '.join(names)}.")
        ids = [str(each) for each in table[named]]
    elif ids is None and all(isinstance(each, str) for each in table.index):
        ids = [str(each) for each in table.index]
    elif ids is None and groups is not None:
        ids = numbered(groups)
    others = [each for each in names if each not in {column, named}]
    parts = _parts(table[column].tolist(), ids, {each: tuple(table[each].tolist()) for each in others}, origin)
    return parts if groups is None else replace(parts, groups=groups)


def _text_column(table: Any, names: list[str], taken: set[str | None]) -> str:
    if "text" in names:
        return "text"
    textual = [each for each in names if each not in {*taken, "id"} and all(isinstance(value, str) for value in table[each])]
    if len(textual) != 1:
        raise InputError(f"{len(textual)} columns hold texts; name the one to show with column=…: {', '.join(names)}.")
    return textual[0]


def _parts(texts: list[Any], ids: Sequence[str] | None, columns: dict[str, tuple[Any, ...]], origin: str) -> Parts:
    if not texts:
        raise InputError("no texts were given.")
    names = tuple(map(str, range(len(texts)))) if ids is None else unique_ids(ids, name="the texts")
    if len(names) != len(texts):
        raise IdError(f"there are {len(texts)} texts, but {len(names)} ids.")
    for name, each in zip(names, texts, strict=True):
        if not isinstance(each, str):
            raise InputError(f"the text {name!r} is {each!r:.40}, a {type(each).__name__}, not a string.")
        try:
            each.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"the text {name!r} is not valid Unicode: {error.reason}.") from None
    return Parts(ids=names, source=Texts(tuple(texts)), columns=columns, origin=origin)
