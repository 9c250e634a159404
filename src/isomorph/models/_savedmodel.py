"""TensorFlow's SavedModels as models."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph import spec
from isomorph.errors import FileError, InputError
from isomorph.models._card import ModelCard
from isomorph.models._layout_recipe import LayoutRecipe, prepare_layout

if TYPE_CHECKING:
    from isomorph.models._model import Model

INSTALL = "pip install 'isomorph[tensorflow]'"
SIGNATURE = "serving_default"
_UNSCALED: dict[str, Any] = {"resize": "squash", "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
_NUMBERS = ("float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool")


class SavedModelSource:
    """Folders that the user has: what stands behind `savedmodel/` is a path."""

    def names(self) -> list[str]:
        """None: folders are named by their path."""
        return []

    def card(self, name: str) -> ModelCard:
        """What the folder says of itself; TensorFlow is not started, so that the size of the pictures is not known yet."""
        return ModelCard(
            name=f"savedmodel/{name}",
            source="savedmodel",
            summary=f"TensorFlow SavedModel, signature {SIGNATURE}",
            upstream="a folder of the user's",
            weights_sha256=folder_digest(saved_model_folder(Path(name).expanduser())),
            install=INSTALL,
            note="A SavedModel does not say how pictures are prepared; assumed are the whole picture, squashed, and values between 0 "
            "and 1, the convention of TensorFlow Hub. Change it with recipe=…",
        )

    def build(self, name: str) -> Model:
        """Start a worker with TensorFlow and have it check and load the folder."""
        folder = saved_model_folder(Path(name).expanduser())
        return served(folder, card=self.card(name), recipe=_UNSCALED, order=_by_number)


def served(folder: Path, *, card: ModelCard, recipe: dict[str, Any], order: Callable[[str], Any]) -> Model:
    """A model that a worker with TensorFlow runs; `recipe` has the options beside size and layout, `order` sorts the outputs."""
    from isomorph.models._foreign_network import ForeignNetwork
    from isomorph.models._model import Model
    from isomorph.models._picture_input import PictureInput
    from isomorph.models._savedmodel_process import SavedModelProcess

    process = SavedModelProcess(folder, signature=SIGNATURE, subject=card.name)
    if len(process.inputs) != 1:
        process.close()
        found = ", ".join(name for name, _, _ in process.inputs) or "none"
        raise InputError(
            f"the signature {SIGNATURE} of {card.name} has {len(process.inputs)} inputs ({found}); a model of pictures has one."
        )
    name, dtype, shape = process.inputs[0]
    takes = PictureInput.checked(name, dtype, shape or (), subject=card.name)
    prepared: LayoutRecipe = takes.recipe(**recipe)
    names = sorted((output for output, dtype, _ in process.outputs if dtype in _NUMBERS), key=order)

    def run(values: np.ndarray[Any, Any], wanted: Sequence[str]) -> dict[str, np.ndarray[Any, Any]]:
        return process.run({takes.name: values}, wanted)

    return Model(
        card=replace(card, parameters=process.parameters, recipe=spec.to_plain(prepared)),
        module=ForeignNetwork(takes, [(each, "Output") for each in names], names, run),
        weights=f"sha256:{card.weights_sha256}",
        recipe=prepared,
        preparation=prepare_layout,
    )


def _by_number(output: str) -> list[Any]:
    """`layer_2` stands before `layer_10`."""
    return [int(each) if each.isdecimal() else each for each in re.split(r"(\d+)", output)]


def saved_model_folder(folder: Path) -> Path:
    """The folder itself, when it looks like a SavedModel whose files are all inside it.

    Raises:
        FileError: It is no such folder.
    """
    if folder.is_file():
        raise FileError(f"{folder} is a file; a SavedModel is a folder with saved_model.pb in it. Unpack it first, and name the folder.")
    if not (folder / "saved_model.pb").is_file():
        raise FileError(f"there is no SavedModel at {folder}: it would be a folder with saved_model.pb in it.")
    if link := next((each for each in folder.rglob("*") if each.is_symlink()), None):
        raise FileError(f"{folder} holds the link {link.relative_to(folder)}; a SavedModel's files have to be in its own folder.")
    return folder


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and digests of all its files."""
    lines = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        with path.open("rb") as stream:
            lines.append(f"{hashlib.file_digest(stream, 'sha256').hexdigest()}  {path.relative_to(folder).as_posix()}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
