"""The values of all pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import UnknownNameError


@dataclass(frozen=True, eq=False, kw_only=True)
class AllPairs:
    """Every measure of every pair of things.

    Attributes:
        names: The things.
        measures: The measures: names, or how they are written.
        values: `[measure, thing, thing]`, float64.
        standard_errors: The jack-knife over stimuli, `[measure, thing, thing]`; NaN where a measure has none; None if not asked for.
        n: How many stimuli.
        form: How each measure was computed: `"stream"` (relations of stimuli, in stripes), `"features"` (cross-covariances) or
            `"pairwise"` (by the measure itself, pair by pair).
        sampled: For rank measures whose entries were sampled: `entries`, how many, and `error`, the standard error of a value that is due
            to it, at most.
        precision: Of the products: `"float32"` or `"float64"`; all sums over stimuli are float64.
        memory: The bytes that the work was predicted to take.
    """

    names: tuple[str, ...]
    measures: tuple[str, ...]
    values: FloatArray
    standard_errors: FloatArray | None
    n: int
    form: Mapping[str, str]
    sampled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    precision: str = "float64"
    memory: int = 0

    def matrix(self, measure: str | None = None) -> FloatArray:
        """The values `[thing, thing]` of one measure; it may be left out where there is only one."""
        if measure is None and len(self.measures) == 1:
            return np.asarray(self.values[0])
        if measure not in self.measures:
            raise UnknownNameError("measure of this result", str(measure), self.measures)
        return np.asarray(self.values[self.measures.index(measure)])
