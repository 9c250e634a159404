"""How a picture becomes numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from isomorph.errors import InputError, ShapeError
from isomorph.stimuli._opencv_cubic import opencv_cubic

if TYPE_CHECKING:
    import torch

_FILTERS = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@dataclass(frozen=True, kw_only=True)
class ImageRecipe:
    r"""Resize, crop, and $x \mapsto (x \cdot \mathrm{maximum} / 255 - \mathrm{mean}) / \mathrm{std}$ in each channel.

    Attributes:
        height_pixels: Height of what the model sees.
        width_pixels: Width of what the model sees.
        resize: `crop` keeps the proportions until the picture covers `resize_pixels`, and cuts out the centre; `squash` scales both
            sides whatever the proportions; `pad` keeps the proportions until the picture fits, with the mean colour around it.
        resize_pixels: Side length after the resize (the longer one, where the model sees no square), before the centre of
            `height_pixels` × `width_pixels` is cut out.
        interpolation: The filter of the resize: Pillow's, with antialiasing; or `opencv-cubic`, OpenCV's, without.
        channels: The order of the colour channels.
        maximum: The value of white before `mean` is subtracted: 1 or 255.
        mean: Subtracted from each channel, in the order of `channels`.
        std: Each channel is divided by it, in the order of `channels`.

    Example:
        >>> import numpy as np
        >>> recipe = ImageRecipe(height_pixels=8, width_pixels=8, resize_pixels=8, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
        >>> batch = recipe([np.full((20, 10, 3), 255, dtype=np.uint8)])
        >>> tuple(batch.shape), float(batch.mean())
        ((1, 3, 8, 8), 1.0)
    """

    height_pixels: int = 224
    width_pixels: int = 224
    resize: Literal["crop", "squash", "pad"] = "crop"
    resize_pixels: int = 256
    interpolation: Literal["nearest", "bilinear", "bicubic", "opencv-cubic"] = "bicubic"
    channels: Literal["rgb", "bgr"] = "rgb"
    maximum: float = 1.0
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)

    def __post_init__(self) -> None:
        for name in ("height_pixels", "width_pixels", "resize_pixels"):
            if getattr(self, name) < 1:
                raise InputError(f"the image recipe needs {name} of at least 1; got {getattr(self, name)}.")
        if len(self.mean) != 3 or len(self.std) != 3 or 0.0 in self.std:
            raise InputError(f"the image recipe needs three means and three non-zero stds; got {self.mean} and {self.std}.")

    def __call__(self, images: Sequence[Any]) -> torch.Tensor:
        """Prepare pictures, each uint8 [height, width, 3] in RGB, as float32 [stimulus, channel, height, width] on the CPU.

        Raises:
            ShapeError: An item is not a uint8 array of three channels.
        """
        import torch

        pixels = torch.from_numpy(np.stack([self._fit(each) for each in images])).permute(0, 3, 1, 2)
        if self.channels == "bgr":
            pixels = pixels.flip(1)
        values = pixels.to(torch.float32, memory_format=torch.contiguous_format)
        if self.maximum != 255:
            values = values.div_(255 / self.maximum)
        mean, std = (torch.tensor(each, dtype=torch.float32).view(3, 1, 1) for each in (self.mean, self.std))
        return values.sub_(mean).div_(std)

    def _fit(self, image: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
        array = np.asarray(image)
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
            raise ShapeError(f"a picture must be uint8 [height, width, 3]; got {array.dtype} {list(array.shape)}.")
        height, width = self._resized(*array.shape[:2])
        picture = self._scaled(array, height, width)
        if (height, width) == (self.height_pixels, self.width_pixels):
            return picture
        top, left = self._offset(height, self.height_pixels), self._offset(width, self.width_pixels)
        canvas = np.empty((self.height_pixels, self.width_pixels, 3), dtype=np.uint8)
        canvas[:] = self._surround()
        seen = picture[max(top, 0) : max(top, 0) + self.height_pixels, max(left, 0) : max(left, 0) + self.width_pixels]
        canvas[max(-top, 0) :, max(-left, 0) :][: seen.shape[0], : seen.shape[1]] = seen
        return canvas

    def _scaled(self, image: Any, height: int, width: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        if self.interpolation == "opencv-cubic":
            return opencv_cubic(image, height, width)
        if (height, width) == image.shape[:2]:
            return np.asarray(image)
        return np.asarray(Image.fromarray(image).resize((width, height), _FILTERS[self.interpolation]))

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        longer = max(self.height_pixels, self.width_pixels)
        tall, wide = (self.resize_pixels * side / longer for side in (self.height_pixels, self.width_pixels))
        if self.resize == "squash":
            return round(tall), round(wide)
        if self.resize == "crop":
            scale = max(Fraction(tall) / height, Fraction(wide) / width)
            return int(height * scale), int(width * scale)
        scale = min(Fraction(tall) / height, Fraction(wide) / width)
        return round(height * scale), round(width * scale)

    def _surround(self) -> list[int]:
        """The RGB colour around a picture that does not cover what the model sees."""
        mean = self.mean if self.channels == "rgb" else self.mean[::-1]
        return [round(255 / self.maximum * each) for each in mean] if self.resize == "pad" else [0, 0, 0]

    def _offset(self, whole: int, part: int) -> int:
        """Where a centred part begins; negative where it is larger than the whole."""
        return round((whole - part) / 2) if whole >= part else -((part - whole) // 2)
