"""k-means in small steps: centres move with each batch of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from isomorph.alignet._kmeans_nearest import Kernel, kernel_on, prepared
from isomorph.alignet._kmeans_points import Points
from isomorph.arrays import FloatArray
from isomorph.engine import Task

if TYPE_CHECKING:
    from isomorph.alignet._kmeans import KMeans


def mini_batch(points: Points, centres: FloatArray, of: KMeans, device: str, rest: float, task: Task) -> tuple[FloatArray, int, bool]:
    """Centres, epochs, and whether they came to rest: an epoch moved them by no more than `rest` (squared, all together).

    Each centre is the mean of all images that were nearest to it when they were shown; an epoch shows every image once. A centre that no
    image of an epoch was nearest to is put onto one of the last batch that lies far from its own.
    """
    kernel, rng = kernel_on(device), np.random.default_rng([of.seed, 1])
    seen = np.zeros(len(centres), dtype=np.int64)
    for epoch in range(1, of.epochs + 1):
        before, order, shown = centres.copy(), rng.permutation(points.n), np.zeros(len(centres), dtype=np.int64)
        for start in range(0, points.n, of.batch):
            block = points[np.sort(order[start : start + of.batch])]
            counts = _step(kernel, block, centres, seen, points.mean)
            shown += counts
        unused = np.flatnonzero(shown == 0)
        if len(unused):
            far = np.argsort(-_distances(kernel, block, centres, points.mean), kind="stable")[: len(unused)]
            centres[unused[: len(far)]] = block[far]
            seen[unused] = 0
        task.advance()
        if not len(unused) and float(((centres - before) ** 2).sum()) <= rest:
            return centres, epoch, True
    return centres, of.epochs, False


def _step(kernel: Kernel, block: FloatArray, centres: FloatArray, seen: npt.NDArray[np.int64], mean: FloatArray) -> npt.NDArray[np.int64]:
    labels = prepared(kernel, centres, mean).nearest(block)
    counts = np.bincount(labels, minlength=len(centres))
    hit = counts > 0
    seen += counts
    sums = kernel.sums(block, labels)[hit]
    centres[hit] += (sums - counts[hit, None] * centres[hit]) / seen[hit, None]
    return counts


def _distances(kernel: Kernel, block: FloatArray, centres: FloatArray, mean: FloatArray) -> FloatArray:
    labels = prepared(kernel, centres, mean).nearest(block)
    away = block - centres[labels]
    return np.asarray(np.einsum("ij,ij->i", away, away))
