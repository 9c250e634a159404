"""Every array of a file by name, whatever kind of file it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from isomorph import data
from isomorph.errors import FileError

ID_NAMES = ("ids", "id", "stimulus", "stimuli", "names", "filenames", "image")
Arrays = dict[str, Any]


def read_arrays(path: Path) -> Arrays:
    """The arrays of a file whose suffix is one of `SUFFIXES`, flat; texts too, as they may be ids."""
    arrays: Arrays = _READERS[path.suffix.lower()](path)
    return arrays


def _npy(path: Path) -> Arrays:
    return {path.stem: data.read_npy(path, memory_map=True)}


def _mat(path: Path) -> Arrays:
    return _flat(data.read_mat(path), "")


def _flat(value: Any, prefix: str) -> Arrays:
    if isinstance(value, Mapping):
        return {
            name: each for key, inner in value.items() for name, each in _flat(inner, f"{prefix}.{key}" if prefix else str(key)).items()
        }
    if isinstance(value, str | int | float | bool | np.generic):
        return {}
    if isinstance(value, list) and not all(isinstance(each, str | int | float) for each in value):
        return {name: each for row, inner in enumerate(value) for name, each in _flat(inner, f"{prefix}[{row}]").items()}
    return {prefix: np.asarray(value)}


def _torch(path: Path) -> Arrays:
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises UnpicklingError, RuntimeError, EOFError, … on foreign files
        reason = (str(error).strip() or type(error).__name__).split("\n", maxsplit=1)[0].partition(". ")[0].rstrip(".")
        raise FileError(
            f"{path} cannot be read as a file of tensors: {reason}. Only tensors, numbers, text, lists and dicts are "
            "loaded, as anything else could run code; save it again with torch.save(features.cpu(), …)."
        ) from error
    return _flat(_numpy(content, path.stem), "")


def _numpy(value: Any, name: str) -> Any:
    """Tensors as arrays; a tensor alone goes by the file's name."""
    import torch

    def convert(each: Any) -> Any:
        if isinstance(each, torch.Tensor):
            plain = each.detach().to_dense() if each.layout != torch.strided else each.detach()
            return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()
        if isinstance(each, Mapping):
            return {str(key): convert(inner) for key, inner in each.items()}
        return [convert(inner) for inner in each] if isinstance(each, list | tuple) else each

    return convert(value) if isinstance(value, Mapping) else {name: convert(value)}


def _table(path: Path) -> Arrays:
    import pandas

    table = _headed(path)
    arrays: Arrays = {}
    if not isinstance(table.index, pandas.RangeIndex):
        arrays["ids"] = np.array([str(each) for each in table.index])
    first = table.columns[:1]
    text = [name for name in table.columns if not pandas.api.types.is_numeric_dtype(table[name])]
    named = [name for name in table.columns if str(name).lower() in ID_NAMES]
    unnamed = [name for name in first if str(name).startswith("Unnamed:")]  # the index that pandas writes
    for name in dict.fromkeys([*named, *unnamed, *text]):
        arrays[str(name).lower() if name in named else str(name)] = np.array([str(each) for each in table[name]])
    if not named and first[0] in [*unnamed, *text]:
        arrays["ids"] = arrays[str(first[0])]
    rest = table.drop(columns=[*dict.fromkeys([*named, *unnamed, *text])])
    if rest.shape[1]:
        arrays[path.stem] = rest.to_numpy()
    return arrays


def _headed(path: Path) -> Any:
    """A table; a first line of numbers that do not count the columns is data, not a header."""
    if path.suffix.lower() == ".parquet":
        return data.read_table(path)
    separator = "," if path.suffix.lower() == ".csv" else "\t"
    with path.open(encoding="utf-8", errors="replace") as stream:
        cells = stream.readline(1 << 24).rstrip("\r\n").split(separator)
    numbers = [number for cell in cells[_number(cells[0]) is None :] if (number := _number(cell)) is not None]
    counts = (list(range(len(numbers))), list(range(1, len(numbers) + 1)))
    headless = len(numbers) >= max(1, len(cells) - 1) and numbers not in counts
    return data.read_csv(path, sep=separator, **({"header": None} if headless else {}))


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _safetensors(path: Path) -> Arrays:
    import torch
    from safetensors import safe_open

    try:
        with safe_open(path, framework="pt") as file:
            content = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            stated = (file.metadata() or {}).get("ids")
    except Exception as error:  # SafetensorError derives from Exception alone
        raise FileError(f"{path} cannot be read as safetensors: {str(error).rstrip('.')}. It is damaged, or something else.") from error
    arrays: Arrays = {name: (each.float() if each.dtype == torch.bfloat16 else each).numpy() for name, each in content.items()}
    if stated is not None:
        try:
            arrays["ids"] = np.array([str(each) for each in json.loads(stated)])
        except (ValueError, TypeError) as error:
            raise FileError(f"{path}: its metadata entry 'ids' is not a JSON list of names: {error}.") from error
    return arrays


_READERS = {
    ".npy": _npy,
    ".npz": data.read_npz,
    ".mat": _mat,
    ".h5": data.read_hdf5,
    ".hdf5": data.read_hdf5,
    ".pt": _torch,
    ".pth": _torch,
    ".csv": _table,
    ".tsv": _table,
    ".parquet": _table,
    ".safetensors": _safetensors,
}
SUFFIXES = frozenset(_READERS)
