"""VisAlign's five networks of about 300 million parameters, and small ones of the same kinds that train on a CPU."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.errors import UnknownNameError
from isomorph.models._card import ModelCard
from isomorph.models._image_recipe import ImageRecipe

if TYPE_CHECKING:
    import torch

    from isomorph.models._model import Model

CLASSES = 10
_RANDOM = re.compile(r"(.+)\.random-(\d{1,9})")
_INSTALL = "pip install 'isomorph[torchvision]'"
_SMALL_PIXELS = 64


@dataclass(frozen=True)
class _Row:
    kind: str
    summary: str
    parameters: int
    options: Mapping[str, Any]
    pixels: int = 224


_MIXER = {"patch_pixels": 16, "width": 2048, "depth": 60, "patch_expansion": 10, "channel_expansion": 0.5, "dropout": 0.0}
_SMALL_MIXER = {"patch_pixels": 8, "width": 64, "depth": 4, "patch_expansion": 1, "channel_expansion": 2, "dropout": 0.1}
_VIT = {"patch_size": 16, "num_layers": 30, "num_heads": 16, "hidden_dim": 1024, "mlp_dim": 4096}
_SMALL_VIT = {"patch_size": 8, "num_layers": 4, "num_heads": 4, "hidden_dim": 64, "mlp_dim": 128, "dropout": 0.1}
_SWIN = {"patch_size": [4, 4], "embed_dim": 256, "depths": [2, 2, 15, 2], "num_heads": [4, 8, 16, 32], "window_size": [7, 7]}
_SMALL_SWIN = {"patch_size": [4, 4], "embed_dim": 16, "depths": [1, 1, 2], "num_heads": [1, 2, 4], "window_size": [4, 4]}
_ROWS = {
    "vit_30_16": _Row("vit", "a vision transformer: 30 layers, 16 heads, width 1024", 378_889_226, _VIT),
    "swin_extra": _Row("swin", "a Swin transformer: width 256, depths 2-2-15-2", 308_661_650, _SWIN | {"stochastic_depth_prob": 0.5}),
    "convnext_extra": _Row(
        "convnext", "a ConvNeXt: depths 3-3-50-3", 305_797_834, {"widths": [192, 384, 768, 1536], "depths": [3, 3, 50, 3], "drop": 0.5}
    ),
    "densenet_extra": _Row(
        "densenet", "a DenseNet: growth 64, blocks 24-48-84-64", 294_850_186,
        {"growth_rate": 64, "block_config": (24, 48, 84, 64), "num_init_features": 64},
    ),
    "mlp": _Row("mlp", "an MLP-Mixer: 60 layers, width 2048", 300_162_138, _MIXER),
    "vit_small": _Row("vit", "a small vision transformer, for a CPU", 151_242, _SMALL_VIT, _SMALL_PIXELS),
    "swin_small": _Row("swin", "a small Swin transformer, for a CPU", 128_709, _SMALL_SWIN | {"stochastic_depth_prob": 0.1}, _SMALL_PIXELS),
    "convnext_small": _Row(
        "convnext", "a small ConvNeXt, for a CPU", 98_010, {"widths": [16, 32, 64], "depths": [1, 1, 2], "drop": 0.1}, _SMALL_PIXELS
    ),
    "densenet_small": _Row(
        "densenet", "a small DenseNet, for a CPU", 38_634,
        {"growth_rate": 8, "block_config": (2, 4, 4), "num_init_features": 16, "drop_rate": 0.1}, _SMALL_PIXELS,
    ),
    "mlp_small": _Row("mlp", "a small MLP-Mixer, for a CPU", 113_738, _SMALL_MIXER, _SMALL_PIXELS),
}  # fmt: skip


class VisalignSource:
    """Architectures; their weights were never published, so that each is drawn from a seed and then trained."""

    def names(self) -> list[str]:
        """Every architecture, with weights of seed 0."""
        return [f"{name}.random-0" for name in _ROWS]

    def card(self, name: str) -> ModelCard:
        """The facts of one row."""
        architecture, seed = self._resolve(name)
        row = _ROWS[architecture]
        return ModelCard(
            name=f"visalign/{architecture}.random-{seed}",
            source="visalign",
            summary=row.summary,
            objective="none",
            training_data="none",
            architecture=row.kind,
            parameters=row.parameters,
            citation="Lee et al., 2023, https://arxiv.org/abs/2308.01525",
            upstream="drawn on this machine from the seed",
            recipe=spec.to_plain(_recipe(row)),
            install=_INSTALL,
            note="VisAlign's trained weights are not public; isomorph.visalign trains these.",
        )

    def build(self, name: str) -> Model:
        """Draw the weights."""
        from isomorph.models._model import Model
        from isomorph.models._weights import seeded, weights_digest

        architecture, seed = self._resolve(name)
        module = seeded(lambda: visalign_network(architecture), seed)
        digest = weights_digest(module.state_dict())
        return Model(card=self.card(name), module=module, weights=digest, recipe=_recipe(_ROWS[architecture]), preparation=_prepare)

    def untrained(self, name: str) -> torch.nn.Module:
        """The architecture, with whatever weights it draws."""
        return visalign_network(self._resolve(name)[0])

    def _resolve(self, name: str) -> tuple[str, int]:
        drawn = _RANDOM.fullmatch(name)
        architecture = drawn[1] if drawn else name
        if architecture not in _ROWS:
            raise UnknownNameError("model", f"visalign/{name}", [f"visalign/{each}" for each in _ROWS])
        return architecture, int(drawn[2]) if drawn else 0


def visalign_network(architecture: str, classes: int = CLASSES) -> torch.nn.Module:
    """An architecture by its name, with weights drawn from torch's generator as it stands.

    Args:
        architecture: Such as `"vit_small"`.
        classes: How many outputs it has.

    Raises:
        UnknownNameError: There is no such architecture.
        MissingDependencyError: torchvision is not installed.
    """
    if architecture not in _ROWS:
        raise UnknownNameError("architecture", architecture, _ROWS)
    row = _ROWS[architecture]
    if row.kind == "mlp":
        from isomorph.models._mixer import Mixer

        return Mixer(image_pixels=row.pixels, classes=classes, **row.options)
    return _of_torchvision(row, classes)


def _of_torchvision(row: _Row, classes: int) -> torch.nn.Module:
    from isomorph.models._torchvision import TorchvisionSource

    models, options = TorchvisionSource()._models, dict(row.options)
    module: torch.nn.Module
    if row.kind == "vit":
        module = models.VisionTransformer(image_size=row.pixels, num_classes=classes, **options)
    elif row.kind == "swin":
        module = models.SwinTransformer(num_classes=classes, **options)
    elif row.kind == "densenet":
        module = models.DenseNet(num_classes=classes, **options)
    else:
        from torchvision.models.convnext import CNBlockConfig

        widths = [*options["widths"], None]
        blocks = [CNBlockConfig(widths[at], widths[at + 1], depth) for at, depth in enumerate(options["depths"])]
        module = models.ConvNeXt(blocks, stochastic_depth_prob=options["drop"], num_classes=classes)
    return module


def visalign_recipe(architecture: str) -> ImageRecipe:
    """How VisAlign prepares test pictures: the shorter side to 256 (or in proportion), the centre, ImageNet's means and deviations."""
    return _recipe(_ROWS[architecture])


def _recipe(row: _Row) -> ImageRecipe:
    return ImageRecipe(
        height_pixels=row.pixels, width_pixels=row.pixels, resize_pixels=round(row.pixels * 256 / 224), interpolation="bilinear"
    )


def _prepare(recipe: ImageRecipe, items: Any) -> Any:
    return recipe(items)
