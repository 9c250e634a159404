"""Whether confidence is what it says, against labels or against people's distributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.errors import InputError, ShapeError
from isomorph.inference import interval
from isomorph.inference._bootstrap import check_draws
from isomorph.perception._distributions import Floats, check_distributions
from isomorph.perception._draws import drawn_means


@dataclass(frozen=True, eq=False)
class CalibrationError:
    """Expected calibration error and the bins of its reliability diagram.

    Attributes:
        value: Absolute differences of accuracy and confidence, averaged over bins by their share of items: 0 … 1.
        low: Lower end of the bootstrap interval over items; NaN without.
        high: Upper end.
        confidence: `[bin]` mean confidence, NaN in empty bins.
        accuracy: `[bin]` mean accuracy: the share of right answers, or the mean share of people who answer as the model does.
        count: `[bin]` items.
    """

    value: float
    low: float
    high: float
    confidence: Floats
    accuracy: Floats
    count: Floats


def expected_calibration_error(
    probabilities: Any, target: Any, *, bins: int = 15, replicates: int = 1000, level: float = 0.95, seed: int = 0
) -> CalibrationError:
    """Expected calibration error of the most probable answer, in equal-width bins closed on the right.

    Args:
        probabilities: `[item, outcome]`, the model's.
        target: `[item]` columns of the right outcomes, or `[item, outcome]` people's distributions: accuracy is then the share of people
            who give the model's answer.
        bins: How many. The value is biased upwards where bins hold few items.
        replicates: Bootstrap replicates over items; 0: no interval.
        level: The interval's coverage.
        seed: The bootstrap's.

    Raises:
        ShapeError: There is no item, or the target has other items or outcomes.

    Example:
        >>> round(expected_calibration_error([[.8, .2], [.8, .2]], [0, 1], replicates=0).value, 6)
        0.3
    """
    p = check_distributions(probabilities, name="the probabilities")
    if bins < 1:
        raise InputError(f"a calibration error needs 1 bin or more; got {bins}.")
    if not len(p):
        raise ShapeError("a calibration error needs 1 item or more; got none.")
    check_draws(replicates=replicates, seed=seed, level=level)
    best, items = p.argmax(axis=1), np.arange(len(p))
    confidence, right = p[items, best], _right(p, target, best)
    gaps = bin_gaps(confidence, right, bins)
    low = high = float("nan")
    if replicates:
        drawn = drawn_means(gaps, replicates, np.random.default_rng(seed))
        low, high = (float(each) for each in interval(np.abs(drawn).sum(axis=1), level))
    which = bin_of(confidence, bins)
    count = np.bincount(which, minlength=bins).astype(np.float64)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(which, each, minlength=bins) / count for each in (confidence, right)]
    return CalibrationError(float(np.abs(gaps.mean(axis=0)).sum()), low, high, means[0], means[1], count)


def bin_of(confidence: Floats, bins: int) -> Any:
    """The bin of each confidence, (0, 1/bins] first; 0 belongs to the first."""
    edges = np.linspace(0, 1, bins + 1)  # 0.7 × 10 is more than 7 in floats; the edge is not
    return np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)


def bin_gaps(confidence: Floats, right: Floats, bins: int = 15) -> Floats:
    """`[item, bin]` accuracy less confidence in the item's bin: a calibration error is the sum of the means' absolute values."""
    gaps = np.zeros((len(confidence), bins))
    gaps[np.arange(len(confidence)), bin_of(confidence, bins)] = right - confidence
    return gaps


def _right(p: Floats, target: Any, best: Any) -> Floats:
    goal = np.asarray(target)
    if goal.ndim == 1 and goal.dtype.kind in "iu" and len(goal) == len(p):
        if goal.min(initial=0) < 0 or goal.max(initial=0) >= p.shape[1]:
            raise InputError(f"the target names outcomes {goal.min()} to {goal.max()}, but there are {p.shape[1]}, 0 to {p.shape[1] - 1}.")
        return np.asarray(goal == best, dtype=np.float64)
    if goal.ndim == 2 and goal.shape == p.shape:
        return np.asarray(check_distributions(goal, name="the target")[np.arange(len(p)), best])
    raise ShapeError(
        f"the target has the shape {goal.shape} of {goal.dtype}; {p.shape} probabilities need {len(p)} columns of right outcomes, or "
        "people's distributions of the same shape."
    )
