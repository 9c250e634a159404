"""Dissimilarities between all pairs of stimuli."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, as_floats, positions, unique_ids
from isomorph.errors import InputError, NonFiniteError, ShapeError
from isomorph.features import Features
from isomorph.geometry._distance import condensed_distances


@dataclass(frozen=True, eq=False)
class RDM:
    """A representational dissimilarity matrix, held as its strict upper triangle, row by row.

    Attributes:
        values: `[pair]`: the distances (0, 1), (0, 2) … (1, 2) …; float32 or float64.
        ids: The stimuli; n of them make n(n − 1)/2 pairs.
        distance: Which distance it holds: `"correlation"` (1 − Pearson, 0 … 2), `"cosine"` (0 … 2), `"euclidean"`,
            `"sqeuclidean"`, or a word of the caller's for a stored matrix.
        layer: Where in the subject it was read.
        subject: Whose geometry it is.

    Raises:
        ShapeError: The number of values is not n(n − 1)/2.
        NonFiniteError: A value is NaN or infinite.
        IdError: An id stands twice.

    Example:
        >>> import numpy as np
        >>> rdm = RDM.from_features(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]), distance="euclidean", ids=["a", "b", "c"])
        >>> rdm.values.round(6).tolist()
        [5.0, 1.0, 4.242641]
        >>> rdm.take(["b", "a"]).values.tolist()
        [5.0]
    """

    values: FloatArray
    ids: tuple[str, ...]
    distance: str = ""
    layer: str = ""
    subject: str = ""

    def __post_init__(self) -> None:
        values = as_floats(self.values, name=self.name, ndim=1)
        ids = unique_ids(self.ids, name=self.name)
        wanted = len(ids) * (len(ids) - 1) // 2
        if len(values) != wanted:
            raise ShapeError(f"{self.name} has {len(values)} pairs, but {len(ids)} stimuli make {wanted}.")
        _check_pairs(values, ids, self.name)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "ids", ids)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"the RDM of {(self.subject or self.layer)!r}" if self.subject or self.layer else "the RDM"

    @classmethod
    def from_features(
        cls,
        x: Features | Any,
        distance: str = "correlation",
        *,
        ids: Sequence[str] | None = None,
        layer: str = "",
        subject: str = "",
    ) -> RDM:
        """Distances between the rows of `x` (`Features`, or an array `[stimulus, feature]`), in the precision of `x`.

        Distances never fall below 0 by rounding: they are clipped there.

        Raises:
            ShapeError: A row has no variance (correlation) or no length (cosine); the message names the stimulus.
            NonFiniteError: `x` holds NaN or infinity.
        """
        features = x if isinstance(x, Features) else _named(x, ids)
        layer, subject = layer or features.layer, subject or features.subject
        values = condensed_distances(
            features.values, distance, ids=features.ids, name=repr(subject or layer) if subject or layer else "features"
        )
        return cls(values, features.ids, distance, layer, subject)

    @classmethod
    def from_condensed(
        cls, values: Any, ids: Sequence[str] | None = None, *, distance: str = "", layer: str = "", subject: str = ""
    ) -> RDM:
        """An RDM from its strict upper triangle, row by row (the order of `numpy.triu_indices(n, 1)` and SciPy's `squareform`)."""
        array = as_floats(values, name="a condensed RDM")
        flat = array.reshape(-1) if array.ndim == 2 and 1 in array.shape else array
        n = round((1 + np.sqrt(1 + 8 * flat.size)) / 2)
        if flat.ndim != 1 or n * (n - 1) // 2 != flat.size:
            raise ShapeError(f"a condensed RDM has n(n − 1)/2 values on one axis, such as 3, 6, 10 …; got shape {array.shape}.")
        return cls(flat, tuple(ids) if ids is not None else _row_ids(n), distance, layer, subject)

    @classmethod
    def from_square(cls, matrix: Any, ids: Sequence[str] | None = None, *, distance: str = "", layer: str = "", subject: str = "") -> RDM:
        """An RDM from a symmetric matrix `[stimulus, stimulus]` with a zero diagonal; integers are turned into floats first.

        Raises:
            ShapeError: The matrix is not square.
            InputError: It is not symmetric, or its diagonal is not zero.
        """
        array = as_floats(matrix, name="a square RDM", ndim=2)
        if array.shape[0] != array.shape[1]:
            raise ShapeError(f"a square RDM needs as many rows as columns; got shape {array.shape}.")
        _check_square(array)
        rows, columns = np.triu_indices(len(array), 1)
        return cls(array[rows, columns], tuple(ids) if ids is not None else _row_ids(len(array)), distance, layer, subject)

    def square(self) -> FloatArray:
        """The symmetric matrix `[stimulus, stimulus]` with zeros on the diagonal."""
        n = len(self.ids)
        matrix = np.zeros((n, n), dtype=self.values.dtype)
        rows, columns = np.triu_indices(n, 1)
        matrix[rows, columns] = self.values
        matrix[columns, rows] = self.values
        return matrix

    def take(self, ids: Sequence[str]) -> RDM:
        """The RDM of `ids`, in that order.

        Raises:
            IdError: An id is unknown or stands twice.
        """
        if tuple(ids) == self.ids:
            return self
        at = positions(self.ids, ids, name=self.name)
        rows, columns = np.triu_indices(len(at), 1)
        first, second = np.minimum(at[rows], at[columns]), np.maximum(at[rows], at[columns])
        n = len(self.ids)
        unique_ids(ids, name="the wanted stimuli")
        values = self.values[first * (2 * n - first - 1) // 2 + second - first - 1]
        return RDM(values, tuple(ids), self.distance, self.layer, self.subject)


def _check_pairs(values: FloatArray, ids: tuple[str, ...], name: str) -> None:
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        rows, columns = np.triu_indices(len(ids), 1)
        first = f"{ids[rows[bad[0]]]!r} with {ids[columns[bad[0]]]!r}"
        raise NonFiniteError(f"{name} has {len(bad)} of {len(values)} pairs that are NaN or infinite; the first is {first}.")


def _row_ids(n: int) -> tuple[str, ...]:
    return tuple(str(row) for row in range(n))


def _named(x: Any, ids: Sequence[str] | None) -> Features:
    array = as_floats(x, name="features", ndim=2)
    return Features(array, tuple(ids) if ids is not None else _row_ids(len(array)))


def _check_square(array: FloatArray) -> None:
    scale = float(np.abs(array).max(initial=0.0))
    tolerance = 1e-5 * scale
    gap = np.abs(array - array.T)
    if gap.max(initial=0.0) > tolerance:
        row, column = divmod(int(gap.argmax()), len(gap))
        raise InputError(
            f"a square RDM must be symmetric, but entry ({row}, {column}) is {array[row, column]:.6g} and entry ({column}, {row}) is "
            f"{array[column, row]:.6g}. Average it with its transpose if that is what you mean."
        )
    diagonal = np.abs(np.diagonal(array))
    if diagonal.max(initial=0.0) > tolerance:
        row = int(diagonal.argmax())
        raise InputError(
            f"a square RDM must have zeros on its diagonal, but entry ({row}, {row}) is {array[row, row]:.6g}. "
            "A matrix of similarities becomes an RDM as 1 − similarity."
        )
