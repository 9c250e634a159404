"""k-means over features that need not fit in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from isomorph import spec
from isomorph.alignet._clusters import Clusters
from isomorph.alignet._kmeans_init import plus_plus, random_rows
from isomorph.alignet._kmeans_mini_batch import mini_batch
from isomorph.alignet._kmeans_pass import Assignment
from isomorph.alignet._kmeans_points import Points
from isomorph.arrays import FloatArray
from isomorph.engine import Progress, Task
from isomorph.errors import InputError, ShapeError
from isomorph.features import Features

INITS, METHODS, NORMALISATIONS = ("k-means++", "random"), ("lloyd", "mini-batch"), ("none", "l2")


@dataclass(frozen=True, kw_only=True)
class KMeans:
    r"""Groups images so that the sum of squared distances from their cluster's mean is small.

    $$\min_{c} \sum_i \min_k \lVert x_i - c_k \rVert^2$$

    Features are read in blocks, as float32 whatever they are on disk, so that a memory-mapped float16 file of any length will do; sums are
    float64. What AligNet's clusters were made of (normalised or not, mapped or not) has not been published, so all of it is an option.

    Attributes:
        clusters: How many.
        init: `"k-means++"` (greedy; on at most `init_rows` images drawn at random) or `"random"` images.
        method: `"lloyd"`, or `"mini-batch"`: steps on `batch` images at a time, much sooner done and a little worse.
        epochs: The most passes over all images.
        tolerance: Rest: the centres' squared movement in a pass is at most this share of the features' mean variance. 0: until no image
            changes its cluster.
        normalise: `"none"`, or `"l2"`: each row is scaled to length 1 first, so that clusters go by cosine.
        batch: Images in a step of mini-batch.
        init_rows: See `init`.
        restarts: How often to begin anew with the next seed; the least inertia wins.
        seed: Of draws.

    Raises:
        InputError: An option is out of its range.

    References:
        Lloyd, 1982; Arthur & Vassilvitskii, 2007 (k-means++); Sculley, 2010 (mini-batch).

    Example:
        >>> x = np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], 10, axis=0) + np.random.default_rng(0).normal(size=(30, 2))
        >>> KMeans(clusters=3).fit(x).sizes.tolist()
        [10, 10, 10]
    """

    clusters: int = 500
    init: Literal["k-means++", "random"] = "k-means++"
    method: Literal["lloyd", "mini-batch"] = "lloyd"
    epochs: int = 100
    tolerance: float = 1e-4
    normalise: Literal["none", "l2"] = "none"
    batch: int = 8192
    init_rows: int = 50_000
    restarts: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (("init", INITS), ("method", METHODS), ("normalise", NORMALISATIONS)):
            if getattr(self, name) not in known:
                raise InputError(f"{name} of k-means is {' or '.join(map(repr, known))}; got {getattr(self, name)!r}.")
        for name in ("clusters", "epochs", "batch", "init_rows", "restarts"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} of k-means must be at least 1; got {getattr(self, name)}.")
        if self.seed < 0:
            raise InputError(f"the seed of k-means must be 0 or more; got {self.seed}.")
        if not 0 <= self.tolerance < np.inf:
            raise InputError(f"tolerance of k-means must be 0 or more; got {self.tolerance}.")

    def fit(
        self,
        x: Features | FloatArray,
        *,
        centres: FloatArray | None = None,
        device: str = "cpu",
        progress: Progress | None = None,
    ) -> Clusters:
        """Find the clusters of images.

        Args:
            x: `[image, feature]`; an array (also float16) may be memory-mapped.
            centres: Begin with these `[cluster, feature]`, instead of `init`.
            device: `"cpu"` or a GPU: where distances are computed.
            progress: Shows the passes.

        Raises:
            ShapeError: There are fewer images than clusters; or `centres` do not fit; or a row of length 0 is to have length 1.
            NonFiniteError: A row holds NaN or infinity.
            DeviceError: This machine has no such device.
        """
        points = Points(x, self.normalise)
        if points.n < self.clusters:
            raise ShapeError(f"there are {points.n:,} images, too few for {self.clusters:,} clusters. Ask for fewer clusters.")
        if centres is not None and np.shape(centres) != (self.clusters, points.width):
            raise ShapeError(f"centres to begin with need the shape ({self.clusters}, {points.width}); got {np.shape(centres)}.")
        runs = [None] if centres is not None else range(self.seed, self.seed + self.restarts)
        found = []
        for seed in runs:
            label = f"k-means, {self.clusters} clusters" + (f", start {seed}" if len(runs) > 1 else "")
            with (progress or Progress(quiet=True)).task(label, unit="passes") as task:
                begin = self._begin(points, seed) if centres is None else np.asarray(centres, dtype=np.float64)
                found.append(self._run(points, begin, device, seed or 0, task))
        return min(found, key=lambda each: each.inertia)

    def _begin(self, points: Points, seed: int | None) -> FloatArray:
        rng = np.random.default_rng(seed)
        if self.init == "random":
            return random_rows(points, self.clusters, rng).astype(np.float64)
        return plus_plus(random_rows(points, min(max(self.init_rows, self.clusters), points.n), rng), self.clusters, rng)

    def _run(self, points: Points, centres: FloatArray, device: str, seed: int, task: Task) -> Clusters:
        state, rest = Assignment(points, self.clusters, device), self.tolerance * points.spread / points.n / points.width
        iterations, converged = 0, False
        if self.method == "mini-batch":
            centres, iterations, converged = mini_batch(points, centres, self, device, rest, task)
        while self.method == "lloyd" and iterations < self.epochs and not converged:
            state.update(centres)
            state.repair(centres)
            before, centres = centres, state.means(centres)
            iterations += 1
            task.advance()
            converged = state.changed == 0 or float(((centres - before) ** 2).sum()) <= rest
        if state.changed:
            state.update(centres)
        if state.repair(centres):
            centres = state.means(centres)
        return Clusters(
            centres=centres.astype(np.float32), assignment=state.labels, inertia=state.inertia(centres), iterations=iterations,
            converged=converged, normalise=self.normalise, options=spec.to_plain(self),
        )  # fmt: skip
