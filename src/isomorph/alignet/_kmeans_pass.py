"""One pass of Lloyd's algorithm: every image to its nearest centre, and the sums that the next centres come from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from isomorph.alignet._kmeans_nearest import Kernel, kernel_on, prepared
from isomorph.alignet._kmeans_points import Points
from isomorph.arrays import FloatArray, IntArray
from isomorph.judgments._blocks import cores


class Assignment:
    """The clusters of all images, kept up to date as centres move.

    Sums follow only the images that change their cluster.

    Attributes:
        labels: `[image]` int32; -1 before the first pass.
        sums: `[cluster, feature]` float64, of the images of each cluster.
        counts: `[cluster]`.
        changed: How many images changed their cluster in the last pass.
    """

    def __init__(self, points: Points, clusters: int, device: str = "cpu") -> None:
        self._points, self._kernel = points, kernel_on(device)
        self.labels: IntArray = np.full(points.n, -1, dtype=np.int32)
        self.sums = np.zeros((clusters, points.width))
        self.counts: IntArray = np.zeros(clusters, dtype=np.int64)
        self.changed = points.n

    def update(self, centres: FloatArray) -> None:
        """Assign every image to the nearest of `centres` `[cluster, feature]` float64; of equal ones the first."""
        kernel = prepared(self._kernel, centres, self._points.mean)
        self.changed = 0
        with ThreadPoolExecutor(cores()) as pool:
            for moved, difference in pool.map(lambda rows: self._block(rows, kernel), self._points.blocks()):
                if difference is not None:  # added here, one block after another, so that threads change no digit
                    self.sums += difference
                self.changed += moved
        self.counts = np.bincount(self.labels, minlength=len(centres))

    def _block(self, rows: slice, kernel: Kernel) -> tuple[int, FloatArray | None]:
        block = self._points[rows]
        labels = kernel.nearest(block)
        before = self.labels[rows]
        moved = np.flatnonzero(labels != before)
        if not len(moved):
            return 0, None
        points, old = block[moved], before[moved]
        difference = kernel.sums(points, labels[moved])
        if (old >= 0).all():
            difference = difference - kernel.sums(points, old)
        self.labels[rows] = labels
        return len(moved), difference

    def repair(self, centres: FloatArray) -> int:
        """Give each empty cluster the image that lies farthest from its centre, of a cluster that keeps another; how many there were."""
        empty = np.flatnonzero(self.counts == 0)
        if not len(empty):
            return 0
        distance = self.distances(centres)
        donors = np.argsort(-distance, kind="stable")
        at = 0
        for cluster in empty:
            while self.counts[self.labels[donors[at]]] < 2:
                at += 1
            image, at = int(donors[at]), at + 1
            old, point = self.labels[image], self._points[np.array([image])][0].astype(np.float64)
            self.sums[old] -= point
            self.sums[cluster] = point
            self.counts[old] -= 1
            self.counts[cluster] = 1
            self.labels[image] = cluster
        return len(empty)

    def distances(self, centres: FloatArray) -> FloatArray:
        """`[image]` float64: the squared distance of each image from its own centre."""
        found = np.empty(self._points.n)
        for rows in self._points.blocks():
            away = self._points[rows] - centres[self.labels[rows]]
            found[rows] = np.einsum("ij,ij->i", away, away)
        return found

    def inertia(self, centres: FloatArray) -> float:
        """The sum of squared distances from `centres`, from the sums alone, about the mean of all images."""
        shifted = centres - self._points.mean
        about_mean = self.sums - self.counts[:, None] * self._points.mean
        moved = (self.counts * (shifted * shifted).sum(axis=1)).sum() - 2 * (shifted * about_mean).sum()
        return max(float(self._points.spread + moved), 0.0)

    def means(self, centres: FloatArray) -> FloatArray:
        """`[cluster, feature]`: the mean of each cluster; an empty one stays where it is."""
        filled = self.counts > 0
        found = centres.copy()
        found[filled] = self.sums[filled] / self.counts[filled, None]
        return found
