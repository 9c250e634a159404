"""Inner products of standardised features, a block of columns at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import ShapeError

_COLUMNS = 1024  # short enough that float32 products keep their digits, long enough for the full speed of a product


@dataclass(frozen=True, eq=False)
class Standardised:
    """Features of the training stimuli, with what centres and scales them; a standardised copy of all of them is never made.

    Attributes:
        values: `[stimulus, feature]`, as given.
        mean: `[feature]`, float64.
        scale: `[feature]`, float64: the standard deviation (ddof 0; 1 where a feature is constant), or 1.
        dtype: Of the products.
    """

    values: FloatArray
    mean: FloatArray
    scale: FloatArray
    dtype: np.dtype[np.floating]

    @classmethod
    def of(cls, values: FloatArray, *, scaled: bool, dtype: np.dtype[np.floating]) -> Standardised:
        """Learn the means and, where `scaled`, the standard deviations.

        Raises:
            ShapeError: No feature varies.
        """
        mean, scale = np.empty(values.shape[1]), np.ones(values.shape[1])
        varies = False
        for columns in _parts(values.shape[1]):
            block = values[:, columns].astype(np.float64)
            flat = block.max(axis=0) == block.min(axis=0)
            mean[columns] = np.where(flat, block[0], block.mean(axis=0))
            varies = varies or not flat.all()
            if scaled:
                scale[columns] = np.where(flat, 1.0, block.std(axis=0))
        if not varies:
            raise ShapeError(f"none of the {values.shape[1]} features varies over the {len(values)} stimuli; they predict nothing.")
        return cls(values, mean, scale, dtype)

    def gram(self) -> FloatArray:
        """Inner products of the training stimuli `[stimulus, stimulus]`, summed over blocks in float64."""
        result = np.zeros((len(self.values), len(self.values)))
        for _, block in self.blocks():
            result += block @ block.T
        return result

    def products(self, new: FloatArray) -> FloatArray:
        """Inner products of new stimuli with the training stimuli `[new stimulus, stimulus]`."""
        result = np.zeros((len(new), len(self.values)))
        for columns, block in self.blocks():
            result += self._block(new, columns) @ block.T
        return result.astype(self.dtype, copy=False)

    def blocks(self) -> Iterator[tuple[slice, FloatArray]]:
        """The standardised training features, some columns at a time."""
        for columns in _parts(len(self.mean)):
            yield columns, self._block(self.values, columns)

    def _block(self, values: FloatArray, columns: slice) -> FloatArray:
        return ((values[:, columns] - self.mean[columns]) / self.scale[columns]).astype(self.dtype, copy=False)


def _parts(width: int) -> Iterator[slice]:
    for start in range(0, width, _COLUMNS):
        yield slice(start, min(start + _COLUMNS, width))
