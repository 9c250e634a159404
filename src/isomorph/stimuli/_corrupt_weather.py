"""Weather."""

from __future__ import annotations

from typing import Any

import numpy as np

from isomorph.stimuli._corrupt_frost import TEXTURES, frost_texture
from isomorph.stimuli._corrupt_sample import moved, zoomed
from isomorph.stimuli._corrupt_table import Parameters
from isomorph.stimuli._corrupt_values import Values, to_bytes
from isomorph.stimuli._decode import Pixels

_GRAY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def fog(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """Add a plasma, and scale so that the brightest value stays in range."""
    amount, decay = parameters
    height, width = pixels.shape[:2]
    values = pixels / np.float32(255)
    brightest = float(values.max())
    clouds = plasma(1 << (max(height, width) - 1).bit_length(), decay, rng)[:height, :width, None]
    return to_bytes((values + amount * clouds) * (brightest / (brightest + amount)))


def plasma(size: int, decay: float, rng: np.random.Generator) -> Values:
    """A height map [size, size] in [0, 1] by diamond and square steps on a torus; `size` is a power of two.

    Each new point is the mean of four around it and a deviate, uniform within ± w²; w is divided by `decay` after each halving.
    """
    heights: Values = np.zeros((size, size))
    step, w = size, 100.0

    def settle(total: Any) -> Any:
        return total / 4 + w * rng.uniform(-w, w, total.shape)

    while step >= 2:
        half = step // 2
        corner = heights[::step, ::step]
        right, below = np.roll(corner, -1, axis=1), np.roll(corner, -1, axis=0)
        centre = settle(corner + right + below + np.roll(right, -1, axis=0))
        heights[half::step, half::step] = centre
        heights[::step, half::step] = settle(corner + right + centre + np.roll(centre, 1, axis=0))
        heights[half::step, ::step] = settle(corner + below + centre + np.roll(centre, 1, axis=1))
        step, w = half, w / decay
    heights -= heights.min()
    heights /= heights.max()
    return heights


def frost(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """Lay a piece of one of six drawn frosted windows over the picture."""
    weight, frost_weight = (np.float32(each / 255) for each in parameters)
    height, width = pixels.shape[:2]
    texture = frost_texture(int(rng.integers(TEXTURES)), height, width)
    top, left = (int(rng.integers(0, have - need + 1)) for have, need in zip(texture.shape, (height, width), strict=False))
    return to_bytes(weight * pixels + frost_weight * texture[top : top + height, left : left + width])


def snow(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """Whiten the picture, and let blurred flakes fall in two opposite slants."""
    mean, sd, zoom, threshold, radius, sigma, weight = parameters
    flakes = zoomed(rng.normal(mean, sd, (1, *pixels.shape[:2])).astype(np.float32), zoom)
    flakes[flakes < threshold] = 0
    falling = moved(to_bytes(flakes).astype(np.float32), radius, sigma, rng.uniform(-135, -45))
    layer = (np.rint(falling) / 255).transpose(1, 2, 0)
    values = pixels / np.float32(255)
    whitened = np.maximum(values, (values @ _GRAY)[..., None] * 1.5 + 0.5)
    return to_bytes(weight * values + (1 - weight) * whitened + layer + np.rot90(layer, k=2))
