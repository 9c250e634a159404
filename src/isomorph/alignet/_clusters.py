"""Images in clusters, and the centres they are nearest to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from isomorph import spec
from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import FileError, InputError, IsomorphError, ShapeError
from isomorph.features import Features

_KIND = "clusters"


@dataclass(frozen=True, eq=False, kw_only=True)
class Clusters:
    """What `KMeans` found.

    Attributes:
        centres: `[cluster, feature]` float32.
        assignment: `[image]` int32: the cluster of each image.
        inertia: The sum over images of the squared distance to the centre of their cluster, in the (normalised) features' own unit.
        iterations: Passes over the images.
        converged: Whether centres had come to rest before the passes ran out.
        normalise: What was done to the features first: `"none"` or `"l2"`.
        options: Of the `KMeans`.
    """

    centres: FloatArray
    assignment: IntArray
    inertia: float
    iterations: int
    converged: bool
    normalise: str = "none"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.centres)

    @property
    def sizes(self) -> IntArray:
        """`[cluster]`: how many images each has."""
        counts: IntArray = np.bincount(self.assignment, minlength=len(self))
        return counts

    def __str__(self) -> str:
        sizes, rest = self.sizes, "" if self.converged else ", not at rest"
        spread = f"{sizes.min():,} to {sizes.max():,}, median {np.median(sizes):,.0f}; {int((sizes == 1).sum()):,} of one image"
        held = f"{len(self):,} clusters of {len(self.assignment):,} images ({spread})"
        return f"{held}, inertia {self.inertia:.6g} after {self.iterations} passes{rest}"

    __repr__ = __str__

    def assign(self, x: Features | FloatArray, *, device: str = "cpu") -> IntArray:
        """`[image]` int32: the nearest centre of each row of `x`, which may be memory-mapped.

        Raises:
            ShapeError: `x` has another width.
            NonFiniteError: `x` holds NaN or infinity.
        """
        from isomorph.alignet._kmeans_pass import Assignment
        from isomorph.alignet._kmeans_points import Points

        points = Points(x, self.normalise)
        if points.width != self.centres.shape[1]:
            raise ShapeError(f"the clusters have centres of {self.centres.shape[1]} features, but the images have {points.width}.")
        state = Assignment(points, len(self), device)
        state.update(self.centres.astype(np.float64))
        return state.labels

    def save(self, path: Path | str) -> Path:
        """Write `.safetensors` with a JSON header, whole or not at all.

        Raises:
            InputError: The suffix is another.
            FileError: The file cannot be written.
        """
        from isomorph.alignment._own_file import write_own

        path = Path(path)
        if path.suffix.lower() != ".safetensors":
            raise InputError(f"clusters are written as .safetensors; got {path.name!r}.")
        plain = {name: spec.to_plain(getattr(self, name)) for name in ("inertia", "iterations", "converged", "normalise", "options")}
        try:
            write_own(path, _KIND, plain, {"centres": self.centres, "assignment": self.assignment})
        except OSError as error:
            reason = getattr(error.__cause__, "strerror", None) or error.strerror or error
            raise FileError(f"{path} cannot be written: {reason}.") from error
        return path

    @classmethod
    def load(cls, path: Path | str) -> Clusters:
        """Read what `save` wrote.

        Raises:
            FileError: There is no such file, or it is damaged or something else.
        """
        from isomorph.alignment._own_file import read_own

        path = Path(path)
        if not path.is_file():
            raise FileError(f"there is no file {path}.")
        try:
            plain, tensors = read_own(path, _KIND)
            clusters = cls(centres=tensors.pop("centres"), assignment=tensors.pop("assignment"), **plain)
            if clusters.centres.ndim != 2 or clusters.assignment.ndim != 1 or not clusters.centres.size:
                raise ValueError("its arrays have other axes")
            if clusters.assignment.min() < 0 or clusters.assignment.max() >= len(clusters):
                raise ValueError("it assigns images to clusters that it does not have")
        except (IsomorphError, ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise FileError(f"{path} cannot be read as clusters: {str(error).rstrip('.')}. It is damaged, or something else.") from error
        return clusters
