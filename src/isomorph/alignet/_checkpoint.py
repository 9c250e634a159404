"""Checkpoints: a student, its optimiser's moments and its step, in one file that is whole or not there."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.errors import FileError, InputError, StoreError
from isomorph.spec import canonical_json
from isomorph.store._atomic import make_folder, publish
from isomorph.store._shard import tensor_facts, write_shard

if TYPE_CHECKING:
    import torch

_NAME = re.compile(r"checkpoint-(\d{9})\.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """What was read back."""

    path: Path
    step: int
    tensors: Mapping[str, torch.Tensor]


def checkpoint_paths(folder: Path) -> list[Path]:
    """The checkpoints of a folder, oldest first."""
    return sorted(each for each in folder.glob("checkpoint-*.safetensors") if _NAME.fullmatch(each.name))


def write_checkpoint(folder: Path, step: int, facts: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], *, keep: int) -> Path:
    """Write one, then drop all but the newest `keep`.

    Raises:
        StoreError: It cannot be written, such as on a full disk; earlier checkpoints are untouched.
    """
    import numpy as np

    path = folder / f"checkpoint-{step:09d}.safetensors"
    header = canonical_json({"isomorph": "student checkpoint", "version": 1, "step": step, "facts": dict(facts)})
    held: dict[str, Any] = {"header": np.frombuffer(header, dtype=np.uint8)}
    held |= {name: each.detach().cpu().contiguous().numpy() for name, each in tensors.items()}
    try:
        make_folder(folder)
        temporary, _ = write_shard(path, held, tensor_facts(path.name, held))
        publish(temporary, path)
    except StoreError as error:
        raise StoreError(f"the checkpoint of step {step:,} cannot be written to {folder}: {way_on(error, folder)}") from error
    for each in checkpoint_paths(folder)[:-keep]:
        each.unlink(missing_ok=True)
    return path


def way_on(error: OSError, folder: Path) -> str:
    """Why a write failed, what is kept, and how to go on from it."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    make_room = "raise the limit on file sizes (ulimit -f)" if cause.errno == errno.EFBIG else "make room there"
    held = checkpoint_paths(folder)
    kept = (
        f"The last good checkpoint is {held[-1]}; {make_room}, or pass another folder with that file in it, and run again to go on from it."
        if held
        else f"There is no checkpoint yet; {make_room}, or pass another folder, and run again."
    )
    return f"{cause.strerror or error}. {kept}"


def read_checkpoint(folder: Path, facts: Mapping[str, Any]) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint that is whole, and notes on those that are not.

    Raises:
        InputError: It belongs to another run: another model, other triplets, other options.
    """
    notes = []
    for path in reversed(checkpoint_paths(folder)):
        try:
            plain, tensors = _read(path)
        except FileError as error:
            notes.append(f"{error} The one before it is used.")
            continue
        _check_same(path, plain["facts"], facts)
        return Checkpoint(path, int(plain["step"]), tensors), notes
    return None, notes


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
        plain = json.loads(tensors.pop("header").numpy().tobytes())
        if plain["isomorph"] != "student checkpoint" or plain["version"] != 1 or plain["step"] != int(_NAME.fullmatch(path.name)[1]):  # type: ignore[index]
            raise ValueError("it is of another kind, version or step")
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path} is no checkpoint that can be read: {error}.") from error
    return plain, tensors


def _check_same(path: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for name in now:
        if then.get(name) == now[name]:
            continue
        if name == "options":
            held = then.get("options", {})
            changed = [f"{key} was {held.get(key)!r} and is {value!r}" for key, value in now["options"].items() if held.get(key) != value]
            what = f"other options: {'; '.join(changed)}"
        else:
            what = f"another {name}: {then.get(name)!r}, and this run has {now[name]!r}"
        raise InputError(
            f"{path} is a checkpoint of another run, with {what}. Go on with what that run had, or pass another folder to begin anew."
        )
