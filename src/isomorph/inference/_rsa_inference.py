"""What `rsa_scores` found, and the tests that can be asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError
from isomorph.inference._comparison import GRAMS
from isomorph.inference._dual import Draws, Intervals, Resample
from isomorph.inference._fit_folds import Folds
from isomorph.inference._groups import GroupComparison
from isomorph.inference._multiple import Method, correct_p_values
from isomorph.inference._score import Ceiling, Score

Test = Literal["bootstrap", "t"]
Bound = Literal["lower", "upper", "zero"]


@dataclass(frozen=True, eq=False, kw_only=True)
class RSAInference:
    """How alike each of several models and a group of subjects are, and how sure that is.

    What is undefined in a replicate (an RDM constant on the stimuli drawn, a fold of fewer than three of them, one subject alone
    without others to pool) is NaN there, and left out of every interval, standard error and p-value it would enter; `usable` counts
    the rest. NaN in the data never gets so far: it is refused.

    Attributes:
        values: `[model]`: mean over subjects of the comparison.
        low: `[model]`: lower ends of the intervals (NaN without replicates).
        high: `[model]`: upper ends.
        se: `[model]`: standard errors; for `resample="both"` with the bias of the double bootstrap removed.
        replicates: `[replicate, model]`.
        p: `[model]`: permutation p-values, or None.
        chance: `[model]`: mean score under permuted labels, or None: what zero would be, for a comparison where zero is not chance.
        ceiling: The noise ceiling with its intervals; None for a single subject.
        per_subject: `[model, subject]`.
        n: How many stimuli.
        comparison: The comparison of RDMs.
        level: The intervals' coverage.
        seed: The seed of the bootstrap, the folds and the permutations.
        resample: What was drawn with replacement.
        intervals: How the ends were had: `"percentile"` or `"t"`.
        weights: For each model the weights `[component]` fitted to all stimuli and subjects; None for a fixed RDM.
        fold_weights: For each model the weights of each fit `[assignment, fold of stimuli, fold of subjects, component]`, or None.
        folds: Which stimuli and subjects were tested together; None where nothing was held out.
        groups: The comparison of two groups of subjects, if there are such.
        draws: What the replicates gave, ceilings and single factors included.
    """

    values: FloatArray
    low: FloatArray
    high: FloatArray
    se: FloatArray
    replicates: FloatArray
    p: FloatArray | None
    chance: FloatArray | None
    ceiling: Ceiling | None
    per_subject: FloatArray
    n: int
    comparison: str
    level: float
    seed: int
    resample: Resample
    intervals: Intervals
    weights: tuple[FloatArray | None, ...]
    fold_weights: tuple[FloatArray | None, ...]
    folds: Folds | None
    groups: GroupComparison | None
    draws: Draws = field(repr=False)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, model: int) -> Score:
        """The score of one model."""
        p = None if self.p is None else float(self.p[model])
        return self._score(float(self.values[model]), self.draws.values[..., model], p, f"rsa {self.comparison}")

    @property
    def usable(self) -> FloatArray:
        """`[model]`: in how many replicates each model has a value."""
        return np.asarray(np.isfinite(self.draws.mean(self.draws.values[..., : len(self)])).sum(axis=0))

    def difference(self, i: int, j: int | Bound, *, test: Test = "bootstrap") -> Score:
        """Model `i` minus model `j`, replicate by replicate, with the two-sided p-value of no difference.

        Args:
            i: A model.
            j: Another; or `"lower"` or `"upper"`, a bound of the noise ceiling; or `"zero"`.
            test: `"bootstrap"`: the share of replicates on the other side of 0; `"t"`: the difference over its standard error, with one
                degree of freedom less than stimuli, subjects, or the fewer of both were drawn.

        Raises:
            InputError: There is no ceiling; or zero is not chance for the comparison (all distances are positive, so that the cosine of
                unrelated RDMs is far above 0).
        """
        value, columns = float(self.values[i]), self.draws.values[..., i]
        if isinstance(j, int):
            value, columns = value - float(self.values[j]), columns - self.draws.values[..., j]
        elif j in ("lower", "upper"):
            if self.ceiling is None:
                raise InputError("there is 1 subject, so that there is no noise ceiling to test against.")
            value = value - (self.ceiling.lower if j == "lower" else self.ceiling.upper)
            columns = columns - self.draws.values[..., len(self) + (j == "upper")]
        elif self.comparison in ("cosine", "cosine_cov", *GRAMS):
            raise InputError(
                f"zero is not chance for the comparison {self.comparison!r}: unrelated RDMs score far from it. Use permutations=1000 and "
                "read p and chance."
            )
        p = self.draws.p_value(value, columns, test) if columns.shape[2] else None
        return self._score(value, columns, p, f"rsa {self.comparison} difference")

    def pairwise_p(self, *, test: Test = "bootstrap", method: Method | None = "fdr_bh") -> FloatArray:
        """P-values of all differences `[model, model]`, 1 on the diagonal.

        Args:
            test: As in `difference`.
            method: How they are corrected for their number, as in `correct_p_values`; None leaves them as they are.

        Raises:
            InputError: There are no replicates to test with.
        """
        if not len(self.replicates):
            raise InputError("models are compared on bootstrap replicates, but there are none. Use replicates=1000.")
        first, second = np.triu_indices(len(self), 1)
        found = [self.difference(int(i), int(j), test=test).p for i, j in zip(first, second, strict=True)]
        p = np.array([np.nan if each is None else each for each in found])
        known = np.isfinite(p)
        if method is not None and known.any():
            p[known] = correct_p_values(p[known], method)
        result = np.ones((len(self), len(self)))
        result[first, second] = result[second, first] = p
        return result

    def _score(self, value: float, columns: FloatArray, p: float | None, measure: str) -> Score:
        ends: list[float | None] = [None, None]
        drawn = int(np.isfinite(self.draws.mean(columns)).sum())
        if drawn:
            found = self.draws.ends(np.asarray(value), columns, self.level, self.intervals)
            ends = [float(end) if np.isfinite(end) else None for end in found]
        return Score(
            value=value, low=ends[0], high=ends[1], n=self.n, measure=measure, level=self.level, ceiling=self.ceiling, p=p, seed=self.seed,
            replicates=drawn,
        )  # fmt: skip
