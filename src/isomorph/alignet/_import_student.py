"""Exported students, read back as models."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.alignet._export_card import VERSION
from isomorph.errors import DigestError, FileError, InputError, IsomorphError, UnknownNameError

if TYPE_CHECKING:
    import torch

    from isomorph.alignet._student import Student
    from isomorph.models import Model

_LIMIT_BYTES = 1 << 28
_CHANGES = re.compile(r"\(\w+=.*\)$")


def load_student(folder: Path | str, *, base: Model | None = None, device: str = "cpu") -> Model:
    """A student from the `safetensors` of an export, with its card, its preparation and what it has seen.

    The network is built anew by the name in the card, without fetching weights where its source can do so, and filled from the file.

    Args:
        folder: What `export_student` wrote.
        base: A model of the same architecture and preparation, for students of networks that have no name in `list_models`.
        device: Where it shall run.

    Raises:
        FileError: A file is missing or damaged, or the card is of another kind or version.
        DigestError: The weights are not those that the card names.
        InputError: The network cannot be built by its name, or `base` is another network.

    Example:
        >>> load_student("no/such/folder")
        Traceback (most recent call last):
        ...
        isomorph.errors.FileError: no/such/folder/card.json cannot be read: No such file or directory.
    """
    from isomorph.models import ModelCard

    folder = Path(folder)
    card = _read_card(folder / "card.json")
    seen = tuple(map(str, _read_json(folder / "seen.json"))) if card["seen"] else ()
    facts = spec.from_plain(ModelCard, card["model"], where="card.json: model")
    tensors = _read_tensors(folder / "student.safetensors")
    model = base if base is not None else _built(card["built"], facts.name, card["recipe"], folder)
    if (prepared := json.loads(spec.canonical_json(spec.to_plain(model.recipe)))) != card["recipe"]:
        raise InputError(f"{model.name} prepares pictures in another way than the student in {folder}: {prepared}, not {card['recipe']}.")
    student = _filled(model.module, card, tensors, folder)
    return dataclasses.replace(model, card=facts, module=student, weights=card["weights"], seen=seen).to(device)


def _read_json(path: Path) -> Any:
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise FileError(f"{path} has {path.stat().st_size:,} bytes, which no such file has.")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path} is not JSON: {error}.") from error


def _read_card(path: Path) -> dict[str, Any]:
    """The card, whose every part that is used has its type."""
    card = _read_json(path)
    kinds = {"model": dict, "weights": str, "recipe": dict, "built": dict, "student": dict, "seen": int, "readout": dict | None}
    if not isinstance(card, dict) or card.get("isomorph") != "student":
        raise FileError(f"{path} is not the card of an exported student.")
    if card.get("version") != VERSION:
        raise FileError(f"{path} is a card of version {card.get('version')!r}, and this Isomorph reads version {VERSION}. Export it again.")
    for name, kind in kinds.items():
        if name not in card or not isinstance(card[name], kind):
            raise FileError(f"{path} is damaged: it lacks {name!r}, or that is of another type.")
    if not {"layer", "pool"} <= card["student"].keys():
        raise FileError(f"{path} is damaged: it does not say how the student is built.")
    return card


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise FileError(f"there is no {path}. Export the student as 'safetensors' too; the other formats hold no weights to read back.")
    try:
        tensors: dict[str, torch.Tensor] = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise FileError(f"{path} is damaged: {error}.") from error
    return tensors


def _built(built: Mapping[str, Any], name: str, recipe: Mapping[str, Any], folder: Path) -> Model:
    """A model of the architecture and with the preparation; its weights are anything."""
    if "siglip" in built:
        from isomorph.alignet._import_siglip import siglip_model

        return siglip_model(built["siglip"], recipe)
    plain = _CHANGES.sub("", name.rpartition("+")[0] or name)
    try:
        return _of_name(plain, recipe)
    except IsomorphError as error:
        raise InputError(
            f"the network of the student in {folder} cannot be built by its name: {str(error).rstrip('.')}. Pass base=, a model of the "
            "same architecture and preparation, such as the one that the student began as."
        ) from error


def _of_name(name: str, recipe: Mapping[str, Any]) -> Model:
    from isomorph.models import load_model

    source, _, rest = name.partition("/")
    twin = f"{source}/{rest.partition('.')[0]}.random-0"
    try:
        model = load_model(twin)
    except (UnknownNameError, InputError, FileError):
        model = load_model(name)
    if dataclasses.is_dataclass(model.recipe):
        model = model.with_recipe(**recipe)
    return model


def _filled(network: torch.nn.Module, card: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], folder: Path) -> Student:
    import copy

    from isomorph.alignet._readout import Readout
    from isomorph.alignet._student import Student
    from isomorph.models._weights import weights_digest

    part, kept = card["student"], card["readout"]
    try:
        dimensions, width = tensors["triplet_head.weight"].shape
        student = Student(copy.deepcopy(network), part["layer"], part["pool"], width=width, dimensions=dimensions)
        if kept is not None:
            student.readout = Readout(width, kept["classes"], kind=kept["kind"], how=str(kept["how"]))
        student.built = dict(card["built"])
        student.load_state_dict(dict(tensors))
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        lines = [each.strip() for each in str(error).splitlines() if each.strip()]
        raise FileError(f"{folder} does not hold the weights of such a student: {' '.join(lines[:2])[:300]}") from error
    if (digest := weights_digest(student.state_dict())) != card["weights"]:
        raise DigestError(f"{folder / 'student.safetensors'} holds other weights than its card names: {digest}, not {card['weights']}.")
    return student
