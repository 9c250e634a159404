"""ALIGN's image tower, as transformers has it."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.errors import MissingDependencyError, UnknownNameError
from isomorph.models._card import ModelCard
from isomorph.models._image_recipe import ImageRecipe

if TYPE_CHECKING:
    from isomorph.models._model import Model

INSTALL = "pip install 'isomorph[hf]'"
_NAME, _HUB = "align_base.kakaobrain", "kakaobrain/align-base"
_RANDOM = re.compile(r"align_base\.random-(\d{1,9})")
_RECIPE = ImageRecipe(
    height_pixels=289,
    width_pixels=289,
    resize="squash",
    resize_pixels=346,
    interpolation="bilinear",
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
)


class AlignSource:
    """One model; transformers is imported when it is built."""

    def names(self) -> list[str]:
        """The published weights."""
        self._check()
        return [_NAME]

    def card(self, name: str) -> ModelCard:
        """What Kakao Brain says of them; nothing is built."""
        seed = self._seed(name)
        drawn = seed is not None
        return ModelCard(
            name=f"hf/align_base.random-{seed}" if drawn else f"hf/{_NAME}",
            source="hf",
            summary=f"image tower of ALIGN (EfficientNet-B7), {'random weights' if drawn else 'Kakao Brain'}",
            objective="none" if drawn else "image-text contrast",
            training_data="none" if drawn else "COYO-700M",
            architecture="efficientnet",
            parameters=62_143_440,
            citation="Jia et al., 2021, arXiv 2102.05918",
            upstream="drawn on this machine from the seed" if drawn else _HUB,
            recipe=spec.to_plain(_RECIPE),
            install=INSTALL,
        )

    def build(self, name: str) -> Model:
        """Build the image tower; weights come from the hub's cache, or from the hub once."""
        from isomorph.models._hub import from_hub
        from isomorph.models._model import Model
        from isomorph.models._weights import seeded, weights_digest

        seed = self._seed(name)
        if seed is not None:
            module = seeded(lambda: self.untrained(name), seed)
        else:
            module = from_hub(f"hf/{_NAME}", self._pretrained, hub_id=_HUB, cache="the hub's", untrained="hf/align_base.random-0")
        card = replace(self.card(name), parameters=sum(each.numel() for each in module.parameters()))
        return Model(card=card, module=module, weights=weights_digest(module.state_dict()), recipe=_RECIPE, preparation=_prepare)

    def untrained(self, name: str) -> Any:
        """The image tower, with whatever weights it draws."""
        self._seed(name)
        self._check()
        from transformers import AlignVisionConfig, AlignVisionModel

        return AlignVisionModel(AlignVisionConfig())

    def _pretrained(self) -> Any:
        self._check()
        from transformers import AlignVisionModel

        return AlignVisionModel.from_pretrained(_HUB)

    def _check(self) -> None:
        if find_spec("transformers") is None:
            raise MissingDependencyError("transformers", needed_by="the model source 'hf'", install=INSTALL)

    def _seed(self, name: str) -> int | None:
        drawn = _RANDOM.fullmatch(name)
        if drawn:
            return int(drawn[1])
        if name in (_NAME, "align_base"):
            return None
        raise UnknownNameError("model", f"hf/{name}", [f"hf/{_NAME}"])


def _prepare(recipe: ImageRecipe, items: Any) -> Any:
    return recipe(items)
