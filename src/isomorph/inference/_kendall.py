"""Kendall's τ_a and τ_b, weighted: of many pairs of vectors, or of one pair under many weightings."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.inference._ranks import dense_ranks, tie_groups

_REPLICATES_AT_ONCE = 64
_SHORT = 300


def kendall(x: npt.NDArray[Any], y: npt.NDArray[Any], weights: npt.NDArray[Any] | None = None, *, comparison: str) -> FloatArray:
    r"""Kendall's τ of each row of `x` with the same row of `y`.

    $$\tau_a = \frac{C - D}{N (N - 1) / 2}, \qquad \tau_b = \frac{C - D}{\sqrt{(N (N - 1) / 2 - T_x)(N (N - 1) / 2 - T_y)}}$$

    with C concordant and D discordant pairs of values and T pairs tied in x or in y. Concordant pairs are counted bit by bit of y's rank,
    from the highest: with x in rising order, two values that share the higher bits are ordered by the next one, so that one running sum
    counts them, and a stable partition prepares the next bit: O(m log m), in exact whole numbers.

    Args:
        x: `[row, value]`.
        y: `[row, value]`.
        weights: `[row, value]`, whole numbers: how often each value stands in the row's sample; None: once.
        comparison: `"tau-a"` or `"tau-b"`.

    Returns:
        `[row]`, −1 … 1; NaN where fewer than two values stand (τ_b: where x or y is constant).
    """
    x_rank, y_rank = dense_ranks(x), dense_ranks(y)
    w = np.ones(x.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    height = int(y_rank.max(initial=0)) + 1
    # Ties of x in falling order of y: what stands before a value and has a smaller y then has a smaller x, too.
    key = x_rank * height + (height - 1 - y_rank)
    sequence = np.argsort(key, axis=1)
    w = np.take_along_axis(w, sequence, axis=1)
    x_ties = _tied_pairs(np.take_along_axis(x_rank, sequence, axis=1), w)
    both_ties = _tied_pairs(np.take_along_axis(key, sequence, axis=1), w)
    concordant, y_ties = _rising_pairs(np.take_along_axis(y_rank, sequence, axis=1), w)
    squares = np.einsum("rv,rv->r", w, w)
    score = 2 * concordant - ((w.sum(axis=1) ** 2 - squares) / 2 - x_ties - y_ties + both_ties)
    return scaled(score, w.sum(axis=1), x_ties + _own_copies(w), y_ties + _own_copies(w), comparison)


def scaled(score: FloatArray, total: FloatArray | np.float64, x_ties: FloatArray, y_ties: FloatArray, comparison: str) -> FloatArray:
    """τ from C − D, the number of values and the numbers of tied pairs, copies of one value among them."""
    pairs = total * (total - 1) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        if comparison == "tau-a":
            return np.asarray(score / pairs)
        return np.asarray(score / np.sqrt((pairs - x_ties) * (pairs - y_ties)))


def kendall_matrix(x: npt.NDArray[Any], y: npt.NDArray[Any], *, comparison: str) -> FloatArray:
    """τ of every row of `x` with every row of `y`, `[x, y]`."""
    if x.shape[1] <= _SHORT:
        return _by_signs(x, y, comparison)
    if x is not y:
        return np.stack([kendall(np.broadcast_to(row, y.shape), y, comparison=comparison) for row in x])
    result = np.empty((len(x), len(x)))
    for place, row in enumerate(x):
        rest = x[place:]
        result[place, place:] = result[place:, place] = kendall(np.broadcast_to(row, rest.shape), rest, comparison=comparison)
    return result


def _by_signs(x: npt.NDArray[Any], y: npt.NDArray[Any], comparison: str) -> FloatArray:
    """The same by comparing all pairs of values: one product for all rows; sums stay whole in float32."""
    first, second = np.triu_indices(x.shape[1], 1)

    def signs(rows: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        above, below = rows[:, first], rows[:, second]
        return (above > below).astype(np.float32) - (above < below)

    a, b = signs(x), signs(y)
    ties_x, ties_y = (len(first) - np.square(each).sum(axis=1, dtype=np.float64) for each in (a, b))
    return scaled((a @ b.T).astype(np.float64), np.float64(x.shape[1]), ties_x[:, None], ties_y, comparison)


class Blocks:
    """A vector cut into about √m blocks of neighbouring ranks; ties are never cut apart.

    Args:
        values: `[value]`.
    """

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self.ranks: npt.NDArray[np.int32] = dense_ranks(values[None])[0].astype(np.int32)
        self.block = _blocks(self.ranks, max(8, round(np.sqrt(len(values)))))
        self.count = int(self.block.max()) + 1
        order = np.argsort(self.block, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(self.block[order])) + 1)
        groups = [each for each in groups if np.ptp(self.ranks[each])]  # ties alone make no pairs
        self.members = np.full((len(groups), max((len(each) for each in groups), default=1)), len(values), dtype=np.intp)
        for row, each in zip(self.members, groups, strict=True):
            row[: len(each)] = each
        self.signs = self.signs_of(self.ranks)

    def signs_of(self, ranks: npt.NDArray[np.int32]) -> npt.NDArray[np.int8]:
        """The order of the values in each block `[block, value, value]`: −1, 0 or 1. The place behind the last value fills blocks up."""
        inside = np.concatenate([ranks, [0]]).astype(np.int32)[self.members]
        left, right = inside[:, :, None], inside[:, None, :]
        return (left > right).view(np.int8) - (left < right).view(np.int8)


class PairCounter:
    """C − D of one pair of vectors under many weightings.

    Values in different blocks of x and of y are counted from the table of weights by block; the others by a small matrix of signs for
    each block, multiplied with the weights of many replicates at once. Every sum is of whole numbers, hence exact.

    Args:
        x: A vector's blocks.
        y: The other's.
    """

    def __init__(self, x: Blocks, y: Blocks) -> None:
        inside = np.concatenate([x.block, [-1]])[y.members]
        elsewhere = inside[:, :, None] != inside[:, None, :]  # the others are counted with the blocks of x
        signs = [x.signs * x.signs_of(y.ranks), y.signs * y.signs_of(x.ranks) * elsewhere]
        self.parts = [(each.members, sign.astype(np.float64)) for each, sign in zip((x, y), signs, strict=True) if len(each.members)]
        self.shape = x.count, y.count
        cell = x.block.astype(np.intp) * y.count + y.block
        self.order = np.argsort(cell)
        cells = cell[self.order]
        self.starts = np.flatnonzero(np.r_[True, cells[1:] != cells[:-1]])
        self.cells = cells[self.starts]

    def scores(self, weights: FloatArray) -> FloatArray:
        """C − D `[replicate]` for weights `[value + 1, replicate]` whose last row is 0."""
        starts = range(0, weights.shape[1], _REPLICATES_AT_ONCE)
        return np.concatenate([self._chunk(weights[:, start : start + _REPLICATES_AT_ONCE]) for start in starts])

    def _chunk(self, weights: FloatArray) -> FloatArray:
        replicates = weights.shape[1]
        cells = np.zeros((self.shape[0] * self.shape[1], replicates))
        cells[self.cells] = np.add.reduceat(weights[self.order], self.starts, axis=0)
        table = cells.reshape(*self.shape, replicates)
        below = np.cumsum(table, axis=0)
        below -= table
        up_to = np.cumsum(below, axis=1)
        up_to *= 2
        up_to -= below
        up_to -= below.sum(axis=1)[:, None]  # smaller in both, less smaller in x and larger in y
        score: FloatArray = np.einsum("xyr,xyr->r", table, up_to)
        for members, signs in self.parts:
            part = weights[members]
            score += np.einsum("bvr,bvr->r", signs @ part, part) / 2
        return score


def _blocks(ranks: npt.NDArray[np.int32], size: int) -> npt.NDArray[np.int32]:
    """Blocks of neighbouring ranks, of at most `size` values each where ties allow; a value's rank decides its block."""
    counts = np.bincount(ranks)
    block_of_rank, block, filled = np.empty(len(counts), dtype=np.int32), -1, size
    for rank, count in enumerate(counts.tolist()):
        if filled + count > size:
            block, filled = block + 1, 0
        block_of_rank[rank] = block
        filled += count
    return block_of_rank[ranks]


def _tied_pairs(ordered: npt.NDArray[Any], weights: FloatArray) -> FloatArray:
    """Weight `[row]` of the pairs of different values that are equal; equal ones stand together."""
    begin, _ = tie_groups(ordered)
    count, size = ordered.shape
    group = (begin + size * np.arange(count)[:, None]).ravel()
    sums = np.bincount(group, weights=weights.ravel(), minlength=count * size).reshape(count, size)
    return np.asarray((np.einsum("rv,rv->r", sums, sums) - np.einsum("rv,rv->r", weights, weights)) / 2)


def _own_copies(weights: FloatArray) -> FloatArray:
    return np.asarray((np.einsum("rv,rv->r", weights, weights) - weights.sum(axis=1)) / 2)


def _rising_pairs(ranks: npt.NDArray[Any], weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weight `[row]` of the pairs p before q with a smaller rank at p, and of the pairs of equal rank."""
    count, size = ranks.shape
    key, w = ranks.astype(np.int64).ravel(), weights.ravel()
    starts = np.arange(count) * size
    rising = np.zeros(count)
    places = np.arange(count * size)
    for bit in reversed(range(int(ranks.max(initial=0)).bit_length())):
        high = (key >> bit & 1).astype(bool)
        sizes = np.diff(np.r_[starts, count * size])
        low_before = np.cumsum(np.where(high, 0.0, w))
        low_before -= np.repeat(low_before[starts] - np.where(high[starts], 0.0, w[starts]), sizes)
        rising += np.where(high, w * low_before, 0.0).reshape(count, size).sum(axis=1)
        zeros = np.cumsum(~high)
        zeros -= np.repeat(zeros[starts] - ~high[starts], sizes)
        begin = np.repeat(starts, sizes)
        lows = np.add.reduceat(~high, starts, dtype=np.intp)
        place = np.where(high, np.repeat(lows, sizes) + places - zeros, begin + zeros - 1)
        key, w = _scattered(key, place), _scattered(w, place)
        both = np.stack([np.ones(len(lows), dtype=bool), (lows > 0) & (lows < sizes)], axis=1)
        starts = np.stack([starts, starts + lows], axis=1)[both]
    return rising, _tied_pairs(key.reshape(count, size), w.reshape(count, size))


def _scattered(values: npt.NDArray[Any], place: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
    result = np.empty_like(values)
    result[place] = values
    return result
