"""Measures that describe each system by itself, and then compare the descriptions."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.measures._measure import Measure


@dataclass(frozen=True, kw_only=True)
class DescriptorMeasure(Measure):
    """The distance between two descriptions, each made of one cloud of stimuli alone; write `_describe` and `_distance`.

    Which stimulus is which plays no part: a reordered `y` scores the same.
    """

    @abstractmethod
    def _describe(self, x: Any, name: str) -> Any:
        """What is known of one thing."""

    def _distance(self, first: Any, second: Any) -> float:
        return float(abs(first - second))

    def _value(self, x: Any, y: Any) -> float:
        return self._distance(self._describe(x, "x"), self._describe(y, "y"))

    def permuted(self, x: Any, y: Any, orders: IntArray) -> FloatArray:
        """The value, however the rows of `y` are ordered."""
        return np.full(len(orders), self.between(x, y))

    def matrix(self, things: list[Any]) -> FloatArray:
        """All pairs: each thing is described a single time."""
        known = [self._describe(each, f"thing {place}") for place, each in enumerate(things)]
        return np.array([[self._distance(first, second) for second in known] for first in known])
