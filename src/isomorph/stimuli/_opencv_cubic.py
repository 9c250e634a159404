"""The cubic resize of OpenCV, without OpenCV."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.errors import InputError, ShapeError


def opencv_cubic(image: Any, height: int, width: int) -> npt.NDArray[np.uint8]:
    r"""A picture as `cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)` gives it.

    Along each axis, output pixel $i$ lies at $x = (i + 1/2) \cdot \mathrm{in} / \mathrm{out} - 1/2$ and is the sum of the four pixels
    around $x$, weighted by the cubic kernel with $a = -0.75$; beyond the border the outermost pixel repeats. There is no antialiasing: a
    picture that shrinks a lot is sampled, not averaged, so that Pillow's bicubic resize is another thing.

    Sums are float32 and are rounded once, to the nearest of 256 levels. For random pictures fewer than 1 in 10,000 values then differ from
    what OpenCV 4.11 and 5.0 give on x86, by one level. Where OpenCV runs without the code optimised for that, it first rounds the weights
    to 11 bits, and 1 value in 20 differs by one level.

    Args:
        image: uint8 [height, width, 3].
        height: Of the result, in pixels.
        width: Of the result, in pixels.

    Returns:
        uint8 [height, width, 3].

    Raises:
        ShapeError: The picture is not a uint8 array of three channels.
        InputError: A size is below 1.

    Example:
        >>> ramp = np.repeat(np.arange(0, 240, 30, dtype=np.uint8)[None, :, None], 3, axis=2)
        >>> opencv_cubic(ramp, 1, 4)[0, :, 0].tolist()
        [12, 75, 135, 198]
    """
    picture = np.asarray(image)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise ShapeError(f"a picture must be uint8 [height, width, 3]; got {picture.dtype} {list(picture.shape)}.")
    if min(height, width) < 1:
        raise InputError(f"a picture is resized to at least 1 × 1 pixels; got {height} × {width}.")
    if picture.shape[:2] == (height, width):
        return picture.copy()
    rows, down = _taps(picture.shape[0], height)
    columns, across = _taps(picture.shape[1], width)
    tall = sum(down[tap][:, None, None] * picture[rows[tap]] for tap in range(4))
    values: npt.NDArray[np.float32] = sum(across[tap][:, None] * np.take(tall, columns[tap], axis=1) for tap in range(4))
    return np.rint(values).clip(0, 255).astype(np.uint8)


def _taps(size: int, wanted: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """For each output pixel the four pixels it is made of, and their weights: both [tap, output]."""
    place = (np.arange(wanted) + 0.5) * (size / wanted) - 0.5
    first = np.floor(place)
    x, a = place - first, -0.75
    inner, after = (((a + 2) * each - (a + 3)) * each**2 + 1 for each in (x, 1 - x))
    outer = a * x * (1 - x) ** 2
    weights = np.stack([outer, inner, after, 1 - outer - inner - after])
    where = first.astype(np.intp) + np.arange(-1, 3)[:, None]
    return where.clip(0, size - 1), weights.astype(np.float32)
