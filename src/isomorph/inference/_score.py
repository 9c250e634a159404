"""A number that says how sure it is."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from isomorph.arrays import FloatArray


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """The range in which the best possible model would score, given how much the subjects differ.

    Attributes:
        lower: Mean similarity of each subject to the pool of the others. A model below it misses something the subjects share.
        upper: Mean similarity of each subject to the pool of all, itself included. No model can be expected above it.
        lower_low: Lower end of the interval of `lower`; None without a bootstrap.
        lower_high: Upper end of the interval of `lower`.
        upper_low: Lower end of the interval of `upper`.
        upper_high: Upper end of the interval of `upper`.
    """

    lower: float
    upper: float
    lower_low: float | None = None
    lower_high: float | None = None
    upper_low: float | None = None
    upper_high: float | None = None

    def __str__(self) -> str:
        return f"ceiling {self.lower:.2f} … {self.upper:.2f}"


@dataclass(frozen=True, kw_only=True)
class Score:
    """A value with its interval, and what a reader must know of both.

    Attributes:
        value: The estimate.
        low: Lower end of the bootstrap interval; None when no replicate was drawn.
        high: Upper end of the bootstrap interval; None when no replicate was drawn.
        n: How many stimuli it rests on.
        measure: Which measure gave it.
        level: The interval's coverage.
        ceiling: The noise ceiling, where there is one.
        p: Permutation p-value, one-sided, where one was asked for.
        seed: The bootstrap's seed.
        replicates: How many bootstrap replicates the interval rests on.
        seen: Whether what was judged had been seen in training.

    Example:
        >>> print(Score(value=0.614, low=0.59, high=0.632, n=1854))
        0.61 [0.59, 0.63], n=1854
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int
    measure: str = ""
    level: float = 0.95
    ceiling: Ceiling | None = None
    p: float | None = None
    seed: int = 0
    replicates: int = 0
    seen: bool = False

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        interval = "" if self.low is None or self.high is None else f" [{self.low:.2f}, {self.high:.2f}]"
        return f"{self.value:.2f}{interval}, n={self.n}"

    def __repr__(self) -> str:
        return f"Score({self})"


def interval(replicates: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """The percentile interval along the first axis; replicates that are NaN (0/0 in that resample) are left out."""
    tail = (1 - level) / 2
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing but NaN: the ends are NaN
        low, high = np.nanquantile(replicates, [tail, 1 - tail], axis=0)
    return low, high
