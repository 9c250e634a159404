"""One metric of one layer on one side of the split: its folds as one score for each region and subject."""

from __future__ import annotations

from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.encoding._encode_options import Certainty
from isomorph.inference import interval


class Tally:
    """Means over folds, with what intervals and tests need.

    Args:
        groups: How many regions × subjects.
        stimuli: How many there are in the recording.
        folds: How many there will be.
        certainty: Replicates and permutations.
    """

    def __init__(self, groups: int, stimuli: int, folds: int, certainty: Certainty) -> None:
        self.share = 1 / folds
        self.certainty = certainty
        self.values, self.normalised, self.ceiling = (np.zeros(groups) for _ in range(3))
        self.bounds = np.zeros((groups, 2))
        self.contributions = np.zeros((stimuli, groups))
        self.draws = np.zeros((certainty.drawn, groups))
        self.null = np.zeros((certainty.permutations, groups))
        self.unit_variance = np.full(groups, np.nan)
        self._seen, self._permuted = np.zeros(stimuli, dtype=bool), False

    def add(self, rows: IntArray, values: FloatArray, contributions: FloatArray, **others: FloatArray | float | None) -> None:
        """Add one fold; `others` are attributes' names and values."""
        self._seen[rows] = True
        self.values += self.share * values
        self.contributions[rows] += self.share * contributions
        for name, value in others.items():
            if value is not None:
                self._permuted = self._permuted or name == "null"
                getattr(self, name)[...] += self.share * value

    @property
    def stimuli(self) -> int:
        """How many stimuli the score rests on."""
        return int(self._seen.sum())

    def interval(self, *, units: bool) -> tuple[FloatArray, FloatArray]:
        """Ends `[group]`; of what has units these may be drawn, too."""
        if self.certainty.drawn:
            return interval(self.draws, self.certainty.level)
        variance = (self.contributions**2).sum(axis=0)
        if units and self.certainty.resample != "stimuli":
            variance = self.unit_variance + (variance if self.certainty.resample == "both" else 0)
        half = t_quantile(self.stimuli - 1, self.certainty.level) * np.sqrt(variance)
        return self.values - half, self.values + half

    def p_values(self) -> FloatArray:
        """One-sided `[group]`; NaN without permutations."""
        if not self._permuted:
            return np.full(len(self.values), np.nan)
        count = (~(self.null < self.values - 1e-12)).sum(axis=0)  # what is undefined counts against the layer
        return np.asarray(np.where(np.isfinite(self.values), (1 + count) / (1 + len(self.null)), np.nan))

    def row(self, group: int, ends: tuple[FloatArray, FloatArray], p: FloatArray) -> dict[str, Any]:
        """The numbers of one group, by the table's names."""
        return {
            "score": float(self.values[group]), "low": float(ends[0][group]), "high": float(ends[1][group]), "p": float(p[group]),
            "ceiling": float(self.ceiling[group]), "ceiling_lower": float(self.bounds[group, 0]),
            "ceiling_upper": float(self.bounds[group, 1]), "normalised": float(self.normalised[group]), "n_stimuli": self.stimuli,
        }  # fmt: skip


def t_quantile(degrees: int, level: float) -> float:
    """The two-sided quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(max(degrees, 1), 0.5 + level / 2))
