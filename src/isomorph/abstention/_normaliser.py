"""From a score to a probability of abstaining."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from isomorph.abstention._values import Floats, check_choice, check_number
from isomorph.arrays import as_floats, check_finite
from isomorph.errors import InputError, ShapeError

Scaling = Literal["min-max", "quantile", "ecdf", "logistic"]


@dataclass(frozen=True)
class Normaliser:
    r"""Learns on a calibration set how a score becomes a, the probability of abstaining; a single new item can then be judged.

    With calibration scores $s_1 \ldots s_n$ and a new score s, clipped to [0, 1]:

    * `"min-max"`: $a = (s - \min) / (\max - \min)$; one extreme calibration item moves all others.
    * `"quantile"`: the same between two quantiles.
    * `"ecdf"`: $a = (\#\{s_i < s\} + \frac12 \#\{s_i = s\}) / n$; on items like the calibration set's, a is uniform.
    * `"logistic"`: $a = 1 / (1 + e^{-(b + w s)})$ of greatest likelihood for labels that say where abstaining is right. The only one whose
      a says how often. Labels are drawn towards the middle as by Platt, so that w is finite where they can be told apart.

    Where all calibration scores are equal, a is 0 below, ½ at and 1 above that score; with `"logistic"` it is the labels' mean.

    Attributes:
        method: One of the four.
        low: Of `"quantile"`: the share of calibration items with a = 0.
        high: Of `"quantile"`: the share of calibration items with a < 1.

    References:
        Platt, 1999, Probabilistic outputs for support vector machines.

    Example:
        >>> fitted = Normaliser("min-max").fit([1.0, 2.0, 5.0])
        >>> fitted([0.0, 2.0, 9.0]).tolist()
        [0.0, 0.25, 1.0]
    """

    method: Scaling = "min-max"
    low: float = field(default=0.05, kw_only=True)
    high: float = field(default=0.95, kw_only=True)

    def __post_init__(self) -> None:
        check_choice(self, method=get_args(Scaling))
        check_number(self, "low", least=0, most=1)
        check_number(self, "high", least=0, most=1)
        if self.low >= self.high:
            raise InputError(f"Normaliser's low must lie below high; got {self.low:g} and {self.high:g}.")

    def fit(self, scores: Any, labels: Any = None) -> FittedNormaliser:
        """Learn from a calibration set.

        Args:
            scores: `[item]`, higher means abstain.
            labels: `[item]`, of `"logistic"`: 1 where abstaining is right, 0 where answering is, or between them the share of people who
                abstain.

        Raises:
            ShapeError: There are no scores, or not as many labels.
            NonFiniteError: A score or label is NaN or infinite.
            InputError: `"logistic"` has no labels, they do not lie between 0 and 1, or they are all 0 or all 1.

        Warns:
            UserWarning: All scores are equal; or high scores go with answering.
        """
        s = read_scores(scores, "the calibration scores")
        if np.ptp(s) == 0:
            warnings.warn(f"all {len(s)} calibration scores are {s[0]:.6g}: they do not say when to abstain.", UserWarning, stacklevel=2)
        if self.method == "logistic":
            slope, offset = _logistic(s, _labels(labels, len(s)))
            if slope < 0:
                warnings.warn(
                    "on the calibration set high scores go with answering, not with abstaining; a falls where the score rises. Check the "
                    "sign of the score and the labels.",
                    UserWarning,
                    stacklevel=2,
                )
            return FittedNormaliser(normaliser=self, slope=slope, offset=offset)
        if labels is not None:
            raise InputError(f"the normaliser {self.method!r} has no use for labels; 'logistic' has.")
        if self.method == "ecdf":
            return FittedNormaliser(normaliser=self, known=np.sort(s))
        ends = (0.0, 1.0) if self.method == "min-max" else (self.low, self.high)
        low, high = np.quantile(s, ends)
        return FittedNormaliser(normaliser=self, start=float(low), end=float(high))


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedNormaliser:
    """What `Normaliser.fit` returns: call it with scores.

    Attributes:
        normaliser: How it was fitted.
        start: Of `"min-max"` and `"quantile"`: the score up to which a is 0.
        end: And from which it is 1.
        known: Of `"ecdf"`: the calibration scores in order.
        slope: Of `"logistic"`: w.
        offset: Of `"logistic"`: b.
    """

    normaliser: Normaliser
    start: float = 0.0
    end: float = 1.0
    known: Floats | None = None
    slope: float = 0.0
    offset: float = 0.0

    def __call__(self, scores: Any) -> Floats:
        """`[item]`, a in [0, 1], float64.

        Raises:
            ShapeError: There are no scores.
            NonFiniteError: A score is NaN or infinite.
        """
        from scipy.special import expit

        s = read_scores(scores, "the scores")
        if self.known is not None:
            return np.asarray(sum(np.searchsorted(self.known, s, side=side) for side in ("left", "right")) / (2 * len(self.known)))
        if self.normaliser.method == "logistic":
            return np.asarray(expit(self.slope * s + self.offset))
        if self.end == self.start:
            return np.where(s == self.start, 0.5, np.where(s > self.start, 1.0, 0.0))
        return np.asarray(np.clip((s - self.start) / (self.end - self.start), 0.0, 1.0))


def read_scores(values: Any, name: str) -> Floats:
    """`[item]` in float64, finite and at least one."""
    scores = as_floats(values, name=name, ndim=1).astype(np.float64)
    if not len(scores):
        raise ShapeError(f"{name} are empty.")
    check_finite(scores, name=name, rows="items")
    return scores


def _labels(labels: Any, n: int) -> Floats:
    if labels is None:
        raise InputError("the normaliser 'logistic' needs labels: 1 where abstaining is right, 0 where answering is. fit(scores, labels).")
    y = read_scores(labels, "the labels")
    if len(y) != n:
        raise ShapeError(f"each calibration score has one label; got {n} scores and {len(y)} labels.")
    if y.min() < 0 or y.max() > 1:
        raise InputError(f"the normaliser's labels lie between 0 (answer) and 1 (abstain); they go from {y.min():g} to {y.max():g}.")
    if y.max() == 0 or y.min() == 1:
        word = "abstaining" if y.min() == 1 else "answering"
        raise InputError(f"all {n} calibration items are labelled as right for {word}; 'logistic' needs both kinds.")
    return y


def _logistic(s: Floats, y: Floats) -> tuple[float, float]:
    """The w and b of greatest likelihood, for labels drawn in as by Platt."""
    from scipy.optimize import minimize
    from scipy.special import expit

    yes, no = y.sum(), len(y) - y.sum()
    target = (1 - y) / (no + 2) + y * (yes + 1) / (yes + 2)
    middle, spread = s.mean(), s.std()
    if np.ptp(s) == 0:
        return 0.0, float(np.log(target.mean() / (1 - target.mean())))
    t = (s - middle) / spread

    def loss(parameters: Floats) -> tuple[float, Floats]:
        z = parameters[0] * t + parameters[1]
        off = expit(z) - target
        return float((np.logaddexp(0, z) - target * z).mean()), np.array([(off * t).mean(), off.mean()])

    slope, offset = minimize(loss, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-10}).x
    return float(slope / spread), float(offset - slope * middle / spread)
