"""A picture, corrupted."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import xxhash

from isomorph.errors import InputError, ShapeError, UnknownNameError
from isomorph.stimuli._corrupt_table import CORRUPTIONS, Corruption
from isomorph.stimuli._decode import Pixels

SEVERITIES = 10
SMALLEST_SIDE = 16


def corrupt(pixels: Any, name: str, severity: int = 1, *, seed: int = 0) -> Pixels:
    """A picture with something wrong with it: noise, blur, weather, what a computer does, or a crop.

    `CORRUPTIONS` lists the names with the parameters of each severity. Severities 1 to 5 are ImageNet-C's definitions, 6 to 10 VisAlign's;
    brightness is Pillow's enhancement factor at all ten. Parameters in pixels are so whatever the picture's size, as published: for
    pictures of about 224; shrink larger ones first. `crop` cuts the centre out and enlarges it, and returns 256 × 256.

    Chance comes from a counter-based generator whose key is the xxh3-128 of seed, name, severity and the picture itself: the same call
    gives the same bytes, whatever was corrupted before and in whatever order.

    Two things differ from ImageNet-C's program on purpose. Glass blur reaches the whole picture: near the edge, offsets that lead out of it
    are reflected. The frost is drawn, not photographed, as light and as contrasted as the photographs of that program are.

    Args:
        pixels: uint8 `[height, width, 3]`, both sides at least 16.
        name: Such as `"fog"`; `-` and `_` are equal.
        severity: 1 … 10.
        seed: Another seed, other noise.

    Returns:
        uint8, of the same shape but for `crop`.

    Raises:
        UnknownNameError: There is no such corruption.
        InputError: The severity is not 1 … 10, or the seed no whole number of 0 or more.
        ShapeError: The picture is not uint8 `[height, width, 3]`, or too small.

    References:
        Hendrycks and Dietterich, 2019, <https://arxiv.org/abs/1903.12261>. Lee et al., 2023 (VisAlign), <https://arxiv.org/abs/2308.01525>.

    Example:
        >>> import numpy as np
        >>> gray = np.full((32, 48, 3), 128, dtype=np.uint8)
        >>> noisy = corrupt(gray, "gaussian_noise", severity=3)
        >>> noisy.shape, bool((noisy == corrupt(gray, "gaussian_noise", severity=3)).all()), int(corrupt(gray, "contrast", 10).mean())
        ((32, 48, 3), True, 128)
    """
    corruption = find_corruption(name, severity)
    check_seed(seed)
    picture = _checked(pixels)
    module = import_module(f"isomorph.stimuli._corrupt_{corruption.family}")
    function = getattr(module, corruption.name)
    corrupted: Pixels = function(picture, corruption.parameters[severity - 1], _generator(picture, corruption.name, severity, seed))
    return corrupted


def find_corruption(name: str, severity: int) -> Corruption:
    """The corruption of this name, if it has this severity.

    Raises:
        UnknownNameError: There is no such corruption.
        InputError: The severity is not 1 … 10.
    """
    known = CORRUPTIONS.get(str(name).replace("-", "_"))
    if known is None:
        raise UnknownNameError("corruption", str(name), CORRUPTIONS, listing="`isomorph.stimuli.CORRUPTIONS` holds them")
    if isinstance(severity, bool) or not isinstance(severity, int | np.integer) or not 1 <= severity <= SEVERITIES:
        raise InputError(f"the severity of {known.name!r} is a whole number from 1 to {SEVERITIES}; got {severity!r}.")
    return known


def check_seed(seed: int) -> None:
    """Raise `InputError` unless the seed is a whole number of 0 or more."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"the seed of a corruption is a whole number of 0 or more; got {seed!r}.")


def _checked(pixels: Any) -> Pixels:
    picture = np.asarray(pixels)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ShapeError(
            f"a picture to corrupt must be uint8 [height, width, 3]; got {picture.dtype} {list(picture.shape)}. "
            "`Stimuli` gives every picture so."
        )
    if min(picture.shape[:2]) < SMALLEST_SIDE:
        raise ShapeError(
            f"a picture to corrupt must have {SMALLEST_SIDE} or more pixels on each side; got {picture.shape[0]} × {picture.shape[1]}. "
            "Enlarge it first."
        )
    return np.ascontiguousarray(picture)


def _generator(picture: Pixels, name: str, severity: int, seed: int) -> np.random.Generator:
    state = xxhash.xxh3_128(f"{int(seed)}|{name}|{int(severity)}|{picture.shape}|".encode())
    state.update(picture.data)
    return np.random.Generator(np.random.Philox(key=state.intdigest()))
