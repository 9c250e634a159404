"""What is known of the models, from a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph import data
from isomorph.arrays import unique_ids
from isomorph.errors import FileError, IdError, InputError
from isomorph.spec import canonical_json

if TYPE_CHECKING:
    import pandas

_NAMES = ("model", "model_id", "model_name", "id", "name")


def load_metadata(path: Path | str, *, column: str | None = None) -> pandas.DataFrame:
    """Read a table of models: one row a model, named by the index.

    A `.json` file holds a mapping from models to their fields, or a list of records; `.csv`, `.tsv` and `.parquet` files hold a table.
    Nested fields become JSON text.

    Args:
        path: The file.
        column: The column that names the models of a table or list; unless given, the first of `model`, `model_id`, `model_name`,
            `id`, `name` that is there, else the first column.

    Raises:
        FileError: The file is damaged or of an unknown kind.
        InputError: There is no such column.
        IdError: A model stands twice.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "models.json").write_text('{"vgg16": {"objective": "Supervised", "size": 138e6}}')
        ...     load_metadata(f"{folder}/models.json").loc["vgg16", "objective"]
        'Supervised'
    """
    path = Path(path)
    table = _from_json(path, column) if path.suffix.lower() == ".json" else _named(data.read_table(path), path, column)
    try:
        table.index = table.index.map(str)
        unique_ids(list(table.index), name=f"the metadata in {path}")
    except IdError as error:
        raise IdError(f"{error} One row a model is needed.") from error
    table.index.name = "model"
    return table


def _from_json(path: Path, column: str | None) -> pandas.DataFrame:
    import pandas

    content = data.read_json(path)
    if isinstance(content, Mapping) and content and all(isinstance(each, Mapping) for each in content.values()):
        rows = [{str(key): _flat(value) for key, value in each.items()} for each in content.values()]
        return pandas.DataFrame(rows, index=pandas.Index([str(name) for name in content]))
    if isinstance(content, list) and content and all(isinstance(each, Mapping) for each in content):
        rows = [{str(key): _flat(value) for key, value in each.items()} for each in content]
        return _named(pandas.DataFrame(rows), path, column)
    raise FileError(f"{path} holds no metadata: it must map each model to its fields, or list one record a model.")


def _named(table: pandas.DataFrame, path: Path, column: str | None) -> pandas.DataFrame:
    import pandas

    if column is None and not isinstance(table.index, pandas.RangeIndex):
        return table
    if not len(table.columns):
        raise FileError(f"{path} holds no columns.")
    if column is None:
        column = next((name for name in _NAMES if name in table.columns), str(table.columns[0]))
    if column not in table.columns:
        raise InputError(f"{path} has no column {column!r} that could name the models; it has {', '.join(map(repr, table.columns))}.")
    return table.set_index(column)


def _flat(value: Any) -> Any:
    return canonical_json(value).decode() if isinstance(value, Mapping | list) else value
