"""A sparse random matrix any rows of which can be drawn alone, on any machine the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray

_ENTRIES = 1_000_000
"""How many random numbers, about, are drawn at once."""

_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class SparseDraw:
    r"""A matrix `[feature, column]` whose entries are 0 but for a share \(1 / \sqrt p\) of them, which are \(\pm \sqrt{\sqrt p / k}\).

    Every entry is drawn independently of all others. Each feature has random numbers of its own (the generator SplitMix64, begun at a
    hash of the seed and the feature's index), which say how many zeros come before its next other entry, and the sign of that. Only
    integers are compared, with a table of \((1 - 1 / \sqrt p)^m\) made by multiplication: no logarithm is rounded here or there.

    Attributes:
        features: p.
        width: k.
        seed: Of all of it.
    """

    features: int
    width: int
    seed: int

    @property
    def value(self) -> float:
        """The size of the entries that are not 0."""
        return float(np.sqrt(np.sqrt(self.features) / self.width))

    def blocks(self) -> Iterator[slice]:
        """Features, so many that drawing their rows takes bounded memory."""
        step = max(1, int(_ENTRIES / (self.width / np.sqrt(self.features) + 8)))
        for start in range(0, self.features, step):
            yield slice(start, min(start + step, self.features))

    def rows(self, features: slice, *, dtype: npt.DTypeLike = np.float64) -> Any:
        """The rows of some features, a `scipy.sparse.csr_array` `[feature, column]`."""
        from scipy.sparse import csr_array

        count = features.stop - features.start
        row, column, sign = self._entries(np.arange(features.start, features.stop, dtype=np.uint64))
        order = np.argsort(row, kind="stable")  # columns of a row come in order
        starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=count))])
        return csr_array(((sign[order] * self.value).astype(dtype), column[order], starts), shape=(count, self.width))

    def _entries(self, features: npt.NDArray[np.uint64]) -> tuple[IntArray, IntArray, FloatArray]:
        """Rows, columns and signs of all entries that are not 0."""
        stream = _mix(_mix(np.array([self.seed], dtype=np.uint64) + _STEP) + features * _STEP)
        alive, last, drawn = np.arange(len(features)), np.full(len(features), -1), 0
        found: list[tuple[IntArray, IntArray, FloatArray]] = []
        mean = self.width / np.sqrt(self.features)
        batch = int(mean + 3 * np.sqrt(mean)) + 4
        while len(alive):
            numbers = np.arange(drawn + 1, drawn + batch + 1, dtype=np.uint64) * _STEP
            random = _mix(stream[alive, None] + numbers)
            column = last[alive, None] + np.cumsum(1 + self._zeros(random >> np.uint64(11)), axis=1)
            row, place = np.nonzero(column < self.width)
            found.append((alive[row], column[row, place], 1.0 - 2.0 * (random[row, place] & np.uint64(1))))
            last[alive] = column[:, -1]
            alive, drawn = alive[column[:, -1] < self.width], drawn + batch
        rows, columns, signs = (np.concatenate(each) for each in zip(*found, strict=True))
        return rows, columns, signs

    def _zeros(self, uniform: npt.NDArray[np.uint64]) -> IntArray:
        """How many zeros come first: m or more with the probability (1 - density)^m; from integers below 2^53."""
        powers = np.cumprod(np.full(self.width, 1 - 1 / np.sqrt(self.features)))
        table = (powers[::-1] * 2.0**53).astype(np.uint64)
        return np.asarray(self.width - np.searchsorted(table, uniform, side="right"))


def _mix(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
