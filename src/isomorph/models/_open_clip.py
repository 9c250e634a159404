"""Both towers of OpenCLIP, with the preparation that its configuration states."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.errors import MissingDependencyError, UnknownNameError
from isomorph.models._card import Modality, ModelCard
from isomorph.models._image_recipe import ImageRecipe
from isomorph.models._text_recipe import TextRecipe
from isomorph.models._timm import training_data
from isomorph.models._torchvision_guard import import_beside_torchvision
from isomorph.models._transformers_place import split_name

if TYPE_CHECKING:
    from isomorph.models._model import Model

INSTALL = "pip install 'isomorph[clip]'"
_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_OF_PICTURES = ("visual", "text_decoder")
_FIT = {"shortest": "crop", "longest": "pad", "squash": "squash"}


class OpenClipSource:
    """open_clip, imported when it is first asked for something; a name with `:text` at its end is the other tower."""

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
        architecture, tag, seed, modality = self._resolve(name)
        config = self._open_clip.get_pretrained_cfg(architecture, tag) if tag else {}
        drawn = seed is not None
        return ModelCard(
            name=f"open_clip/{name.removesuffix(':image')}",
            source="open_clip",
            modality=modality,
            modalities=("image", "text"),
            summary=f"{modality} tower of {architecture}, {'random weights' if drawn else tag}",
            objective="none" if drawn else "image-text contrast",
            training_data="none" if drawn else training_data(tag),
            architecture=re.split(r"[-_\d]", architecture)[0],
            licence="MIT" if drawn else "",
            citation="Ilharco et al., 2021, https://doi.org/10.5281/zenodo.5143773",
            upstream="drawn on this machine from the seed" if drawn else config.get("hf_hub", "").rstrip("/") or config.get("url", ""),
            recipe=spec.to_plain(self._recipe(architecture, config, modality)),
            install=INSTALL,
        )

    def build(self, name: str) -> Model:
        """Build one tower; weights come from the hub's cache, or from the hub once."""
        from isomorph.models._hub import from_hub
        from isomorph.models._model import Model
        from isomorph.models._weights import seeded, weights_digest

        architecture, tag, seed, modality = self._resolve(name)
        config = self._open_clip.get_pretrained_cfg(architecture, tag) if tag else {}
        if seed is not None:
            module = seeded(lambda: self.untrained(name), seed)
        else:
            module = from_hub(
                f"open_clip/{name}",
                lambda: self._tower(architecture, modality, pretrained=tag, force_quick_gelu=config.get("quick_gelu", False)),
                hub_id=config.get("hf_hub", "").rstrip("/"),
                cache="the hub's",
                untrained=f"open_clip/{architecture}.random-0",
                files=_FILES,
            )
        card = replace(self.card(name), parameters=sum(each.numel() for each in module.parameters()))
        digest, recipe = weights_digest(module.state_dict()), self._recipe(architecture, config, modality)
        if modality == "image":
            return Model(card=card, module=module, weights=digest, recipe=recipe, preparation=_prepare)
        from isomorph.models._open_clip_texts import texts, token_mask

        tokenizer = self._tokenizer(architecture)
        return Model(card=card, module=module, weights=digest, recipe=recipe, preparation=texts(tokenizer), mask=token_mask(tokenizer))

    def untrained(self, name: str) -> Any:
        """One tower, with whatever weights it draws."""
        architecture, _, _, modality = self._resolve(name)
        return self._tower(architecture, modality, pretrained_text=False)

    def _tower(self, architecture: str, modality: Modality, **options: Any) -> Any:
        import torch

        with _quiet():
            # What is built where nothing else is said follows torch's own default, so that an outline needs no memory.
            model = self._open_clip.create_model(
                architecture, device=torch.get_default_device(), require_pretrained="pretrained" in options, **options
            )
        if modality == "image":
            if getattr(model.visual, "output_tokens", False):  # CoCa's gives its decoder more than the embedding
                model.visual.output_tokens = False
            return model.visual
        for each in (*_OF_PICTURES, *(each for each, _ in model.named_parameters(recurse=False) if each.startswith("logit_"))):
            if hasattr(model, each):
                delattr(model, each)
        model.forward = partial(model.encode_text, normalize=False)
        return model

    def _tokenizer(self, architecture: str) -> Any:
        """The tokeniser of the text tower: open_clip's own, or one of the hub."""
        from isomorph.models._hub import from_hub

        hub_id = self._open_clip.get_model_config(architecture)["text_cfg"].get("hf_tokenizer_name", "")
        return from_hub(
            f"the tokeniser of open_clip/{architecture}",
            lambda: self._open_clip.get_tokenizer(architecture),
            hub_id=hub_id,
            cache="the hub's",
            untrained="open_clip/ViT-B-32.random-0:text",
            files=("tokenizer.json", "tokenizer_config.json"),
        )

    def _recipe(self, architecture: str, config: Any, modality: Modality = "image") -> ImageRecipe | TextRecipe:
        from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD

        if modality == "text":
            return TextRecipe(max_tokens=self._open_clip.get_model_config(architecture)["text_cfg"].get("context_length", 77))
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

    def _resolve(self, name: str) -> tuple[str, str, int | None, Modality]:
        """Architecture, tag (empty where the weights are random), seed and tower."""
        plain, seed, tower = split_name(name)
        modality: Modality = "text" if tower == "text" else "image"
        architecture, _, tag = plain.partition(".")
        if seed is not None and plain in self._open_clip.list_models():
            return plain, "", seed, modality
        if seed is None and plain in self._names:
            return architecture, tag, None, modality
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
