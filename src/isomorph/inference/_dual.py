"""Standard errors and intervals from bootstrap draws; over stimuli and subjects at once with the bias of the double bootstrap removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.inference._score import interval

_ROUNDING = 1e-24
Resample = Literal["stimuli", "subjects", "both"]
Intervals = Literal["percentile", "t"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Draws:
    """Everything that bootstrap replicates gave.

    Attributes:
        values: `[part, assignment, replicate, column]`. Parts: the resampling asked for and, for `"both"`, after it the same draws of
            stimuli alone and of subjects alone. Assignments: two independent ones to folds where a value is cross-validated, else one.
            Columns: the models, then the lower and the upper ceiling (NaN without one).
        resample: What was drawn.
        n: How many stimuli.
        people: How many subjects.
    """

    values: FloatArray
    resample: Resample
    n: int
    people: int

    @property
    def degrees(self) -> int:
        """Degrees of freedom of t: one less than the number of things drawn, the smaller number for both."""
        return {"stimuli": self.n, "subjects": self.people, "both": min(self.n, self.people)}[self.resample] - 1

    def mean(self, columns: FloatArray) -> FloatArray:
        """Values of the resampling asked for, mean over assignments: `[replicate, …]` of `[part, assignment, replicate, …]`."""
        return np.asarray(columns[0].mean(axis=0))

    def variance(self, columns: FloatArray) -> FloatArray:
        r"""The variance of what stands in `columns` `[part, assignment, replicate, …]`; NaN with fewer than two usable replicates.

        The bootstrap's own factor (n − 1)/n is taken out. With S subjects and n stimuli, drawing both counts the measurement noise of
        single entries once in each factor and once more, so that for both

        $$\frac{S}{S-1} V_S + \frac{n}{n-1} V_n - \frac{S n}{(S-1)(n-1)} (V_{both} - V_S - V_n)$$

        which for large samples is 2 (V_S + V_n) − V_both; kept at or below V_both and, above all, at or above the two first terms
        (Schütt et al., 2023, <https://doi.org/10.7554/eLife.82566>). With two assignments to folds, each V is the covariance between
        them: the variance that all assignments together would have, which the choice of folds does not inflate; NaN, not 0, where that
        choice drowns it.
        """
        found = np.stack([_covariance(part[0], part[-1]) for part in columns])
        if not columns.shape[2]:
            return np.asarray(found[0])
        by_stimuli, by_subjects = self.n / (self.n - 1), self.people / max(self.people - 1, 1)
        if self.resample != "both":
            return _resolved(found[0] * (by_stimuli if self.resample == "stimuli" else by_subjects), columns)
        both, stimuli, subjects = found
        corrected = by_subjects * subjects + by_stimuli * stimuli - by_subjects * by_stimuli * (both - stimuli - subjects)
        return _resolved(np.maximum(np.minimum(corrected, both), np.maximum(by_stimuli * stimuli, by_subjects * subjects)), columns)

    def scaled(self, value: FloatArray, columns: FloatArray) -> FloatArray:
        """Replicates `[replicate, …]` whose percentiles are the interval.

        Where the plain variance is biased (both resampled, or folds drawn), deviations are scaled to `variance` and set around `value`.
        """
        plain = self.mean(columns)
        if columns.shape[0] == columns.shape[1] == 1 or not len(plain):
            return plain
        spread = _covariance(plain, plain)
        with np.errstate(invalid="ignore", divide="ignore"):
            factor = np.where(spread > 0, np.sqrt(self.variance(columns) / spread), 1.0)
        usable = np.isfinite(plain)
        centre = np.where(usable, plain, 0.0).sum(axis=0) / np.maximum(usable.sum(axis=0), 1)
        return np.asarray(value + (plain - centre) * factor)

    def ends(self, value: FloatArray, columns: FloatArray, level: float, kind: Intervals) -> tuple[FloatArray, FloatArray]:
        """The interval of `value` `[…]`."""
        if not columns.shape[2]:
            nothing = np.full(np.shape(value), np.nan)
            return nothing, nothing
        if kind == "percentile":
            return interval(self.scaled(value, columns), level)
        from scipy.stats import t

        reach = np.sqrt(self.variance(columns)) * t.ppf((1 + level) / 2, self.degrees)
        return value - reach, value + reach

    def p_value(self, value: float, columns: FloatArray, kind: Literal["bootstrap", "t"]) -> float | None:
        """Two-sided p-value that `value` is 0: by the share of replicates beyond 0, or by t."""
        if kind == "bootstrap":
            gaps = self.scaled(np.asarray(value), columns)
            gaps = gaps[np.isfinite(gaps)]
            return min(1.0, 2 * (1 + min(int((gaps <= 0).sum()), int((gaps >= 0).sum()))) / (1 + len(gaps))) if len(gaps) else None
        from scipy.stats import t

        error = float(np.sqrt(self.variance(columns)))
        if not np.isfinite(error):
            return None
        return float(2 * t.sf(abs(value) / error, self.degrees)) if error > 0 else float(value == 0)


def _resolved(variance: FloatArray, columns: FloatArray) -> FloatArray:
    """NaN instead of a variance of 0 where folds vary."""
    return np.asarray(variance) if columns.shape[1] == 1 else np.where(variance > _ROUNDING, variance, np.nan)


def _covariance(first: FloatArray, second: FloatArray) -> FloatArray:
    """Along the first axis, at least 0, without what is NaN in either."""
    usable = np.isfinite(first) & np.isfinite(second)
    count = usable.sum(axis=0)

    def deviations(values: FloatArray) -> FloatArray:
        kept = np.where(usable, values, 0.0)
        return np.asarray(np.where(usable, kept - kept.sum(axis=0) / np.maximum(count, 1), 0.0))

    product = (deviations(first) * deviations(second)).sum(axis=0)
    return np.asarray(np.where(count > 1, np.maximum(product, 0.0) / np.maximum(count - 1, 1), np.nan))
