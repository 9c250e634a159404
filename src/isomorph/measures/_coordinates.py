"""A thing's stimuli as points in the fewest dimensions that hold them, and what shape measures need of those points."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import ShapeError
from isomorph.features import Features
from isomorph.geometry import Gram
from isomorph.geometry._centre import centre_columns

_EPS = float(np.finfo(np.float64).eps)
NEGLIGIBLE_CHANCE = 0.05


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Points `[stimulus, direction]` in float64 with the inner products of the features, or the features themselves.

    Measures that don't change under rotation see no difference, and there are never more directions than stimuli.

    Attributes:
        points: Centred, unless `centre` is False.
        tolerance: Singular values up to this share of the largest are rounding, and do not count as directions: max(n, p) · 2⁻⁵² for
            features in float64, at least 8 · 2⁻²³ for float32, and √(n · 2⁻⁵²) where they come from a Gram matrix.
        centre: Whether the mean stimulus is taken away.
        whole: False for a part or a reordering of the stimuli; those give no warnings.
    """

    points: FloatArray
    tolerance: float
    centre: bool = True
    whole: bool = True

    @classmethod
    def of(cls, x: Any, *, centre: bool = True, reduce: bool = True) -> Coordinates:
        """The points of features, or of a Gram matrix; with `reduce=False` features stay as they are, column by column."""
        if isinstance(x, Coordinates):
            return x
        if isinstance(x, Gram):
            values, vectors = np.linalg.eigh(x.centred if centre else x.raw())
            tolerance = float(np.sqrt(len(x) * _EPS))
            keep = values > values[-1] * tolerance**2 if len(values) else values > 0
            return cls(vectors[:, keep] * np.sqrt(np.maximum(values[keep], 0)), tolerance, centre)
        features = x.values if isinstance(x, Features) else np.asarray(x)
        points = centre_columns(features)[0] if centre else features.astype(np.float64)
        n, width = points.shape
        if reduce and width > n:
            points = rotated(points)
        single = 8 * float(np.finfo(np.float32).eps) if features.dtype == np.float32 else 0.0
        return cls(points, max(max(n, width) * _EPS, single), centre)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def ids(self) -> range:
        """Rows go by their number."""
        return range(len(self))

    def take(self, rows: Sequence[int]) -> Coordinates:
        """Some of the stimuli, about their own mean; a mere reordering keeps what was computed."""
        at = np.asarray(rows, dtype=np.intp)
        points = self.points[at]
        if len(at) == len(self) and len(np.unique(at)) == len(self):
            same = Coordinates(points, self.tolerance, self.centre, whole=False)
            if "svd" in self.__dict__:
                left, values, right = self.svd
                same.__dict__["svd"] = left[at], values, right
            if "basis" in self.__dict__:
                same.__dict__["basis"] = self.basis[at]
            return same
        return Coordinates(centre_columns(points)[0] if self.centre else points, self.tolerance, self.centre, whole=False)

    @cached_property
    def norm(self) -> float:
        """The Frobenius norm."""
        return float(np.linalg.norm(self.points))

    @cached_property
    def svd(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The thin singular value decomposition, without directions that are rounding."""
        left, values, right = np.linalg.svd(self.points, full_matrices=False)
        keep = values > (values[0] * self.tolerance if len(values) else 0.0)
        return left[:, keep], values[keep], right[keep]

    @cached_property
    def basis(self) -> FloatArray:
        """Orthonormal `[stimulus, direction]`: what the features span, in no order."""
        if "svd" in self.__dict__ or self.points.shape[1] >= len(self):
            return self.svd[0]
        directions, triangle = np.linalg.qr(self.points)
        values = np.linalg.svd(triangle, compute_uv=False)
        return np.asarray(directions) if len(values) and values[-1] > values[0] * self.tolerance else self.svd[0]

    @property
    def left(self) -> FloatArray:
        """The left singular vectors, in the order of the singular values."""
        return self.svd[0]

    @property
    def rank(self) -> int:
        """How many directions the stimuli span."""
        return int(self.basis.shape[1])


def rotated(points: FloatArray) -> FloatArray:
    """Points `[stimulus, direction]` in no more directions than stimuli, with the same inner products; no digit is squared away."""
    return np.ascontiguousarray(np.asarray(np.linalg.qr(points.T, mode="r")).T)


def require_variation(x: Coordinates, y: Coordinates, measure: str) -> None:
    """Raise `ShapeError` where one of the two is a single point."""
    for letter, each in (("x", x), ("y", y)):
        if not each.norm > 0:
            raise ShapeError(f"{letter} does not vary over its stimuli, so that {measure} is 0/0. Leave it out.")


def nuclear_norm(matrix: FloatArray) -> float:
    """The sum of the singular values, without the vectors."""
    return float(np.linalg.svd(matrix, compute_uv=False).sum())


def without_rounding(gap: float, scale: float, terms: int) -> float:
    """`gap`, a difference of sums of this many terms that add up to `scale`, or exactly 0 where rounding could have made it."""
    return gap if gap > max(64, terms) * _EPS * scale else 0.0


def warn_of_chance(measure: str, expected: float | None, n: int, widths: tuple[int, int], way_out: str, *, level: int = 5) -> None:
    """Warn where unrelated features that span so many directions would score more than 0.05."""
    if expected is not None and expected > NEGLIGIBLE_CHANCE:
        warnings.warn(
            f"{measure} of unrelated features that span {widths[0]} and {widths[1]} directions is about {expected:.2f} with {n} stimuli. "
            f"{way_out}",
            UserWarning,
            stacklevel=level,
        )
