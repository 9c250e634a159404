"""What a network learns from: pictures, varied a little each time, or rows of features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph import spec

if TYPE_CHECKING:
    import torch

    from isomorph.models import ImageRecipe
    from isomorph.stimuli import Stimuli

Columns = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, eq=False)
class PictureExamples:
    """Pictures: in training resized, padded by 4, cropped at random and mirrored half of the time; in validation the centre.

    Attributes:
        stimuli: The pictures.
        columns: Their classes.
        recipe: Size, filter and normalisation.
        padding: Black pixels around, in training.
        held: Keep resized pictures in memory, where there are at most this many.
    """

    stimuli: Stimuli
    columns: Columns
    recipe: ImageRecipe
    padding: int = 4
    held: int = 2_000

    @cached_property
    def digest(self) -> str:
        """Of the pictures, their classes and their preparation."""
        return spec.fingerprint([self.stimuli.digest, self.columns.tolist(), self.recipe, self.padding])

    @cached_property
    def _kept(self) -> dict[int, Any]:
        return {}

    def batch(self, rows: Any, rng: np.random.Generator | None) -> torch.Tensor:
        """float32 `[row, channel, height, width]`."""
        from dataclasses import replace

        pictures = [self._resized(int(row)) for row in rows]
        if rng is None:
            prepared: torch.Tensor = self.recipe(pictures)
            return prepared
        side = self.recipe.height_pixels
        varied: torch.Tensor = replace(self.recipe, resize_pixels=side)([self._varied(each, side, rng) for each in pictures])
        return varied

    def _resized(self, row: int) -> Any:
        """The shorter side at `resize_pixels`."""
        from PIL import Image

        if row not in self._kept:
            picture = Image.fromarray(self.stimuli[row])
            scale = self.recipe.resize_pixels / min(picture.size)
            width, height = (max(round(each * scale), self.recipe.resize_pixels) for each in picture.size)
            pixels = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
            if len(self._kept) >= self.held:
                return pixels
            self._kept[row] = pixels
        return self._kept[row]

    def _varied(self, pixels: Any, side: int, rng: np.random.Generator) -> Any:
        padded = np.pad(pixels, ((self.padding, self.padding), (self.padding, self.padding), (0, 0)))
        top, left = (int(rng.integers(each - side + 1)) for each in padded.shape[:2])
        cut = padded[top : top + side, left : left + side]
        return np.ascontiguousarray(cut[:, ::-1] if rng.random() < 0.5 else cut)


@dataclass(frozen=True, eq=False)
class RowExamples:
    """Rows of features, as they are.

    Attributes:
        values: `[row, feature]` float32.
        columns: Their classes.
    """

    values: np.ndarray[Any, np.dtype[np.float32]]
    columns: Columns

    @cached_property
    def digest(self) -> str:
        """Of the rows and their classes."""
        from isomorph.visalign._training_run import rows_digest

        return rows_digest(self.values) + rows_digest(self.columns)

    def batch(self, rows: Any, rng: np.random.Generator | None) -> torch.Tensor:
        """float32 `[row, feature]`."""
        import torch

        return torch.from_numpy(self.values[rows])
