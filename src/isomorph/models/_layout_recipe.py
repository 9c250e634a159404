"""A recipe of pictures for networks that may want the channels last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from isomorph.models._image_recipe import ImageRecipe

if TYPE_CHECKING:
    import torch

Layout = Literal["nchw", "nhwc"]


@dataclass(frozen=True, kw_only=True)
class LayoutRecipe(ImageRecipe):
    """An `ImageRecipe` that also says where the channels stand.

    Attributes:
        layout: `nchw` [stimulus, channel, height, width], or `nhwc` [stimulus, height, width, channel].
    """

    layout: Layout = "nchw"

    def __call__(self, images: Sequence[Any]) -> torch.Tensor:
        """Prepare pictures, each uint8 [height, width, 3] in RGB, as float32 in the layout, on the CPU."""
        batch = super().__call__(images)
        return batch if self.layout == "nchw" else batch.permute(0, 2, 3, 1).contiguous()


def prepare_layout(recipe: LayoutRecipe, items: Any) -> Any:
    """The preparation of models with such a recipe."""
    return recipe(items)
