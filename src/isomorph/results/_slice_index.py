"""Which object of the store holds which slice, as tables."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from isomorph.errors import FileError, IsomorphError

if TYPE_CHECKING:
    from isomorph.results._slice_plan import SlicePlan

_COLUMNS = ("model", "shard", "start", "stop", "object")
_BYTES = 4  # of a value: extractions keep float32


def write_index(plan: SlicePlan) -> list[dict[str, Any]]:
    """Write `index.csv`, a line for each extraction, and `index.json`, what they are together; what is lost meanwhile is made again.

    Returns:
        One row a model and layer: model, layer, rows, width, bytes.

    Raises:
        FileError: The folder cannot be written.
        StoreError: A unit is not finished.
    """
    folder = plan.study.report
    totals: dict[tuple[str, str], dict[str, Any]] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(_COLUMNS)
            for model in plan.models:
                for unit in plan.of_model(model.asked):
                    lines.writerow(_line(plan, unit, totals))
        answer = {
            "name": plan.study.name,
            "store": plan.store.place,
            "shards": len(plan.stream.shards),
            "pictures": len(plan.stream),
            "features": list(totals.values()),
        }
        (folder / "index.json").write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        if isinstance(error, IsomorphError):  # of the store
            raise
        raise FileError(f"{folder} cannot be written: {error.strerror or error}. The extractions themselves are in the store.") from error
    return list(totals.values())


def _line(plan: SlicePlan, unit: Any, totals: dict[tuple[str, str], dict[str, Any]]) -> list[Any]:
    meta = plan.store.open(unit.fingerprint).meta
    if meta["object"] not in plan.store:
        unit.extraction(plan.store)
    for layer in meta["layers"]:
        key = (unit.model.asked, layer["name"])
        row = totals.setdefault(key, {"model": key[0], "layer": key[1], "rows": 0, "width": layer["width"], "bytes": 0})
        row["rows"] += meta["rows"]
        row["bytes"] += meta["rows"] * layer["width"] * _BYTES
    part = unit.part
    return [unit.model.asked, plan.stream.shards[part.shard].path, part.start, part.stop, meta["object"]]
