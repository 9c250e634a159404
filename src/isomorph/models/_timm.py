"""Every pretrained model of timm, with the preparation that its configuration states."""

from __future__ import annotations

import math
import re
from functools import cached_property
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.errors import MissingDependencyError, UnknownNameError
from isomorph.models._card import ModelCard
from isomorph.models._image_recipe import ImageRecipe
from isomorph.models._torchvision_guard import import_beside_torchvision

if TYPE_CHECKING:
    from isomorph.models._model import Model

INSTALL = "pip install 'isomorph[timm]'"
_RANDOM = re.compile(r"(.+)\.random-(\d{1,9})")
# What a tag says of the training, most telling first: a part of the tag, the objective, the data (empty: not said).
_TAGS = (
    ("_ft_in1k", "classification", "ImageNet-1k after pretraining"),
    ("openai", "image-text contrast", "WIT-400M"),
    ("laion2b", "image-text contrast", "LAION-2B"),
    ("laion400m", "image-text contrast", "LAION-400M"),
    ("datacomp", "image-text contrast", "DataComp"),
    ("dfn", "image-text contrast", "DFN"),
    ("merged2b", "image-text contrast", "Merged-2B"),
    ("metaclip", "image-text contrast", "MetaCLIP"),
    ("webli", "image-text contrast", "WebLI"),
    ("lvd1689m", "self-distillation", "LVD-1689M"),
    ("lvd142m", "self-distillation", "LVD-142M"),
    ("fcmae", "masked autoencoding", "ImageNet-1k"),
    ("mae", "masked autoencoding", "ImageNet-1k"),
    ("dino", "self-distillation", "ImageNet-1k"),
    ("in21k", "classification", "ImageNet-21k"),
    ("in22k", "classification", "ImageNet-22k"),
    ("in12k", "classification", "ImageNet-12k"),
    ("in1k", "classification", "ImageNet-1k"),
)


class TimmSource:
    """timm, imported when it is first asked for something."""

    @cached_property
    def _timm(self) -> ModuleType:
        if find_spec("timm") is None:
            raise MissingDependencyError("timm", needed_by="the model source 'timm'", install=INSTALL)
        return import_beside_torchvision("timm")

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self._timm.list_pretrained())

    def names(self) -> list[str]:
        """Every architecture and tag that has weights."""
        return sorted(self._names)

    def card(self, name: str) -> ModelCard:
        """What timm's configuration of these weights says; nothing is built."""
        full, seed = self._resolve(name)
        config = self._timm.get_pretrained_cfg(full)
        architecture, _, tag = full.partition(".")
        objective, data = ("none", "none") if seed is not None else _training(tag)
        return ModelCard(
            name=f"timm/{architecture}.random-{seed}" if seed is not None else f"timm/{full}",
            source="timm",
            summary=f"{architecture}, {'random weights' if seed is not None else tag}",
            objective=objective,
            training_data=data,
            architecture=architecture.partition("_")[0],
            licence=(config.license or "") if seed is None else "Apache-2.0",
            citation="Wightman, 2019, https://doi.org/10.5281/zenodo.4414861" + _papers(config.paper_ids),
            upstream=config.hf_hub_id or config.url or "",
            recipe=spec.to_plain(_recipe(config)),
            install=INSTALL,
        )

    def build(self, name: str) -> Model:
        """Build the network; weights come from timm's cache, or from its hub once."""
        from dataclasses import replace

        from isomorph.models._hub import from_hub
        from isomorph.models._model import Model
        from isomorph.models._weights import seeded, weights_digest

        full, seed = self._resolve(name)
        architecture, config = full.partition(".")[0], self._timm.get_pretrained_cfg(full)
        if seed is not None:
            module = seeded(lambda: self.untrained(name), seed)
        else:
            module = from_hub(
                f"timm/{full}",
                lambda: self._timm.create_model(full, pretrained=True),
                hub_id=config.hf_hub_id or "",
                cache="timm's",
                untrained=f"timm/{architecture}.random-0",
            )
        card = replace(self.card(name), parameters=sum(each.numel() for each in module.parameters()))
        digest = weights_digest(module.state_dict())
        return Model(card=card, module=module, weights=digest, recipe=_recipe(config), preparation=_prepare)

    def untrained(self, name: str) -> Any:
        """The architecture, with whatever weights it draws."""
        return self._timm.create_model(self._resolve(name)[0].partition(".")[0], pretrained=False)

    def _resolve(self, name: str) -> tuple[str, int | None]:
        """The name with its tag, and the seed where the weights are random."""
        drawn = _RANDOM.fullmatch(name)
        architecture = drawn[1] if drawn else name.partition(".")[0]
        known = self._timm.is_model(architecture)
        if drawn and known:
            config = self._timm.get_pretrained_cfg(architecture, allow_unregistered=True)
            return f"{architecture}.{config.tag}" if config and config.tag else architecture, int(drawn[2])
        if name in self._names:
            return name, None
        tags = sorted(each for each in self._names if each.partition(".")[0] == architecture)
        if known and name == architecture and tags:
            tag = self._timm.get_pretrained_cfg(architecture).tag
            return (f"{architecture}.{tag}" if tag else architecture), None
        raise UnknownNameError("model", f"timm/{name}", [f"timm/{each}" for each in tags or self._names])


def _recipe(config: Any) -> ImageRecipe:
    _, height, width = config.input_size
    fit = {"squash": "squash", "border": "pad"}.get(config.crop_mode or "center", "crop")
    return spec.from_plain(
        ImageRecipe,
        {
            **{"height_pixels": height, "width_pixels": width, "resize": fit, "interpolation": config.interpolation},
            "resize_pixels": math.floor(max(height, width) / (config.crop_pct or 1.0)),
            **{"mean": list(map(float, config.mean)), "std": list(map(float, config.std))},
        },
    )


def _papers(ids: Any) -> str:
    """Papers that the configuration names, one or several."""
    listed = [ids] if isinstance(ids, str) else list(ids or ())
    return "".join(f"; {each}" for each in listed)


def _training(tag: str) -> tuple[str, str]:
    return next(((objective, data) for part, objective, data in _TAGS if part in tag), ("", ""))


def training_data(tag: str) -> str:
    """What a tag says of the training data; empty where it says nothing."""
    return _training(tag)[1]


def _prepare(recipe: ImageRecipe, items: Any) -> Any:
    return recipe(items)
