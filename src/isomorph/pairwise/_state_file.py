"""States as safetensors files, read back as views of the mapped file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from isomorph.errors import FileError, IsomorphError, StoreError
from isomorph.spec import canonical_json, from_plain, to_plain
from isomorph.store._atomic import publish
from isomorph.store._receipt import DTYPES
from isomorph.store._shard import header_of, identity, tensor_facts, write_shard

T = TypeVar("T")
Tensors = Mapping[str, npt.NDArray[Any]]
_GROUPS = ("facts", "sums", "pieces", "tree")
_VERSION = 2


def packed_state(header: Any, groups: Mapping[str, Mapping[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
    """Tensors in groups, and a header as JSON among them."""
    text = canonical_json({"isomorph": "pairwise", "version": _VERSION, "header": to_plain(header)})
    tensors: dict[str, Any] = {"header": np.frombuffer(text, dtype=np.uint8)}
    return tensors | {f"{group}/{key}": np.asarray(each) for group, members in groups.items() for key, each in members.items()}


def unpacked_state(
    tensors: Mapping[str, npt.NDArray[Any]], kind: type[T], *, where: str
) -> tuple[T, dict[str, dict[str, npt.NDArray[Any]]]]:
    """The header as `kind`, and the tensors by group.

    Raises:
        FileError: They are something else.
    """
    try:
        plain = json.loads(tensors["header"].tobytes())
        if plain["isomorph"] != "pairwise" or plain["version"] != _VERSION:
            raise FileError("it is of another kind or version")
        header = from_plain(kind, plain["header"])
    except (IsomorphError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise _no_state(where, error) from error
    groups: dict[str, dict[str, Any]] = {group: {} for group in _GROUPS}
    for name, each in tensors.items():
        group, _, key = name.partition("/")
        if group in groups:
            groups[group][key] = each
    return header, dict(groups)


def write_state(path: Path, tensors: Mapping[str, npt.NDArray[Any]]) -> Path:
    """Write a packed state as a file, whole or not at all."""
    try:
        temporary, _ = write_shard(path, tensors, tensor_facts(path.name, tensors))
        publish(temporary, path)
    except (StoreError, OSError) as error:
        raise FileError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}.") from error
    return path


def read_state(path: Path) -> dict[str, npt.NDArray[Any]]:
    """A packed state; its tensors are memory-mapped.

    Raises:
        FileError: The file is missing, damaged, or something else.
    """
    now = identity(path)
    if now is None:
        raise FileError(f"there is no file {path}.")
    try:
        return {
            key: np.memmap(path, DTYPES[fact.dtype], "r", offset=start, shape=fact.shape) if fact.bytes else np.empty(fact.shape)
            for key, (fact, start) in header_of(path, now).items()
        }
    except (IsomorphError, KeyError, TypeError, ValueError, OSError, RecursionError) as error:
        raise _no_state(str(path), error) from error


def _no_state(where: str, error: Exception) -> FileError:
    return FileError(f"{where} holds no state of a comparison of all pairs, or is damaged: {error}.")
