"""Pictures as they are when something went wrong with them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from isomorph.errors import InputError, UnknownNameError
from isomorph.stimuli._corrupt import corrupt
from isomorph.stimuli._decode import Pixels

_SIDE_PIXELS = 224
_BLUR_PIXELS = (1, 2, 3, 4, 6)  # of severity 1 … 5, as published for ImageNet-C at 224 pixels
CORRUPTIONS = {"gaussian-noise": "gaussian_noise", "blur": "", "contrast": "contrast", "jpeg": "jpeg_compression", "pixelate": "pixelate"}
"""What each is called among `isomorph.stimuli.CORRUPTIONS`; Gaussian blur is not among them."""


def corrupted(pixels: Any, corruption: str, severity: int = 3, *, seed: int = 0, name: str = "") -> Pixels:
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
    if corruption == "blur":
        return np.array(picture.filter(ImageFilter.GaussianBlur(_BLUR_PIXELS[severity - 1] * min(picture.size) / _SIDE_PIXELS)))
    digest = hashlib.sha256(f"{seed}|{name}".encode()).digest()
    return corrupt(np.array(picture), CORRUPTIONS[corruption], severity, seed=int.from_bytes(digest[:8], "little"))


def check_corruption(corruption: str, severity: int) -> None:
    """Raise unless there is such a corruption of this severity."""
    if corruption not in (*CORRUPTIONS, "none"):
        raise UnknownNameError("corruption", corruption, CORRUPTIONS)
    if not 1 <= severity <= len(_BLUR_PIXELS):
        raise InputError(f"the severity of a corruption is 1 … {len(_BLUR_PIXELS)}; got {severity!r}.")
