"""Inner products between all stimuli: what every second-order measure needs of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, as_floats, check_finite, positions, unique_ids
from isomorph.errors import InputError, ShapeError
from isomorph.features import Features
from isomorph.geometry._centre import centre_columns
from isomorph.geometry._distance import PLAIN_DISTANCES, check_distance, check_lengths, gaussian_distances
from isomorph.geometry._rdm import RDM

_CHUNK_VALUES = 4_000_000


@dataclass(frozen=True, eq=False)
class Gram:
    r"""Inner products of stimuli after the mean stimulus is taken away, with the two vectors that give the rest back.

    With rows \(x_i\), their mean \(m\) and \(c_i = x_i - m\):

    $$\mathrm{centred}_{ij} = c_i \cdot c_j, \qquad \mathrm{mean\_product}_i = x_i \cdot m, \qquad
    \mathrm{row\_sums}_i = \textstyle\sum_f x_{if}$$

    Centring before multiplying keeps the digits that a large common offset would otherwise eat. From these parts follow the raw
    inner products, and correlation, cosine and Euclidean distances, without the features.

    Attributes:
        centred: `[stimulus, stimulus]`, float64.
        mean_product: `[stimulus]`, float64.
        row_sums: `[stimulus]`, float64.
        width: How many features were multiplied.
        ids: The stimulus of each row; unique.
        layer: Where in the subject the features were read.
        subject: Who represented the stimuli.
        reduction: `"exact"`, or how the features were reduced first: `"sketch(4096)"`.

    Raises:
        ShapeError: The parts do not belong to the same number of stimuli.
        IdError: An id stands twice.

    Example:
        >>> import numpy as np
        >>> gram = Gram.from_features(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]]))
        >>> gram.raw().round(6).tolist()
        [[5.0, 11.0, 23.0], [11.0, 25.0, 51.0], [23.0, 51.0, 106.0]]
        >>> gram.rdm("sqeuclidean").values.round(6).tolist()
        [8.0, 65.0, 29.0]
    """

    centred: FloatArray
    mean_product: FloatArray
    row_sums: FloatArray
    width: int
    ids: tuple[str, ...]
    layer: str = ""
    subject: str = ""
    reduction: str = "exact"

    def __post_init__(self) -> None:
        ids = unique_ids(self.ids, name="the Gram matrix")
        n = len(ids)
        for part, shape in (("centred", (n, n)), ("mean_product", (n,)), ("row_sums", (n,))):
            array = np.asarray(getattr(self, part), dtype=np.float64)
            if array.shape != shape:
                raise ShapeError(f"a Gram matrix of {n} stimuli needs {part} of shape {shape}; got {array.shape}.")
            object.__setattr__(self, part, array)
        object.__setattr__(self, "ids", ids)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def name(self) -> str:
        """What messages call it."""
        return repr(self.subject or self.layer) if self.subject or self.layer else "the Gram matrix"

    @classmethod
    def from_features(cls, x: Features | Any, *, ids: Sequence[str] | None = None, layer: str = "", subject: str = "") -> Gram:
        """The Gram matrix of `x` (`Features`, or an array `[stimulus, feature]`), in float64, a chunk of columns at a time.

        Raises:
            NonFiniteError: `x` holds NaN or infinity.
        """
        if not isinstance(x, Features):
            array = as_floats(x, name="features", ndim=2)
            x = Features(array, tuple(ids) if ids is not None else tuple(str(row) for row in range(len(array))))
        layer, subject = layer or x.layer, subject or x.subject
        check_finite(x.values, name=repr(subject or layer) if subject or layer else "features", ids=x.ids)
        n, width = x.values.shape
        centred, mean_product, row_sums = np.zeros((n, n)), np.zeros(n), np.zeros(n)
        step = max(1, _CHUNK_VALUES // max(n, 1))
        for start in range(0, width, step):
            chunk, mean = centre_columns(x.values[:, start : start + step])
            mean_product += chunk @ mean + mean @ mean
            row_sums += chunk.sum(axis=1) + mean.sum()
            centred += chunk @ chunk.T
        return cls(centred, mean_product, row_sums, width, x.ids, layer, subject)

    def raw(self) -> FloatArray:
        """The inner products `[stimulus, stimulus]` of the features as they were, mean and all."""
        return np.asarray(self.centred + self.mean_product[:, None] + self.mean_product - self.mean_product.mean())

    def rdm(self, distance: str = "correlation", *, sigma: float = 1.0, sigma_unit: str = "median") -> RDM:
        """The distances between all stimuli, in float64; they never fall below 0 by rounding.

        Args:
            distance: `"correlation"`, `"cosine"`, `"euclidean"`, `"sqeuclidean"` or `"gaussian"`.
            sigma: The width of the Gaussian.
            sigma_unit: `"median"` (times the median distance) or `"absolute"`.

        Raises:
            ShapeError: A stimulus has no variance (correlation) or no length (cosine); the message names it.
            InputError: The distance needs the features themselves.
        """
        check_distance(distance)
        if distance not in (*PLAIN_DISTANCES, "gaussian"):
            raise InputError(f"a {distance} distance needs the features themselves, not their Gram matrix. Use RDM.from_features.")
        rows, columns = np.triu_indices(len(self), 1)
        if distance in ("euclidean", "sqeuclidean", "gaussian"):
            squares = np.diagonal(self.centred)
            values = np.maximum(squares[rows] + squares[columns] - 2 * self.centred[rows, columns], 0)
            values = np.sqrt(values) if distance == "euclidean" else values
            if distance == "gaussian":
                values = gaussian_distances(values, sigma=sigma, sigma_unit=sigma_unit, name=self.name)
        else:
            products = self._row_centred() if distance == "correlation" else self.raw()
            squares = np.diagonal(products)
            floor = 1e-12 * (np.diagonal(self.centred) + self.mean_product.mean())
            check_lengths(squares, floor=floor, distance=distance, ids=self.ids, name=self.name)
            lengths = np.sqrt(squares)
            values = np.maximum(1 - products[rows, columns] / (lengths[rows] * lengths[columns]), 0)
        return RDM(values, self.ids, distance, self.layer, self.subject)

    def take(self, ids: Sequence[str]) -> Gram:
        """The Gram matrix of `ids`, in that order, centred on their own mean.

        Raises:
            IdError: An id is unknown or stands twice.
        """
        if tuple(ids) == self.ids:
            return self
        at = positions(self.ids, ids, name=self.name)
        part = self.centred[np.ix_(at, at)]
        means = part.mean(axis=1)
        mean_product = means + self.mean_product[at] + self.mean_product[at].mean() - self.mean_product.mean()
        part -= means[:, None]
        part -= means
        part += means.mean()
        return Gram(part, mean_product, self.row_sums[at], self.width, tuple(ids), self.layer, self.subject, self.reduction)

    def _row_centred(self) -> FloatArray:
        """Inner products after each row's own mean is taken away: raw − s sᵀ / p, with the large parts of s removed first."""
        mean_square, mean_sum = self.mean_product.mean(), self.row_sums.mean()
        sums = self.row_sums - mean_sum
        cross = (self.mean_product - mean_square) - sums * mean_sum / self.width
        return np.asarray(
            self.centred - np.outer(sums, sums) / self.width + cross[:, None] + cross + (mean_square - mean_sum**2 / self.width)
        )
