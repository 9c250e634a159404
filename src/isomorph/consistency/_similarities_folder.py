"""Similarities as a folder: `.npy` arrays, one JSON file of names, one CSV table of metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph import data
from isomorph.consistency._similarities import Similarities
from isomorph.errors import FileError, IsomorphError

if TYPE_CHECKING:
    import pandas

NAMES = "similarities.json"
_FORMAT = 1
_ARRAYS = ("values", "performance", "standard_errors")
_TUPLES = ("datasets", "measures", "models", "n", "widths", "domains")


def save(similarities: Similarities, folder: Path) -> Path:
    """Write `similarities`; files that are there already are replaced."""
    content: dict[str, Any] = {"format": _FORMAT} | {name: getattr(similarities, name) for name in _TUPLES}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _ARRAYS:
            values = getattr(similarities, name)
            (folder / f"{name}.npy").unlink(missing_ok=True)
            if values is not None:
                np.save(folder / f"{name}.npy", values, allow_pickle=False)
        (folder / "metadata.csv").unlink(missing_ok=True)
        if similarities.metadata is not None:
            similarities.metadata.to_csv(folder / "metadata.csv", lineterminator="\n")
            content["text_columns"] = _text_columns(similarities.metadata)
        (folder / NAMES).write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise FileError(f"the similarities cannot be written into {folder}: {error.strerror or error}. Choose another folder.") from error
    return folder


def load(folder: Path) -> Similarities:
    """Read what `save` wrote."""
    if not (folder / NAMES).is_file():
        raise FileError(f"{folder} is not a folder of saved similarities: there is no {NAMES} in it.")
    try:
        content = json.loads((folder / NAMES).read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise FileError(f"{folder} was saved in format {content['format']}; this version of Isomorph reads format {_FORMAT}.")
        fields: dict[str, Any] = {name: None if content[name] is None else tuple(content[name]) for name in _TUPLES}
        fields |= {name: data.read_npy(folder / f"{name}.npy") for name in _ARRAYS if (folder / f"{name}.npy").is_file()}
        if (folder / "metadata.csv").is_file():
            fields["metadata"] = _metadata(folder / "metadata.csv", content["text_columns"])
        return Similarities(**fields)
    except IsomorphError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"the similarities in {folder} are damaged ({type(error).__name__}: {error}). Save them again.") from error


def _text_columns(table: pandas.DataFrame) -> list[str]:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return [str(name) for name in table.columns if not is_numeric_dtype(table[name]) and not is_bool_dtype(table[name])]


def _metadata(path: Path, text: list[str]) -> pandas.DataFrame:
    types = dict.fromkeys(["model", *text], "str")
    table: pandas.DataFrame = data.read_csv(path, dtype=types, keep_default_na=False, na_values=[""]).set_index("model")
    return table
