"""Mid-ranks of many vectors, plain or of a sample in which values stand several times."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray


class Ranker:
    """Ranks one vector under many weightings at once, with a single sort; `RankTable` is for many vectors, one weighting at a time.

    Args:
        values: `[value]`.
    """

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self.order: npt.NDArray[np.intp] = np.argsort(values)
        ordered = values[self.order]
        self.starts: npt.NDArray[np.intp] = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self.sizes: npt.NDArray[np.intp] = np.diff(np.r_[self.starts, len(values)])

    def ranks(self, weights: npt.NDArray[Any]) -> FloatArray:
        """Mid-ranks from 1 `[replicate, value]` for `weights` `[replicate, value]`."""
        grouped = np.add.reduceat(weights[:, self.order], self.starts, axis=1).astype(np.float64)
        below = np.cumsum(grouped, axis=1) - grouped
        result = np.empty(weights.shape)
        result[:, self.order] = np.repeat(below + (grouped + 1) / 2, self.sizes, axis=1)
        return result


class RankTable:
    """Ranks many vectors, again and again under other weights, with a single sort of each.

    The mid-rank of a value in a sample where pair p stands W_p times is (weight below it) + (weight of its ties + 1) / 2. Both follow
    from the running sum of the weights in the vector's order, so that a bootstrap replicate costs one running sum and no sorting.

    Args:
        rows: `[vector, value]`.
    """

    def __init__(self, rows: npt.NDArray[Any]) -> None:
        count, size = rows.shape
        order = np.argsort(rows, axis=1)
        begin, end = tie_groups(np.take_along_axis(rows, order, axis=1))
        place = np.argsort(order, axis=1)
        offset = (size + 1) * np.arange(count)[:, None]
        self.order: npt.NDArray[np.intp] = order
        self._begin: npt.NDArray[np.intp] = np.take_along_axis(begin, place, axis=1) + offset
        self._end: npt.NDArray[np.intp] = np.take_along_axis(end, place, axis=1) + offset
        self._sums: FloatArray = np.zeros((count, size + 1))

    def ranks(self, weights: npt.NDArray[Any] | None = None) -> FloatArray:
        """Mid-ranks from 1 `[vector, value]`, of a sample in which value p stands `weights[p]` times."""
        if weights is None:
            weights = np.ones(self.order.shape[1])
        np.cumsum(np.take(weights, self.order), axis=1, out=self._sums[:, 1:])
        result = np.take(self._sums, self._begin)
        result += np.take(self._sums, self._end)
        result += 1
        result /= 2
        return result


def tie_groups(ordered: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """For each place of sorted vectors `[vector, value]`: where its group of equal values begins, and where it ends (exclusive)."""
    count, size = ordered.shape
    change = ordered[:, 1:] != ordered[:, :-1]
    places = np.arange(size)
    first, last = np.ones((count, size), dtype=bool), np.ones((count, size), dtype=bool)
    first[:, 1:], last[:, :-1] = change, change
    begin = np.maximum.accumulate(np.where(first, places, 0), axis=1)
    end = np.minimum.accumulate(np.where(last, places + 1, size)[:, ::-1], axis=1)[:, ::-1]
    return begin, end


def dense_ranks(rows: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Ranks from 0 without gaps within each row of `[vector, value]`; ties are equal."""
    order = np.argsort(rows, axis=1)
    ordered = np.take_along_axis(rows, order, axis=1)
    steps = np.zeros(rows.shape, dtype=np.int64)
    np.cumsum(ordered[:, 1:] != ordered[:, :-1], axis=1, out=steps[:, 1:])
    result = np.empty_like(steps)
    np.put_along_axis(result, order, steps, axis=1)
    return result


def sorted_midranks(rows: npt.NDArray[Any], weights: FloatArray) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """The order of each row of `[vector, value]`, and in that order its mid-ranks in a sample where value p stands `weights[p]` times."""
    order = np.argsort(rows, axis=1)
    begin, end = tie_groups(np.take_along_axis(rows, order, axis=1))
    sums = np.zeros((len(rows), rows.shape[1] + 1))
    np.cumsum(weights[order], axis=1, out=sums[:, 1:])
    offset = (rows.shape[1] + 1) * np.arange(len(rows))[:, None]
    return order, np.asarray((sums.take(begin + offset) + sums.take(end + offset) + 1) / 2)


def midranks(rows: npt.NDArray[Any]) -> FloatArray:
    """Mid-ranks from 1 within each row of `[vector, value]`.

    Example:
        >>> import numpy as np
        >>> midranks(np.array([[10.0, 30.0, 10.0]])).tolist()
        [[1.5, 3.0, 1.5]]
    """
    result = np.empty(rows.shape)
    for row, out in zip(rows, result, strict=True):
        order = np.argsort(row)
        ordered = row[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        sizes = np.diff(np.r_[starts, len(row)])
        out[order] = np.repeat(starts + (sizes + 1) / 2, sizes)
    return result
