"""How well predictions meet responses, unit by unit, and how much each stimulus has to do with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import UnknownNameError

_UNITS = 512  # in a chunk: its arrays stay in the cache
_ROWS = 4096  # summed in the precision of the arrays, then in float64
Influences: TypeAlias = Callable[[slice | IntArray], FloatArray]


@dataclass(frozen=True, eq=False)
class Scored:
    r"""The score of every unit, and its influence function.

    With a first-order change of the stimuli's weights from 1/n each, a score changes by the mean over stimuli of weight change times
    influence. Every score here is a fixed number plus a sum of inner products of predictions and responses, stimulus by stimulus, so
    that its value when responses are permuted needs one product, too.

    Attributes:
        values: `[unit]`, float64.
        influence: Of some units `[stimulus, unit]`; its mean over stimuli is 0.
        made: Predictions in the form that enters the inner product `[stimulus, unit]`.
        truth: Responses in that form `[stimulus, unit]`.
        factor: `[unit]`: score = offset + factor · Σ made · truth.
        gap: `[unit]`: mean prediction less mean response, where the score depends on it.
    """

    values: FloatArray
    influence: Influences
    made: FloatArray
    truth: FloatArray
    factor: FloatArray
    gap: FloatArray | None = None

    def contributions(self, weights: FloatArray) -> FloatArray:
        """Influences of the stimuli on weighted sums of the units' scores: `[stimulus, region]` from weights `[unit, region]`."""
        result = np.zeros((len(self.made), weights.shape[1]))
        for units in _parts(len(self.values)):
            result += self.influence(units) @ weights[units].astype(self.made.dtype)
        return result

    def errors(self, units: IntArray) -> FloatArray:
        """Standard errors of some units' scores, over stimuli."""
        return np.asarray(self.influence(units).std(axis=0, ddof=1) / np.sqrt(len(self.made)))

    def exchange(self, weights: FloatArray) -> FloatArray:
        """`[stimulus, stimulus]`: what a weighted sum of the units' scores gets from a prediction meeting another stimulus' response."""
        return np.asarray((self.made * (weights * self.factor).astype(self.made.dtype)) @ self.truth.T)


def score_units(made: FloatArray, truth: FloatArray, scorer: str) -> Scored:
    """Score predictions `made` against responses `truth`, both `[stimulus, unit]`.

    Args:
        made: Predictions; a unit that is predicted alike for all stimuli scores 0 in the correlations.
        truth: Responses; no unit is constant.
        scorer: `"pearson"` r; `"spearman"` ρ (ties averaged); `"r2"`: 1 − Σ(y − ŷ)² / Σ(y − ȳ)²; `"explained_variance"`: 1 − Var(y − ŷ) /
            Var(y); `"concordance"`: 2 s_xy / (s_x² + s_y² + (x̄ − ȳ)²) (Lin, 1989).

    Raises:
        UnknownNameError: There is no such scorer.

    Example:
        >>> y = np.array([[1.0], [2.0], [4.0]])
        >>> [round(float(score_units(y / 2 + 1, y, each).values[0]), 4) for each in SCORERS]
        [1.0, 1.0, 0.7321, 0.75, 0.7887]
    """
    return check_scorer(scorer)(made, truth)


def check_scorer(scorer: str) -> Callable[[FloatArray, FloatArray], Scored]:
    """The function of that name; an unknown name says what is close."""
    if scorer not in _SCORERS:
        raise UnknownNameError("scorer", str(scorer), _SCORERS)
    return _SCORERS[scorer]


def _pearson(made: FloatArray, truth: FloatArray) -> Scored:
    z, w = _unit_scaled(made), _unit_scaled(truth)
    r = _products(z, w) / len(z)

    def influence(units: slice | IntArray) -> FloatArray:
        a, b = z[:, units], w[:, units]
        result = a * a
        result += b * b
        result *= (-0.5 * r[units]).astype(result.dtype)
        result += a * b
        return np.asarray(result)

    return Scored(r, influence, z, w, np.full(len(r), 1 / len(z)))


def _spearman(made: FloatArray, truth: FloatArray) -> Scored:
    ranks = [_ranks(each) for each in (made, truth)]
    plain = _pearson(*ranks)
    z, w = plain.made, plain.truth

    def influence(units: slice | IntArray) -> FloatArray:
        # A stimulus also moves the ranks of those above it, by 1/n each: on average, what these have in the other variable.
        extent = np.sqrt(12.0)
        moved = [extent * _mean_above(own[:, units], other[:, units]) for own, other in ((z, w), (w, z))]
        result = z[:, units] * w[:, units] + moved[0] + moved[1]
        return np.asarray(result - result.mean(axis=0))

    return Scored(plain.values, influence, z, w, plain.factor)


def _r2(made: FloatArray, truth: FloatArray) -> Scored:
    mean = truth.mean(axis=0, dtype=np.float64).astype(truth.dtype)
    return _variance(made - mean, truth - mean)


def _explained_variance(made: FloatArray, truth: FloatArray) -> Scored:
    return _variance(_centred(made), _centred(truth))


def _variance(x: FloatArray, y: FloatArray) -> Scored:
    """1 − Σ(y − x)² / Σy²."""
    total, error = _products(y, y), _products(y - x, y - x)
    share = error / total

    def influence(units: slice | IntArray) -> FloatArray:
        a, b = x[:, units], y[:, units]
        scale = (len(y) / total[units]).astype(y.dtype)
        return np.asarray((share[units].astype(y.dtype) * b * b - (b - a) ** 2) * scale)

    return Scored(1 - share, influence, x, y, 2 / total)


def _concordance(made: FloatArray, truth: FloatArray) -> Scored:
    x, y = _centred(made), _centred(truth)
    n = len(x)
    gap = made.mean(axis=0, dtype=np.float64) - truth.mean(axis=0, dtype=np.float64)
    below = _products(x, x) / n + _products(y, y) / n + gap**2
    values = 2 * _products(x, y) / n / below

    def influence(units: slice | IntArray) -> FloatArray:
        a, b, c, d = x[:, units], y[:, units], values[units].astype(x.dtype), gap[units].astype(x.dtype)
        result = 2 * a * b - c * (a * a + b * b + 2 * d * (a - b))
        result -= result.mean(axis=0)
        return np.asarray(result / below[units].astype(x.dtype))

    return Scored(values, influence, x, y, 2 / n / below, gap)


def _centred(values: FloatArray) -> FloatArray:
    return np.asarray(values - values.mean(axis=0, dtype=np.float64).astype(values.dtype))


def _unit_scaled(values: FloatArray) -> FloatArray:
    """Columns of mean 0 and variance 1; 0 where a column is constant but for rounding."""
    mean = values.mean(axis=0, dtype=np.float64)
    result = values - mean.astype(values.dtype)
    deviation = np.sqrt(_products(result, result) / len(result))
    flat = deviation <= 4 * np.finfo(values.dtype).eps * np.abs(mean)
    result *= np.where(flat, 0, 1 / np.where(flat, 1, deviation)).astype(values.dtype)
    return np.asarray(result)


def _products(a: FloatArray, b: FloatArray) -> FloatArray:
    """Inner products of columns, summed in float64 over some rows at a time."""
    result = np.zeros(a.shape[1])
    for start in range(0, len(a), _ROWS):
        rows = slice(start, start + _ROWS)
        result += np.einsum("ij,ij->j", a[rows], b[rows])
    return result


def _ranks(values: FloatArray) -> FloatArray:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values, axis=0), dtype=values.dtype)


def _mean_above(own: FloatArray, other: FloatArray) -> FloatArray:
    """For each stimulus the sum of `other` over stimuli with a larger `own`, half of those with an equal one, over n."""
    order = np.argsort(own, axis=0, kind="stable")
    ordered = np.take_along_axis(other, order, axis=0).astype(np.float64)
    above = ordered[::-1].cumsum(axis=0)[::-1] - ordered / 2
    result = np.empty_like(above)
    np.put_along_axis(result, order, above / len(own), axis=0)
    return result


def _parts(count: int) -> list[slice]:
    return [slice(start, min(start + _UNITS, count)) for start in range(0, count, _UNITS)]


_SCORERS: dict[str, Callable[[FloatArray, FloatArray], Scored]] = {
    "pearson": _pearson,
    "spearman": _spearman,
    "r2": _r2,
    "explained_variance": _explained_variance,
    "concordance": _concordance,
}
SCORERS = tuple(_SCORERS)
