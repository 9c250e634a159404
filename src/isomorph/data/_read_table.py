"""Tables: CSV, TSV and Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.data._read_npz import unreadable
from isomorph.errors import FileError

if TYPE_CHECKING:
    import pandas


def read_csv(path: Path | str, **options: Any) -> pandas.DataFrame:
    """A CSV file as a table; `options` are those of `pandas.read_csv`.

    Raises:
        FileError: There is no such file, or it is not a table.
    """
    import pandas

    path = Path(path)
    try:
        table: pandas.DataFrame = pandas.read_csv(path, compression=None, **options)
    except (OSError, ValueError, pandas.errors.ParserError) as error:
        raise unreadable(path, "a CSV table", error) from error
    return table


def read_table(path: Path | str) -> pandas.DataFrame:
    """A table by the suffix of its file: `.csv`, `.tsv`, `.txt` (tabs) or `.parquet`; the errors of `read_csv`."""
    import pandas

    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        try:
            return pandas.read_parquet(path)
        except Exception as error:  # damaged metadata fails in many ways; all mean the same
            raise unreadable(path, "a Parquet table", error) from error
    if suffix not in {".csv", ".tsv", ".txt"}:
        raise FileError(f"{path} has no suffix of a table; .csv, .tsv, .txt and .parquet are read.")
    return read_csv(path, sep="," if suffix == ".csv" else "\t")
