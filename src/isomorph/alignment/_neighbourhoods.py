"""How many of its nearest neighbours each stimulus keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError, ShapeError

_BLOCK_VALUES = 16_000_000
_LANE = 32
_TIE = 3e-7
"""Cosines closer than this are the same number in float32, told apart by rounding alone."""


def neighbours_kept(x: FloatArray, y: FloatArray, ks: Sequence[int], *, ids: Sequence[str] | None = None) -> FloatArray:
    r"""Which share of the k nearest neighbours of each stimulus in `x` are among its k nearest in `y`.

    $$o_i = \frac1k \sum_j \min(m^x_{ij}, m^y_{ij})$$

    with m the membership in the k nearest by cosine: 1, 0, or an equal share for those that tie for the last places (so a map that makes
    everything equal scores chance, k/(n − 1), not 1). Products are taken in float32, a block of rows at a time: two matrix products of
    n × n in all, and never more than about 64 MB of either.

    Args:
        x: `[stimulus, feature]`.
        y: `[stimulus, dimension]`, the same stimuli.
        ks: How many neighbours; several share the products.
        ids: The stimuli's names, for messages.

    Returns:
        `[k, stimulus]`, 0 … 1.

    Raises:
        InputError: A k is not at least 1 and at most n − 2, where it says anything.
        ShapeError: A stimulus is zero and has no cosine.
    """
    n = len(x)
    for k in ks:
        if not 1 <= k <= n - 2:
            raise InputError(
                f"{k} nearest neighbours of {n} stimuli cannot change or do not exist; ask for 1 to {n - 2}, or give more stimuli."
            )
    units = [unit_rows(each, ids=ids) for each in (x, y)]
    kept, step = np.empty((len(ks), n)), max(1, _BLOCK_VALUES // n)
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        before, after = (_nearest(each, rows, max(ks)) for each in units)
        _, mine, theirs = np.intersect1d(before.keys, after.keys, assume_unique=True, return_indices=True)
        for at, k in enumerate(ks):
            common = np.minimum(before.membership(k)[mine], after.membership(k)[theirs])
            kept[at, rows] = np.bincount(before.row[mine], weights=common, minlength=rows.stop - start) / k
    return np.minimum(kept, 1.0)


def unit_rows(x: FloatArray, *, ids: Sequence[str] | None = None) -> FloatArray:
    """Rows of length 1 in float32; lengths are taken in float64.

    Raises:
        ShapeError: A row is zero.
    """
    lengths = np.sqrt(np.einsum("id,id->i", x, x, dtype=np.float64))
    if not lengths.all():
        zero = np.flatnonzero(lengths == 0)
        first = repr(ids[int(zero[0])]) if ids is not None else f"row {int(zero[0])}"
        raise ShapeError(f"{len(zero)} of {len(x)} stimuli are zero and have no direction; the first is {first}. Leave them out.")
    units: FloatArray = np.divide(x, lengths[:, None], out=np.empty(x.shape, dtype=np.float32), casting="same_kind")
    return units


@dataclass(frozen=True, eq=False)
class _Near:
    """For some rows the stimuli that may belong to their nearest, by row and column, with their cosines."""

    row: IntArray
    column: IntArray
    value: FloatArray
    rows: int
    columns: int

    @property
    def keys(self) -> IntArray:
        """One number for each row and column, ascending."""
        keys: IntArray = self.row * self.columns + self.column
        return keys

    @cached_property
    def _descending(self) -> FloatArray:
        """The cosines of one row after the other, the largest first."""
        values: FloatArray = self.value[np.lexsort((-self.value, self.row))]
        return values

    @cached_property
    def _starts(self) -> IntArray:
        return np.searchsorted(self.row, np.arange(self.rows))

    def membership(self, k: int) -> FloatArray:
        """How far each entry belongs to the k nearest of its row; a row sums to k."""
        border = self._descending[self._starts + k - 1][self.row]
        above, tied = self.value > border + _TIE, np.abs(self.value - border) <= _TIE
        sure, ties = (np.bincount(self.row, weights=each, minlength=self.rows) for each in (above, tied))
        member: FloatArray = np.where(above, 1.0, np.where(tied, ((k - sure) / ties)[self.row], 0.0))
        return member


def _nearest(units: FloatArray, rows: slice, k: int) -> _Near:
    """All whose cosine reaches that of the k-th nearest, found from the largest of every 32: few are left to sort."""
    alike = units[rows] @ units.T
    count, n = alike.shape
    alike[np.arange(count), np.arange(rows.start, rows.stop)] = -np.inf
    lanes = n // _LANE
    peaks = alike[:, : lanes * _LANE].reshape(count, _LANE, lanes).max(axis=1) if lanes >= 2 * k else alike
    bound = np.partition(peaks, peaks.shape[1] - k, axis=1)[:, peaks.shape[1] - k]
    row, column = np.divmod(np.flatnonzero(alike >= (bound - 2 * np.float32(_TIE))[:, None]), n)
    return _Near(row, column, alike[row, column], count, n)
