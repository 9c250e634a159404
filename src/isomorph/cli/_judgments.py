"""Judgments named on the command line, and what the numbers in their files count."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.errors import FileError

if TYPE_CHECKING:
    from isomorph.judgments import Triplets


def read_judgments(source: Path | str, format: str, objects: str | None = None, base: int | None = None, **options: Any) -> Triplets:
    """A file of triplets; `objects` is a file of ids, `"things"`, or how many there are."""
    from isomorph.judgments import load_triplets

    if objects is not None:
        options["objects"] = int(objects) if objects.isdecimal() else read_ids(objects)
    if base is not None:
        options["base"] = base
    return load_triplets(source, format, **options)


def read_ids(source: str) -> tuple[str, ...]:
    """One id a line, a table with a column uniqueID or id, `"things"` (item order) or `"things-files"` (order of file names).

    Raises:
        FileError: The file cannot be read as ids.
    """
    from isomorph.judgments import things_ids

    if source in ("things", "things-files"):
        names: tuple[str, ...] = things_ids("item" if source == "things" else "file")
        return names
    path = Path(source)
    if path.suffix.lower() in (".csv", ".tsv"):
        from isomorph.data import read_table

        table: Any = read_table(path)
        column = next((each for each in ("uniqueID", "id") if each in table), None)
        if column is None:
            raise FileError(f"{path} has no column 'uniqueID' or 'id'; it has {', '.join(map(repr, table.columns))}.")
        return tuple(str(each) for each in table[column])
    try:
        return tuple(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path} cannot be read as one id a line: {getattr(error, 'strerror', None) or error}.") from error
