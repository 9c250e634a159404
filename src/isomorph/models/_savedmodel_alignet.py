"""AligNet's students and their controls, as their authors released them."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.data._digest import cache_folder
from isomorph.errors import FetchError, FileError, UnknownNameError
from isomorph.models._card import ModelCard
from isomorph.models._savedmodel import INSTALL, folder_digest, saved_model_folder, served

if TYPE_CHECKING:
    from isomorph.models._model import Model

URL = "https://storage.googleapis.com/alignet/models/{}.tar.gz"
_ENDS = ("pre_logits", "triplet_logits", "i1k_logits")
_VARIANTS = {
    "alignet": "aligned with people's judgments by way of AligNet's teacher",
    "base_model": "as it was before alignment",
    "untransformed": "the control, trained on the teacher's raw similarities",
}
_RECIPE: dict[str, Any] = {
    "resize": "squash",
    "interpolation": "opencv-cubic",
    "mean": (0.0, 0.0, 0.0),
    "std": (1.0, 1.0, 1.0),
}


class AlignetSource:
    """The rows of `alignet_models.toml`; TensorFlow runs in a process of its own when one is built."""

    @cached_property
    def _rows(self) -> dict[str, dict[str, str]]:
        return tomllib.loads((resources.files("isomorph.models") / "alignet_models.toml").read_text(encoding="utf-8"))

    def names(self) -> list[str]:
        """Eight networks, three variants of each."""
        return [f"{network}.{variant}" for network in self._rows for variant in _VARIANTS]

    def card(self, name: str) -> ModelCard:
        """What the authors say of it; nothing is fetched."""
        network, variant = self._resolve(name)
        row = self._rows[network]
        aligned = variant != "base_model"
        return ModelCard(
            name=f"alignet/{network}.{variant}",
            source="alignet",
            summary=f"{network}, {_VARIANTS[variant]}",
            objective="odd-one-out similarities" if aligned else row["objective"],
            training_data="ImageNet-1k, a teacher fitted to THINGS" if aligned else "",
            architecture=row["architecture"],
            citation="Muttenthaler et al., 2025, Nature, 10.1038/s41586-025-09631-6",
            upstream=URL.format(_stem(network, variant)),
            recipe={**_RECIPE, "height_pixels": 224, "width_pixels": 224, "layout": "nhwc"},
            install=INSTALL,
            note="No digest of the file is published. Its layers are `layer_n`, what the attention of block n adds (not the residual "
            "stream), `pre_logits`, `triplet_logits` and `i1k_logits`. Scores on THINGS are no zero-shot scores where the teacher took "
            "part: it was fitted to choices among its objects.",
        )

    def build(self, name: str) -> Model:
        """Start a worker with TensorFlow; the folder has to be in Isomorph's cache, or its archive, or within reach."""
        folder = cache_folder() / "alignet" / "models" / _stem(*self._resolve(name))
        if not folder.is_dir():
            _fetch(folder, self.card(name))
        inner = saved_model_folder(_inner(folder))
        card = replace(self.card(name), weights_sha256=folder_digest(inner))
        return served(inner, card=card, recipe=_RECIPE, order=_depth)

    def _resolve(self, name: str) -> tuple[str, str]:
        network, dot, variant = name.partition(".")
        if network in self._rows and (not dot or variant in _VARIANTS):
            return network, variant or "alignet"
        raise UnknownNameError("model", f"alignet/{name}", [f"alignet/{each}" for each in self.names()])


def _stem(network: str, variant: str) -> str:
    return f"{network}-{variant}"


def _fetch(folder: Path, card: ModelCard) -> None:
    """Unpack the archive, which is fetched when it is not in torch's cache."""
    from isomorph.models._savedmodel_unpack import unpack
    from isomorph.models._weights_file import WeightsFile

    archive = WeightsFile(model=card.name, url=card.upstream, file=f"alignet-{folder.name}.tar.gz", sha256="", untrained="")
    try:
        path = archive.fetch()
    except FetchError as error:
        raise FetchError(
            f"{card.name!r} is not at hand and {card.upstream} cannot be reached. Put that file into torch's cache as {archive.file} "
            f"(the folder hub/checkpoints under $TORCH_HOME), or unpack it into {folder}."
        ) from error
    unpack(path, folder)
    archive.remember()


def _inner(folder: Path) -> Path:
    """The folder with the graph: the archive's own, or one inside it."""
    found = sorted(folder.rglob("saved_model.pb"))
    if len(found) != 1:
        raise FileError(f"{folder} holds {len(found)} SavedModels; it should hold the one of its archive. Delete it, or unpack that again.")
    return found[0].parent


def _depth(output: str) -> tuple[int, int, str]:
    """Blocks in their order, then what is made of the last."""
    number = output.removeprefix("layer_")
    block = int(number) if output != number and number.isdecimal() else -1
    return _ENDS.index(output) if output in _ENDS else -1, block, output
