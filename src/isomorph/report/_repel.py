"""Labels that keep out of one another's way."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
_GAPS = (1.4, 2.6, 4.5, 7.0)


def place_labels(points: Points, sizes: Points, *, size: tuple[float, float], radius: float) -> Points:
    """Lower left corners `[point, 2]` of labels beside their points.

    One label after the other takes the place around its point that covers least of points, earlier labels and the outside;
    nearer places win ties. `assets/map.js` does the same in the page.

    Args:
        points: `[point, 2]`, in pixels.
        sizes: `[point, 2]`: widths and heights of the labels.
        size: Width and height of the frame.
        radius: Half the width of a point's mark.
    """
    taken = [(x - radius, y - radius, x + radius, y + radius) for x, y in points]
    corners = np.zeros_like(points)
    for index, ((x, y), (width, height)) in enumerate(zip(points, sizes, strict=True)):
        others = [box for place, box in enumerate(taken) if place != index]
        places = _around(x, y, width, height, radius)
        costs = [
            order + 10 * sum(_overlap((left, low, left + width, low + height), box) for box in others)
            + 40 * _outside(left, low, left + width, low + height, size)
            for order, (left, low) in enumerate(places)
        ]  # fmt: skip
        left, low = places[int(np.argmin(costs))]
        taken.append((left, low, left + width, low + height))
        corners[index] = left, low
    return corners


def _around(x: float, y: float, width: float, height: float, radius: float) -> list[tuple[float, float]]:
    places = []
    for gap in (radius * each for each in _GAPS):
        places += [
            (x + gap, y - height / 2),
            (x - gap - width, y - height / 2),
            (x - width / 2, y + gap),
            (x - width / 2, y - gap - height),
        ]
        slant = 0.7 * gap
        places += [
            (x + slant, y + slant),
            (x + slant, y - slant - height),
            (x - slant - width, y + slant),
            (x - slant - width, y - slant - height),
        ]
    return places


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _outside(left: float, low: float, right: float, high: float, size: tuple[float, float]) -> float:
    return max(0.0, -left) + max(0.0, -low) + max(0.0, right - size[0]) + max(0.0, high - size[1])
