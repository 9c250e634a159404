"""From bytes to values and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from isomorph.stimuli._decode import Pixels

Values = np.ndarray[Any, np.dtype[Any]]


def to_planes(pixels: Pixels) -> Values:
    """uint8 [height, width, channel] → float32 [channel, height, width], white is 1."""
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.float32)
    planes /= 255
    return planes


def to_bytes(values: Values) -> Pixels:
    """Values where white is 1, clipped → uint8, cut off rather than rounded, as ImageNet-C's were.

    A thousandth of a step is added first: a whole number that arithmetic left a hair too small stays what it is.
    """
    scaled = values * 255
    scaled += 1e-3
    return np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)


def from_planes(planes: Values) -> Pixels:
    """Values [channel, height, width] → uint8 [height, width, channel], as `to_bytes`."""
    return np.ascontiguousarray(to_bytes(planes).transpose(1, 2, 0))
