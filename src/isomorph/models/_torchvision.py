"""torchvision's classifiers, with the preparation that belongs to their weights."""

from __future__ import annotations

import re
from functools import cached_property
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.errors import FetchError, MissingDependencyError, UnknownNameError
from isomorph.models._card import ModelCard
from isomorph.models._image_recipe import ImageRecipe
from isomorph.models._torchvision_guard import import_beside_torchvision

if TYPE_CHECKING:
    from isomorph.models._model import Model

INSTALL = "pip install 'isomorph[torchvision]'"
_RANDOM = re.compile(r"(.+)\.random-(\d{1,9})")


class TorchvisionSource:
    """torchvision, imported when it is first asked for something."""

    @cached_property
    def _models(self) -> ModuleType:
        if find_spec("torchvision") is None:
            raise MissingDependencyError("torchvision", needed_by="the model source 'torchvision'", install=INSTALL)
        return import_beside_torchvision("torchvision.models")

    @cached_property
    def _weights(self) -> dict[str, Any]:
        names = self._models.list_models(module=self._models)
        return {f"{name}.{weights.name}": weights for name in names for weights in self._models.get_model_weights(name)}

    def names(self) -> list[str]:
        """Every classifier and the names of its weights."""
        return sorted(self._weights)

    def card(self, name: str) -> ModelCard:
        """What the weights' own table says; nothing is built."""
        architecture, weights, seed = self._resolve(name)
        meta = weights.meta
        trained = seed is None
        return ModelCard(
            name=f"torchvision/{architecture}.{weights.name if trained else f'random-{seed}'}",
            source="torchvision",
            summary=f"{architecture}, {weights.name if trained else 'random weights'}",
            objective=("image-text contrast, then classification" if "SWAG" in weights.name else "classification") if trained else "none",
            training_data="ImageNet-1k" if trained else "none",
            architecture=re.split(r"[\d_]", architecture)[0],
            parameters=meta.get("num_params"),
            licence="BSD-3-Clause",
            citation=meta.get("recipe", ""),
            upstream=weights.url if trained else "drawn on this machine from the seed",
            recipe=spec.to_plain(_recipe(weights)),
            install=INSTALL,
        )

    def build(self, name: str) -> Model:
        """Build the network; weights come from torch's cache, or from the network once."""
        from isomorph.models._model import Model
        from isomorph.models._weights import seeded, weights_digest

        _, weights, seed = self._resolve(name)
        if seed is not None:
            module = seeded(lambda: self.untrained(name), seed)
        else:
            state = self._download(name, weights)
            module = self.untrained(name)
            module.load_state_dict(state)
        digest = weights_digest(module.state_dict())
        return Model(card=self.card(name), module=module, weights=digest, recipe=_recipe(weights), preparation=_prepare)

    def untrained(self, name: str) -> Any:
        """The architecture, with whatever weights it draws."""
        return self._models.get_model(self._resolve(name)[0], weights=None)

    def _download(self, name: str, weights: Any) -> Any:
        try:
            return weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
        except OSError as error:
            raise FetchError(
                f"the weights of 'torchvision/{name}' are not in torch's cache and {weights.url} cannot be reached. "
                f"Put the file into the folder hub/checkpoints under $TORCH_HOME, or use untrained weights: "
                f"'torchvision/{name.partition('.')[0]}.random-0'."
            ) from error

    def _resolve(self, name: str) -> tuple[str, Any, int | None]:
        drawn = _RANDOM.fullmatch(name)
        architecture = drawn[1] if drawn else name.partition(".")[0]
        own = {full: weights for full, weights in self._weights.items() if full.partition(".")[0] == architecture}
        if drawn and own:
            return architecture, next(iter(own.values())), int(drawn[2])
        if name in own:
            return architecture, own[name], None
        if own and name == architecture:
            return architecture, self._models.get_model_weights(architecture).DEFAULT, None
        raise UnknownNameError("model", f"torchvision/{name}", [f"torchvision/{each}" for each in own or self._weights])


def _recipe(weights: Any) -> ImageRecipe:
    preset = weights.transforms()
    return spec.from_plain(
        ImageRecipe,
        {
            **{"height_pixels": preset.crop_size[0], "width_pixels": preset.crop_size[0], "resize_pixels": preset.resize_size[0]},
            **{"interpolation": preset.interpolation.value, "mean": list(preset.mean), "std": list(preset.std)},
        },
    )


def _prepare(recipe: ImageRecipe, items: Any) -> Any:
    return recipe(items)
