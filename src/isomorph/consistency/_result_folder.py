"""A consistency result as a folder of CSV tables and one JSON file of options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from isomorph import data
from isomorph.consistency._result import ConsistencyResult
from isomorph.errors import FileError

_TEXT = ("measure", "set_a", "set_b", "dataset_a", "dataset_b", "dataset")


def save(result: ConsistencyResult, folder: Path) -> Path:
    """Write `result`; files that are there already are replaced."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "gap.csv").unlink(missing_ok=True)
        for name in ("pairs", "summary", "gap"):
            table = getattr(result, name)
            if table is not None:
                table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        (folder / "options.json").write_text(json.dumps(result.options, indent=1, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise FileError(f"the consistency cannot be written into {folder}: {error.strerror or error}. Choose another folder.") from error
    return folder


def load(folder: Path) -> ConsistencyResult:
    """Read what `save` wrote."""
    missing = [name for name in ("pairs.csv", "summary.csv", "options.json") if not (folder / name).is_file()]
    if missing:
        raise FileError(
            f"{folder} is not a folder of saved consistency: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing."
        )
    try:
        options = json.loads((folder / "options.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"{folder / 'options.json'} is damaged: {error}. Run the analysis again.") from error
    tables: dict[str, Any] = {
        name: data.read_csv(path, dtype=dict.fromkeys(_TEXT, "str"), keep_default_na=False, na_values=["", "nan"])
        if (path := folder / f"{name}.csv").is_file()
        else None
        for name in ("pairs", "summary", "gap")
    }
    return ConsistencyResult(options=options, **tables)
