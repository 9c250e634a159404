"""Pictures read at other places: filtered, smeared, enlarged, warped."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from scipy import ndimage

from isomorph.stimuli._corrupt_values import Values

Border = Literal["nearest", "reflect"]


def reflected(index: Any, size: int, *, edge_twice: bool = False) -> Any:
    """Whole numbers folded into 0 … size - 1: … 2 1 0 1 2 …, or with the edge twice … 2 1 0 0 1 2 …."""
    period = 2 * size if edge_twice else 2 * (size - 1)
    inside = index % period
    return np.where(inside < size, inside, period - edge_twice - inside)


def gaussian(values: Values, sigma: float, border: Border, *, truncate: float) -> Values:
    """The last two axes filtered by a Gaussian cut off at `truncate` standard deviations.

    Where the kernel is a large part of the picture, a product with a matrix that is kept is faster than the filter.
    """
    radius = int(truncate * sigma + 0.5)
    for axis in (-2, -1):
        size = values.shape[axis]
        if 16 * radius < size:
            values = ndimage.gaussian_filter1d(values, sigma, axis=axis, mode=border, truncate=truncate)
        else:
            matrix = _gaussian_matrix(size, sigma, radius, border)
            values = matrix @ values if axis == -2 else values @ matrix.T
    return values


@lru_cache(maxsize=16)
def _gaussian_matrix(size: int, sigma: float, radius: int, border: Border) -> Values:
    taps = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (taps / sigma) ** 2)
    weights /= weights.sum()
    columns = np.arange(size)[:, None] + taps
    columns = np.clip(columns, 0, size - 1) if border == "nearest" else reflected(columns, size, edge_twice=True)
    cells = (np.arange(size)[:, None] * size + columns).ravel()
    return np.bincount(cells, np.tile(weights, size), minlength=size * size).reshape(size, size)


def moved(planes: Values, radius: int, sigma: float, angle_degrees: float) -> Values:
    """Float32 [channel, height, width], smeared along a line: one side of a Gaussian of 2 radius + 1 taps, the border repeated.

    Tap i is read at the pixel nearest to i steps in the direction of the angle, halves rounded down, as ImageMagick does it.
    """
    steps = np.arange(2 * radius + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    weights = (weights / weights.sum()).astype(np.float32)
    angle = np.deg2rad(angle_degrees)
    dx, dy = (np.ceil(steps * each - 0.5).astype(int) for each in (np.cos(angle), np.sin(angle)))
    left, top = -min(dx.min(), 0), -min(dy.min(), 0)
    padded = np.pad(planes, ((0, 0), (top, max(dy.max(), 0)), (left, max(dx.max(), 0))), mode="edge")
    height, width = planes.shape[1:]
    total, part = np.zeros_like(planes), np.empty_like(planes)
    for weight, x, y in zip(weights, left + dx, top + dy, strict=True):
        total += np.multiply(padded[:, y : y + height, x : x + width], weight, out=part)
    return total


def zoomed(planes: Values, factor: float) -> Values:
    """The centre of float32 [channel, height, width], enlarged `factor` times by linear interpolation, cut to the same size."""
    rows, columns = (_zoom_taps(size, factor) for size in planes.shape[1:])
    first, last = rows[0][0], rows[1][-1] + 1
    wide = _between(planes[:, first:last], columns, axis=2)
    return _between(wide, (rows[0] - first, rows[1] - first, rows[2][:, None]), axis=1)


def _between(planes: Values, taps: Any, *, axis: int) -> Values:
    low, high, share = taps
    at: Values = planes.take(low, axis=axis)
    after = planes.take(high, axis=axis)
    after -= at
    after *= share
    at += after
    return at


@lru_cache(maxsize=256)
def _zoom_taps(size: int, factor: float) -> tuple[Any, Any, Any]:
    """For each of `size` places: the two to interpolate between, and the share of the second. Corners stay corners."""
    part = int(np.ceil(size / factor))
    enlarged = round(part * factor)
    trim = (enlarged - size) // 2
    place = np.arange(trim, trim + size) * ((part - 1) / (enlarged - 1))
    low = np.minimum(place.astype(int), part - 1)
    first = (size - part) // 2
    return first + low, first + np.minimum(low + 1, part - 1), (place - low).astype(np.float32)


def sampled(picture: Values, x: Values, y: Values, *, edge_twice: bool) -> Values:
    """A picture [height, width, channel] read between its pixels at x, y [height, width], linearly, reflected at its border."""
    height, width, channels = picture.shape
    flat = picture.reshape(-1, channels)
    left, top = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    beyond_x, beyond_y = ((each - whole).astype(np.float32)[..., None] for each, whole in ((x, left), (y, top)))
    columns = [reflected(left + step, width, edge_twice=edge_twice) for step in (0, 1)]
    rows = [reflected(top + step, height, edge_twice=edge_twice) * width for step in (0, 1)]
    lines: list[Values] = []
    for row in rows:
        near, far = (flat.take(row + column, axis=0) for column in columns)
        far -= near
        far *= beyond_x
        near += far
        lines.append(near)
    lines[1] -= lines[0]
    lines[1] *= beyond_y
    lines[0] += lines[1]
    return lines[0]
