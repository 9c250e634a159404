"""Noise."""

from __future__ import annotations

import numpy as np

from isomorph.stimuli._corrupt_table import Parameters
from isomorph.stimuli._corrupt_values import to_bytes
from isomorph.stimuli._decode import Pixels


def gaussian_noise(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """Add a normal deviate to every value."""
    (sigma,) = parameters
    noise = rng.standard_normal(pixels.shape, dtype=np.float32)
    return to_bytes(pixels / np.float32(255) + np.float32(sigma) * noise)


def shot_noise(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """Count photons: Poisson with as many expected as the value is bright."""
    (photons,) = parameters
    return to_bytes(rng.poisson(pixels * (photons / 255)) / photons)


def impulse_noise(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """Replace a share of the values, each channel by itself, by black or white."""
    (share,) = parameters
    draw = rng.random(pixels.shape, dtype=np.float32)
    return np.where(draw < share, np.where(draw < share / 2, np.uint8(0), np.uint8(255)), pixels)
