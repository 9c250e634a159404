"""What measures that count common neighbours share."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.measures._neighbours import GRAM_STIMULI, Likeness, NeighbourMeasure, blocks


@dataclass(frozen=True, kw_only=True)
class OverlapMeasure(NeighbourMeasure):
    """A function of how many of its k nearest each stimulus has in common; write `_of_overlap`."""

    @abstractmethod
    def _of_overlap(self, common: FloatArray) -> float:
        """The value from the overlaps `[stimulus]`, 0 … k."""

    def _score(self, x: Likeness, y: Likeness) -> float:
        pairs = zip(blocks(x, self.k), blocks(y, self.k), strict=True)
        return self._of_overlap(np.concatenate([np.minimum(a.member, b.member).sum(axis=1) for a, b in pairs]))

    def permuted(self, x: Any, y: Any, orders: IntArray) -> FloatArray:
        """The value under each reordering of `y`: neighbours are found once, and change places."""
        if len(x) > GRAM_STIMULI:
            return super().permuted(x, y, orders)
        mine, theirs = (
            np.concatenate([block.member for block in blocks(self._likeness(each, name), self.k)]) for each, name in ((x, "x"), (y, "y"))
        )
        most = int((theirs > 0).sum(axis=1).max())
        nearest = np.argpartition(-theirs, most - 1, axis=1)[:, :most]
        share = np.take_along_axis(theirs, nearest, axis=1)

        def value(order: IntArray) -> float:
            place = np.argsort(order)  # where each row of y has gone
            return self._of_overlap(np.minimum(np.take_along_axis(mine, place[nearest[order]], axis=1), share[order]).sum(axis=1))

        return np.array([value(order) for order in orders])
