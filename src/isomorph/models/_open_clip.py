"""The image towers of OpenCLIP, with the preparation that its configuration states."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.errors import MissingDependencyError, UnknownNameError
from isomorph.models._card import ModelCard
from isomorph.models._image_recipe import ImageRecipe
from isomorph.models._timm import training_data
from isomorph.models._torchvision_guard import import_beside_torchvision

if TYPE_CHECKING:
    from isomorph.models._model import Model

INSTALL = "pip install 'isomorph[clip]'"
_RANDOM = re.compile(r"(.+)\.random-(\d{1,9})")
_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_FIT = {"shortest": "crop", "longest": "pad", "squash": "squash"}


class OpenClipSource:
    """open_clip, imported when it is first asked for something; the text tower is left behind."""

    @cached_property
    def _open_clip(self) -> ModuleType:
        for package in ("open_clip", "timm", "torchvision"):
            if find_spec(package) is None:
                raise MissingDependencyError(package, needed_by="the model source 'open_clip'", install=INSTALL)
        return import_beside_torchvision("open_clip")

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(f"{architecture}.{tag}" for architecture, tag in self._open_clip.list_pretrained())

    def names(self) -> list[str]:
        """Every architecture and tag that has weights."""
        return sorted(self._names)

    def card(self, name: str) -> ModelCard:
        """What open_clip's configuration of these weights says; nothing is built."""
        architecture, tag, seed = self._resolve(name)
        config = self._open_clip.get_pretrained_cfg(architecture, tag) if tag else {}
        drawn = seed is not None
        return ModelCard(
            name=f"open_clip/{architecture}.random-{seed}" if drawn else f"open_clip/{architecture}.{tag}",
            source="open_clip",
            summary=f"image tower of {architecture}, {'random weights' if drawn else tag}",
            objective="none" if drawn else "image-text contrast",
            training_data="none" if drawn else training_data(tag),
            architecture=re.split(r"[-_\d]", architecture)[0],
            licence="MIT" if drawn else "",
            citation="Ilharco et al., 2021, https://doi.org/10.5281/zenodo.5143773",
            upstream="drawn on this machine from the seed" if drawn else config.get("hf_hub", "").rstrip("/") or config.get("url", ""),
            recipe=spec.to_plain(self._recipe(architecture, config)),
            install=INSTALL,
        )

    def build(self, name: str) -> Model:
        """Build the image tower; weights come from the hub's cache, or from the hub once."""
        from isomorph.models._hub import from_hub
        from isomorph.models._model import Model
        from isomorph.models._weights import seeded, weights_digest

        architecture, tag, seed = self._resolve(name)
        config = self._open_clip.get_pretrained_cfg(architecture, tag) if tag else {}
        if seed is not None:
            module = seeded(lambda: self.untrained(name), seed)
        else:
            module = from_hub(
                f"open_clip/{name}",
                lambda: self._tower(architecture, pretrained=tag, force_quick_gelu=config.get("quick_gelu", False)),
                hub_id=config.get("hf_hub", "").rstrip("/"),
                cache="the hub's",
                untrained=f"open_clip/{architecture}.random-0",
                files=_FILES,
            )
        card = replace(self.card(name), parameters=sum(each.numel() for each in module.parameters()))
        digest = weights_digest(module.state_dict())
        return Model(card=card, module=module, weights=digest, recipe=self._recipe(architecture, config), preparation=_prepare)

    def untrained(self, name: str) -> Any:
        """The image tower, with whatever weights it draws."""
        return self._tower(self._resolve(name)[0], pretrained_text=False)

    def _tower(self, architecture: str, **options: Any) -> Any:
        import torch

        with _quiet():
            # What is built where nothing else is said follows torch's own default, so that an outline needs no memory.
            model = self._open_clip.create_model(
                architecture, device=torch.get_default_device(), require_pretrained="pretrained" in options, **options
            )
        return model.visual

    def _recipe(self, architecture: str, config: Any) -> ImageRecipe:
        from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD

        size = self._open_clip.get_model_config(architecture)["vision_cfg"]["image_size"]
        height, width = (size, size) if isinstance(size, int) else size
        return spec.from_plain(
            ImageRecipe,
            {
                **{"height_pixels": height, "width_pixels": width, "resize_pixels": max(height, width)},
                **{"resize": _FIT[config.get("resize_mode", "shortest")], "interpolation": config.get("interpolation", "bicubic")},
                **{"mean": list(config.get("mean", OPENAI_DATASET_MEAN)), "std": list(config.get("std", OPENAI_DATASET_STD))},
            },
        )

    def _resolve(self, name: str) -> tuple[str, str, int | None]:
        """Architecture, tag (empty where the weights are random) and seed."""
        drawn = _RANDOM.fullmatch(name)
        architecture, _, tag = name.partition(".")
        if drawn and drawn[1] in self._open_clip.list_models():
            return drawn[1], "", int(drawn[2])
        if name in self._names:
            return architecture, tag, None
        tags = [each for each in self._names if each.partition(".")[0] == architecture]
        raise UnknownNameError("model", f"open_clip/{name}", [f"open_clip/{each}" for each in tags or self._names])


@contextmanager
def _quiet() -> Iterator[None]:
    """open_clip warns of random weights, which were asked for."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)


def _prepare(recipe: ImageRecipe, items: Any) -> Any:
    return recipe(items)
