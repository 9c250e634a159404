"""Rows of features as float32 blocks, wherever they lie."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from isomorph.alignet._label_features import rows_and_ids
from isomorph.arrays import FloatArray, IntArray, check_finite
from isomorph.errors import ShapeError
from isomorph.features import Features

BLOCK_ROWS = 4096


class Points:
    """Images as points; float16 and memory-mapped features are read block by block and never held whole.

    Args:
        x: `[image, feature]`.
        normalise: `"l2"` scales each row to length 1 as it is read.

    Attributes:
        mean: `[feature]` float64.
        spread: The sum over images of the squared distance from the mean.

    Raises:
        NonFiniteError: A row holds NaN or infinity.
        ShapeError: A row has length 0 and is to have length 1.
    """

    def __init__(self, x: Features | FloatArray, normalise: str = "none") -> None:
        self._values, self._ids = rows_and_ids(x)
        self._unit = normalise == "l2"
        self.n, self.width = self._values.shape
        self.mean, self.spread = self._moments()

    def blocks(self) -> Iterator[slice]:
        """Slices that cover all rows."""
        return (slice(start, min(start + BLOCK_ROWS, self.n)) for start in range(0, self.n, BLOCK_ROWS))

    def __getitem__(self, rows: slice | IntArray) -> FloatArray:
        """The points of `rows`, float32."""
        found = self._values[rows]
        if found.dtype == np.float16:
            import torch

            found = torch.from_numpy(np.array(found)).float().numpy()  # some twenty times as fast as NumPy's conversion
        found = np.asarray(found, dtype=np.float32)
        if self._unit:
            lengths = np.sqrt(np.einsum("ij,ij->i", found, found))
            if not lengths.all():
                empty = np.arange(self.n)[rows][lengths == 0]
                raise ShapeError(
                    f"the features of image {self._ids[int(empty[0])]!r} have length 0, which cannot be scaled to 1 "
                    f"({len(empty)} such rows in this block). Leave them out, or use normalise='none'."
                )
            found = found / lengths[:, None]
        return found

    def _moments(self) -> tuple[FloatArray, float]:
        """Block by block, by the shift of each block's own mean: exact also where the mean is large."""
        mean, spread, seen = np.zeros(self.width), 0.0, 0
        for rows in self.blocks():
            block = self[rows]
            own = block.mean(axis=0, dtype=np.float64)
            if not np.isfinite(own.sum()):
                check_finite(block, name="the features", ids=self._ids[rows], rows="images")
            centred = block - own.astype(np.float32)
            count = len(block)
            spread += float(np.einsum("ij,ij->", centred, centred, dtype=np.float64)) + count * seen / (seen + count) * float(
                (own - mean) @ (own - mean)
            )
            mean += (own - mean) * count / (seen + count)
            seen += count
        return mean, spread
