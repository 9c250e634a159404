"""What a network of another runtime says of its input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.errors import InputError, ShapeError
from isomorph.models._layout_recipe import Layout, LayoutRecipe

_TYPES = ("float32", "float16", "float64", "uint8")
_SIDE = 224


@dataclass(frozen=True, kw_only=True)
class PictureInput:
    """One input that takes pictures.

    Attributes:
        name: What the runtime calls it.
        dtype: `float32`, `float16`, `float64` or `uint8`.
        items: How many pictures it takes at once; None: any number.
        layout: Where the channels stand.
        sides: Height and width in pixels; None where it takes any.
        subject: The model's name, for messages.
    """

    name: str
    dtype: str
    items: int | None
    layout: Layout
    sides: tuple[int | None, int | None]
    subject: str

    @classmethod
    def checked(cls, name: str, dtype: str, shape: Sequence[int | None], *, subject: str) -> PictureInput:
        """An input as the file declares it; None in its shape stands for any number.

        Raises:
            InputError: It does not take pictures of three channels.
        """
        items, *axes = (None if size is None or size < 1 else size for size in shape) if shape else (None,)
        layout: Layout = "nhwc" if len(axes) == 3 and axes[2] == 3 and axes[0] != 3 else "nchw"
        if dtype not in _TYPES or len(axes) != 3 or axes[2 if layout == "nhwc" else 0] not in (3, None):
            listed = ", ".join("?" if size is None else str(size) for size in (items, *axes))
            raise InputError(
                f"the input {name!r} of {subject} is {dtype} [{listed}]; pictures need float32, float16, float64 or uint8 "
                f"[stimulus, 3, height, width] or [stimulus, height, width, 3]. Run it yourself, and pass the function to wrap_model."
            )
        height, width = axes[:2] if layout == "nhwc" else axes[1:]
        return cls(name=name, dtype=dtype, items=items, layout=layout, sides=(height, width), subject=subject)

    def recipe(self, **options: Any) -> LayoutRecipe:
        """A recipe of the input's size, 224 pixels where it takes any; bytes go in as they are."""
        height, width = (side or _SIDE for side in self.sides)
        options.setdefault("resize_pixels", max(height, width))
        if self.dtype == "uint8":
            options |= {"maximum": 255.0, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
        return LayoutRecipe(height_pixels=height, width_pixels=width, layout=self.layout, **options)

    def check(self, shape: Sequence[int]) -> None:
        """Raise `ShapeError` unless a batch of this shape can go in."""
        height, width = self.sides
        wanted = (3, height, width) if self.layout == "nchw" else (height, width, 3)
        if len(shape) != 4 or any(side not in (None, found) for side, found in zip(wanted, shape[1:], strict=True)):
            listed = ", ".join("?" if side is None else str(side) for side in wanted)
            raise ShapeError(
                f"{self.subject} takes pictures of [{listed}], but the recipe prepares {list(shape[1:])}. Leave height_pixels, "
                f"width_pixels and layout as its card has them."
            )

    def fit(self, batch: Any) -> np.ndarray[Any, Any]:
        """A prepared batch as the array that goes in; the errors of `check`."""
        values: np.ndarray[Any, Any] = np.ascontiguousarray(batch.detach().cpu().numpy())
        self.check(values.shape)
        if self.dtype == "uint8":
            values = np.rint(values).clip(0, 255)
        fitting: np.ndarray[Any, Any] = values.astype(self.dtype, copy=False)
        return fitting
