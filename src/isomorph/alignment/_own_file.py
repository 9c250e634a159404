"""Our files of fitted things: tensors, and a header of plain data among them, in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from isomorph.errors import FileError
from isomorph.spec import canonical_json
from isomorph.store._atomic import publish
from isomorph.store._receipt import DTYPES
from isomorph.store._shard import header_of, identity, tensor_facts, write_shard

_LIMIT_BYTES = 1 << 30


def write_own(path: Path, kind: str, plain: Mapping[str, Any], tensors: Mapping[str, Any]) -> None:
    """Write a thing of this kind whole or not at all."""
    text = canonical_json({"isomorph": kind, "version": 1, **plain})
    held = {"header": np.frombuffer(text, dtype=np.uint8), **tensors}
    temporary, _ = write_shard(path, held, tensor_facts(path.name, held))
    publish(temporary, path)


def read_own(path: Path, kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The plain data and the tensors of a thing of this kind.

    Raises:
        FileError: It is no plain file, over the limit, or of another kind; other errors mean that it is damaged.
    """
    now = identity(path)
    if now is None:
        raise FileError("it is not a plain file")
    if now[2] > _LIMIT_BYTES:
        raise FileError(f"it has {now[2]:,} bytes, over the limit of {_LIMIT_BYTES:,}")
    tensors = {
        key: np.fromfile(path, DTYPES[fact.dtype], offset=start, count=int(np.prod(fact.shape))).reshape(fact.shape)
        for key, (fact, start) in header_of(path, now).items()
    }
    plain = json.loads(tensors.pop("header").tobytes())
    if plain.pop("isomorph") != kind or plain.pop("version") != 1:
        raise FileError("it is of another kind or version")
    return plain, tensors
