"""Weights, an optimiser's moments and where training stands, in one file that is whole or not there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.errors import FileError
from isomorph.store._atomic import TEMPORARY, make_folder, publish, write_error

if TYPE_CHECKING:
    import torch


def write_epoch(path: Path, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and plain facts.

    Raises:
        StoreError: The disk is full, or the folder cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}{TEMPORARY}")
    held = {name: each.detach().cpu().contiguous().clone() for name, each in tensors.items()}
    try:
        save_file(held, temporary, metadata={"isomorph": json.dumps(dict(facts))})
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
    except (OSError, SafetensorError) as error:
        temporary.unlink(missing_ok=True)
        cause = error if isinstance(error, OSError) else OSError(str(error))
        raise write_error(cause, path, sum(each.nbytes for each in held.values())) from error
    publish(temporary, path)


def read_epoch(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read them.

    Raises:
        FileError: It is no such file, or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})["isomorph"])
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise FileError(f"{path} is no checkpoint that can be read: {error}. Move it away to train anew.") from error
