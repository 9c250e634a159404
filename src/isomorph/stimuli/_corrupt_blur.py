"""Blur."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy import fft, ndimage

from isomorph.stimuli._corrupt_sample import gaussian, moved, reflected, zoomed
from isomorph.stimuli._corrupt_table import Parameters
from isomorph.stimuli._corrupt_values import Values, from_planes, to_bytes, to_planes
from isomorph.stimuli._decode import Pixels


def glass_blur(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """Blur, let every pixel take the colour of one nearby, several times, and blur again.

    In each pass pixels are visited from the last to the first, and each becomes what its neighbour is at that moment: a new colour where
    the neighbour has been visited, an old one where not. (The published program writes this as an exchange of two array views, in which
    only the first assignment has an effect; the published pictures are made so.)
    """
    sigma, reach, passes = parameters
    height, width = pixels.shape[:2]
    shown = to_bytes(_blurred(pixels, sigma)).reshape(-1, 3)
    for _ in range(passes):
        dx, dy = rng.integers(-reach, reach, size=(2, height, width), dtype=np.int32)
        shown = shown.take(taken_from(dx, dy), axis=0)
    return to_bytes(_blurred(shown.reshape(pixels.shape), sigma))


def taken_from(dx: Any, dy: Any) -> Any:
    """For each pixel, which one's old colour it ends with when all take their neighbour's in turn, the last pixel first.

    A pixel whose neighbour stands later in the order of reading takes what that one has become, and so on; these chains are followed by
    doubling, in about as many rounds as the logarithm of the longest.
    """
    height, width = dx.shape
    rows = reflected(np.arange(height)[:, None] + dy, height)
    columns = reflected(np.arange(width) + dx, width)
    source = (rows * width + columns).ravel()
    final = source <= np.arange(source.size)
    open_ = np.flatnonzero(~final)
    while open_.size:
        beyond = source[open_]
        source[open_], done = source[beyond], final[beyond]
        final[open_[done]] = True
        open_ = open_[~done]
    return source


def _blurred(pixels: Pixels, sigma: float) -> Values:
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)) / 255
    return np.ascontiguousarray(gaussian(planes, sigma, "nearest", truncate=4).transpose(1, 2, 0))


def defocus_blur(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """Mean over a disk with a soft edge; the picture is reflected at its border."""
    radius, alias = parameters
    kernel = disk(radius, alias)
    half = kernel.shape[0] // 2
    planes = np.pad(to_planes(pixels), ((0, 0), (half, half), (half, half)), mode="reflect")
    shape = tuple(fft.next_fast_len(side, real=True) for side in planes.shape[1:])
    # the disk is its own mirror image, so that correlation is convolution; what wraps around falls outside the part kept
    blurred = fft.irfft2(fft.rfft2(planes, shape) * fft.rfft2(kernel.astype(np.float32), shape), shape)
    return from_planes(blurred[:, 2 * half : 2 * half + pixels.shape[0], 2 * half : 2 * half + pixels.shape[1]])


@lru_cache(maxsize=16)
def disk(radius: int, alias: float) -> Values:
    """The kernel: a disk of equal weights, blurred by a small Gaussian (3 or 5 pixels wide, reflected at the kernel's own edge)."""
    half = max(8, radius)
    x = np.arange(-half, half + 1)
    flat: Values = (x[:, None] ** 2 + x**2 <= radius**2).astype(np.float64)
    flat /= flat.sum()
    taps = np.exp(-((np.arange(-1, 2) if radius <= 8 else np.arange(-2, 3)) ** 2) / (2 * alias**2))
    taps /= taps.sum()
    for axis in (0, 1):
        flat = ndimage.correlate1d(flat, taps, axis=axis, mode="mirror")
    return flat


def motion_blur(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """Smear in a direction within 45° of horizontal."""
    radius, sigma = parameters
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.float32)
    smeared = moved(planes, radius, sigma, rng.uniform(-45, 45))
    return np.ascontiguousarray(np.rint(smeared).astype(np.uint8).transpose(1, 2, 0))


def zoom_blur(pixels: Pixels, parameters: Parameters, rng: np.random.Generator) -> Pixels:
    """Mean of the picture and of its centre, enlarged more and more."""
    largest, step = parameters
    planes = to_planes(pixels)
    factors = [float(each) for each in np.arange(1, largest, step)]
    total = planes.copy()
    for each in factors:
        total += zoomed(planes, each)
    return from_planes(total / (len(factors) + 1))
