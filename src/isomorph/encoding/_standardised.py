"""Inner products of standardised features, a block of columns at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, as_floats, check_finite
from isomorph.errors import ShapeError
from isomorph.features import Features

_COLUMNS = 1024  # short enough that float32 products keep their digits, long enough for the full speed of a product


@dataclass(frozen=True, eq=False)
class Standardised:
    """Features of the training stimuli, with what centres and scales them; a standardised copy of all of them is never made.

    Attributes:
        values: `[stimulus, feature]`, as given.
        mean: `[feature]`, float64.
        scale: `[feature]`, float64: the standard deviation (ddof 0; 1 where a feature is constant), or one number for all.
        dtype: Of the products.
    """

    values: FloatArray
    mean: FloatArray
    scale: FloatArray
    dtype: np.dtype[np.floating]

    @classmethod
    def of(cls, values: FloatArray, *, scaled: bool, width: float | None = None, dtype: np.dtype[np.floating]) -> Standardised:
        """Learn the means and, where `scaled`, the standard deviations; else one number that makes the Gram matrix' trace n · `width`.

        Raises:
            ShapeError: No feature varies.
        """
        mean, deviation = np.empty(values.shape[1]), np.empty(values.shape[1])
        for columns in _parts(values.shape[1]):
            block = values[:, columns].astype(np.float64)
            flat = block.max(axis=0) == block.min(axis=0)
            mean[columns] = np.where(flat, block[0], block.mean(axis=0))
            deviation[columns] = np.where(flat, 0.0, block.std(axis=0)) if scaled or width is not None else ~flat
        if not deviation.any():
            raise ShapeError(f"none of the {values.shape[1]} features varies over the {len(values)} stimuli; they predict nothing.")
        if scaled:
            scale = np.where(deviation > 0, deviation, 1.0)
        else:
            scale = np.full(len(mean), 1.0 if width is None else np.sqrt(deviation @ deviation / width))
        return cls(values, mean, scale, dtype)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def width(self) -> int:
        """How many features there are."""
        return len(self.mean)

    def gram(self) -> FloatArray:
        """Inner products of the training stimuli `[stimulus, stimulus]`, summed over blocks in float64."""
        result = np.zeros((len(self.values), len(self.values)))
        for _, block in self.blocks():
            result += block @ block.T
        return result

    def products(self, new: Features | npt.ArrayLike) -> FloatArray:
        """Inner products of new stimuli with the training stimuli `[new stimulus, stimulus]`.

        Raises:
            ShapeError: New stimuli have another number of features.
            NonFiniteError: A value is NaN or infinite.
        """
        values = new.values if isinstance(new, Features) else as_floats(new, name="the features", ndim=2)
        if values.shape[1] != self.width:
            raise ShapeError(
                f"the map was fitted to {self.width:,} features; got {values.shape[1]:,}. Pass the same layer of the same model."
            )
        check_finite(values, name="the feature matrix", ids=new.ids if isinstance(new, Features) else None)
        result = np.zeros((len(values), len(self.values)))
        for columns, block in self.blocks():
            result += self._block(values, columns) @ block.T
        return result.astype(self.dtype, copy=False)

    def named(self, made: FloatArray, new: Features | npt.ArrayLike, *, subject: str) -> Features | FloatArray:
        """What was made of new stimuli: `Features` where they were."""
        return Features(made, new.ids, subject=subject) if isinstance(new, Features) else made

    def blocks(self) -> Iterator[tuple[slice, FloatArray]]:
        """The standardised training features, some columns at a time."""
        for columns in _parts(len(self.mean)):
            yield columns, self._block(self.values, columns)

    def _block(self, values: FloatArray, columns: slice) -> FloatArray:
        return ((values[:, columns] - self.mean[columns]) / self.scale[columns]).astype(self.dtype, copy=False)


def _parts(width: int) -> Iterator[slice]:
    for start in range(0, width, _COLUMNS):
        yield slice(start, min(start + _COLUMNS, width))
