"""Pictures as they are when something went wrong with them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from isomorph.errors import InputError, UnknownNameError

_SIDE_PIXELS = 224
# one number for each severity, as published for ImageNet-C at 224 pixels
_NOISE = (0.08, 0.12, 0.18, 0.26, 0.38)
_BLUR_PIXELS = (1, 2, 3, 4, 6)
_CONTRAST = (0.4, 0.3, 0.2, 0.1, 0.05)
_JPEG = (25, 18, 15, 10, 7)
_PIXELATE = (0.6, 0.5, 0.4, 0.3, 0.25)


def _noise(picture: Image.Image, level: int, rng: np.random.Generator) -> Any:
    values = np.asarray(picture, dtype=np.float64) / 255
    return np.round(255 * np.clip(values + _NOISE[level] * rng.normal(size=values.shape), 0, 1)).astype(np.uint8)


def _blur(picture: Image.Image, level: int, rng: np.random.Generator) -> Any:
    return picture.filter(ImageFilter.GaussianBlur(_BLUR_PIXELS[level] * min(picture.size) / _SIDE_PIXELS))


def _contrast(picture: Image.Image, level: int, rng: np.random.Generator) -> Any:
    values = np.asarray(picture, dtype=np.float64)
    mean = values.mean(axis=(0, 1))
    return np.round(mean + _CONTRAST[level] * (values - mean)).astype(np.uint8)


def _jpeg(picture: Image.Image, level: int, rng: np.random.Generator) -> Any:
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=_JPEG[level])
    return Image.open(stream)


def _pixelate(picture: Image.Image, level: int, rng: np.random.Generator) -> Any:
    small = picture.resize([max(1, round(_PIXELATE[level] * each)) for each in picture.size], Image.Resampling.BOX)
    return small.resize(picture.size, Image.Resampling.NEAREST)


CORRUPTIONS: dict[str, Callable[[Image.Image, int, np.random.Generator], Any]] = {
    "gaussian-noise": _noise, "blur": _blur, "contrast": _contrast, "jpeg": _jpeg, "pixelate": _pixelate,
}  # fmt: skip


def corrupted(pixels: Any, corruption: str, severity: int = 3, *, seed: int = 0, name: str = "") -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A picture, first shrunk until its shorter side has at most 224 pixels, then corrupted; `"none"`: shrunk alone.

    Args:
        pixels: uint8 `[height, width, 3]`.
        corruption: One of `CORRUPTIONS`.
        severity: 1 … 5; what each means is ImageNet-C's published strength for 224 pixels.
        seed: Of the noise; a picture called `name` has its own.
        name: The picture's id.

    Raises:
        UnknownNameError: There is no such corruption.
        InputError: The severity is out of range.
    """
    check_corruption(corruption, severity)
    picture = Image.fromarray(pixels)
    scale = min(1.0, _SIDE_PIXELS / min(picture.size))
    picture = picture.resize([round(scale * each) for each in picture.size], Image.Resampling.LANCZOS) if scale < 1 else picture
    if corruption == "none":
        return np.array(picture)
    digest = hashlib.sha256(f"{seed}|{corruption}|{name}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    return np.array(CORRUPTIONS[corruption](picture, severity - 1, rng))


def check_corruption(corruption: str, severity: int) -> None:
    """Raise unless there is such a corruption of this severity."""
    if corruption not in (*CORRUPTIONS, "none"):
        raise UnknownNameError("corruption", corruption, CORRUPTIONS)
    if not 1 <= severity <= len(_NOISE):
        raise InputError(f"the severity of a corruption is 1 … {len(_NOISE)}; got {severity!r}.")
