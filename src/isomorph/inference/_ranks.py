"""Mid-ranks, plain or of a sample in which values stand several times."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray


class Ranker:
    """Ranks one vector, again and again under other weights, with a single sort.

    The mid-rank of a value in a sample where pair p stands W_p times is (weight below it) + (weight of its ties + 1) / 2, so that a
    bootstrap replicate needs one pass of weighted counting and no sorting.

    Args:
        values: `[pair]`.
    """

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self.order: npt.NDArray[np.intp] = np.argsort(values, kind="stable")
        ordered = values[self.order]
        self.starts: npt.NDArray[np.intp] = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self.sizes: npt.NDArray[np.intp] = np.diff(np.r_[self.starts, len(values)])

    def ranks(self, weights: npt.NDArray[Any] | None = None) -> FloatArray:
        """Mid-ranks from 1, as `[pair]`; or `[replicate, pair]` for `weights` `[replicate, pair]`."""
        if weights is None:
            grouped = self.starts + (self.sizes + 1) / 2
            result = np.empty(len(self.order))
            result[self.order] = np.repeat(grouped, self.sizes)
            return result
        grouped = np.add.reduceat(weights[:, self.order], self.starts, axis=1).astype(np.float64)
        below = np.cumsum(grouped, axis=1) - grouped
        result = np.empty(weights.shape)
        result[:, self.order] = np.repeat(below + (grouped + 1) / 2, self.sizes, axis=1)
        return result

    def dense(self) -> npt.NDArray[np.intp]:
        """Ranks without gaps from 0; ties are equal."""
        result = np.empty(len(self.order), dtype=np.intp)
        result[self.order] = np.repeat(np.arange(len(self.starts)), self.sizes)
        return result


def midranks(rows: FloatArray) -> FloatArray:
    """Mid-ranks from 1 within each row of `[row, pair]`.

    Example:
        >>> import numpy as np
        >>> midranks(np.array([[10.0, 30.0, 10.0]])).tolist()
        [[1.5, 3.0, 1.5]]
    """
    return np.stack([Ranker(row).ranks() for row in rows])
