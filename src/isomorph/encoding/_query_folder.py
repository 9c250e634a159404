"""A sheet of queries as a folder: tables in Parquet, the scores behind them in a folder of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph import data
from isomorph.encoding._brain_scores import BrainScores
from isomorph.errors import FileError
from isomorph.store._new_folder import new_folder

if TYPE_CHECKING:
    from isomorph.encoding._query_sheet import QuerySheet

_CARD, _FORMAT = "sheet.json", 1
_COLUMNS = {
    "table": ("metric", "region", "split", "full", "queries", "performance"),
    "null": ("metric", "region", "draw", "score"),
    "importances": ("region", "query", "group", "importance", "low_units", "high_units", "low_stimuli", "high_stimuli", "coefficient"),
    "groups": ("metric", "region", "group", "queries", "unique", "low", "high", "p", "importance"),
}


def save_sheet(sheet: QuerySheet, folder: Path) -> None:
    """Write a new folder, whole or not at all."""
    card = {"isomorph": "query sheet", "format": _FORMAT, "queries": sheet.queries, "width": sheet.width, "notes": sheet.notes}
    with new_folder(folder, what="the sheet") as made:
        for name in _COLUMNS:
            getattr(sheet, name).to_parquet(made / f"{name}.parquet", index=False)
        sheet.scores.save(made / "scores")
        (made / _CARD).write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def load_sheet(folder: Path) -> QuerySheet:
    """Read what `save_sheet` wrote."""
    from isomorph.encoding._query_sheet import QuerySheet

    card: Any = data.read_json(folder / _CARD)
    if not isinstance(card, dict) or card.get("isomorph") != "query sheet" or card.get("format") != _FORMAT:
        raise FileError(f"{folder / _CARD} does not describe a sheet of queries of format {_FORMAT}.")
    tables: Any = {name: data.read_table(folder / f"{name}.parquet") for name in _COLUMNS}
    for name, columns in _COLUMNS.items():
        missing = [each for each in columns if each not in tables[name]]
        if missing:
            raise FileError(f"{folder / f'{name}.parquet'} lacks {len(missing)} columns; the first is {missing[0]!r}.")
    try:
        queries, notes = (tuple(map(str, card[name])) for name in ("queries", "notes"))
        return QuerySheet(queries=queries, width=int(card["width"]), notes=notes, scores=BrainScores.load(folder / "scores"), **tables)
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(f"{folder / _CARD} lacks a part, or holds it in another form: {error}.") from error
