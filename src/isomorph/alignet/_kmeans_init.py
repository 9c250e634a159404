"""Centres to begin with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from isomorph.alignet._kmeans_points import Points
from isomorph.arrays import FloatArray


def random_rows(points: Points, count: int, rng: np.random.Generator) -> FloatArray:
    """`[count, feature]`: different images, drawn evenly."""
    return points[np.sort(rng.choice(points.n, size=count, replace=False))]


def plus_plus(points: FloatArray, clusters: int, rng: np.random.Generator) -> FloatArray:
    """`[cluster, feature]` float64: greedy k-means++.

    Each further centre is a point drawn with a probability in proportion to its squared distance from the centres so far; of
    2 + ⌊ln clusters⌋ draws the one that leaves the least sum of squared distances stays.

    References:
        Arthur & Vassilvitskii, 2007, k-means++: the advantages of careful seeding.
    """
    mean = points.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = points - mean  # products of small numbers keep their digits
    squares = np.einsum("ij,ij->i", centred, centred)
    tries = 2 + int(math.log(clusters))
    chosen = [int(rng.integers(len(points)))]
    nearest = _squared(centred, squares, chosen)[0]
    while len(chosen) < clusters:
        running = np.cumsum(nearest, dtype=np.float64)
        if running[-1] > 0:
            drawn = np.minimum(np.searchsorted(running, rng.random(tries) * running[-1], side="right"), len(points) - 1)
        else:  # fewer different points than clusters
            drawn = rng.integers(len(points), size=tries)
        left = np.minimum(_squared(centred, squares, drawn), nearest)
        best = int(left.sum(axis=1, dtype=np.float64).argmin())
        nearest = left[best]
        chosen.append(int(drawn[best]))
    return points[chosen].astype(np.float64)


def _squared(points: FloatArray, squares: FloatArray, rows: Any) -> FloatArray:
    """`[row, point]`: squared distances from the points of `rows`."""
    found: FloatArray = -2 * (points[rows] @ points.T)
    found += squares[rows][:, None]
    found += squares
    np.maximum(found, 0, out=found)
    found[np.arange(len(rows)), rows] = 0  # exactly: a centre is never drawn again
    return found
