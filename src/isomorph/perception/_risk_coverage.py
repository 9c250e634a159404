"""What answering costs when the least sure items are left unanswered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.arrays import as_floats, check_finite
from isomorph.errors import InputError, ShapeError
from isomorph.inference import interval
from isomorph.inference._bootstrap import check_draws
from isomorph.perception._answers import Answers, joined
from isomorph.perception._distributions import Floats


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """Selective risk at each coverage.

    Attributes:
        coverage: `[item]` shares of items answered, 1/n … 1.
        risk: `[item]` mean loss of those answered; items of one score enter as one block, with their mean loss.
        aurc: The mean of `risk`: the area under the curve (Geifman et al., 2019).
        augrc: The area under coverage × risk (Traub et al., 2024, <https://arxiv.org/abs/2407.01032>): the probability that an item is
            answered and wrong, over all thresholds. Equals (1 − AUROC)·a·(1 − a) + (1 − a)²/2 with accuracy a, for losses 0 and 1.
        aurc_low: Lower end of its bootstrap interval over items; NaN without. Likewise the other three.
    """

    coverage: Floats
    risk: Floats
    aurc: float
    augrc: float
    aurc_low: float = float("nan")
    aurc_high: float = float("nan")
    augrc_low: float = float("nan")
    augrc_high: float = float("nan")


def risk_coverage(abstain_score: Any, loss: Any, *, replicates: int = 0, level: float = 0.95, seed: int = 0) -> RiskCoverage:
    """The risk–coverage curve of scores that say when to abstain.

    Args:
        abstain_score: `[item]`, higher means abstain first.
        loss: `[item]`, what a given answer costs: 0 for right, 1 for wrong, or anything between (`answer_losses` for people's answers).
        replicates: Bootstrap replicates over items; 0: no intervals.
        level: The intervals' coverage.
        seed: The bootstrap's.

    Raises:
        ShapeError: There is no item, or scores and losses differ in number.

    Example:
        >>> curve = risk_coverage([0.1, 0.2, 0.9], [0, 0, 1])
        >>> curve.risk.round(3).tolist(), round(curve.aurc, 3)
        ([0.0, 0.0, 0.333], 0.111)
    """
    score, cost = (
        as_floats(each, name=name, ndim=1).astype(np.float64) for each, name in ((abstain_score, "the scores"), (loss, "the losses"))
    )
    if len(score) != len(cost) or not len(score):
        raise ShapeError(f"each item has one score and one loss; got {len(score)} scores and {len(cost)} losses.")
    check_finite(score, name="the scores", rows="items")
    check_finite(cost, name="the losses", rows="items")
    check_draws(replicates=replicates, seed=seed, level=level)
    n = len(score)
    risk, areas = _curve(score, cost)
    ends = [float("nan")] * 4
    if replicates:
        rng = np.random.default_rng(seed)
        drawn = np.array([_curve(score[rows], cost[rows])[1] for rows in rng.integers(n, size=(replicates, n))])
        low, high = interval(drawn, level)
        ends = [float(low[0]), float(high[0]), float(low[1]), float(high[1])]
    return RiskCoverage(np.arange(1, n + 1) / n, risk, *areas, *ends)


def aurc(abstain_score: Any, loss: Any) -> float:
    """The area under the risk–coverage curve: the mean selective risk over all coverages; lower is better."""
    return risk_coverage(abstain_score, loss).aurc


def augrc(abstain_score: Any, loss: Any) -> float:
    """The area under the generalised risk–coverage curve, 0 … ½ for losses 0 and 1; lower is better."""
    return risk_coverage(abstain_score, loss).augrc


def answer_losses(model: Answers, human: Answers | None = None) -> Floats:
    """`[item]`, 1 − the share of people who give the model's best class as their answer; without people: 0 right, 1 wrong.

    Where all of the probability abstains there is no best class, and the loss is 1.

    Raises:
        InputError: Without people, an item has no truth.
    """
    classes = [at for at, each in enumerate(model.outcomes) if each != model.abstain]
    p = model.probabilities[:, classes]
    best, silent = np.array(classes)[p.argmax(axis=1)], p.max(axis=1) <= 0
    if human is None:
        goal = model.truth_columns
        unknown = np.flatnonzero(goal < 0)
        if len(unknown):
            raise InputError(
                f"{model.ids[unknown[0]]!r} has no truth, nor have {len(unknown) - 1} others of {len(model)} items: no answer is right "
                "or wrong there. Leave them out: answers.take(ids)."
            )
        return np.asarray((best != goal) | silent, dtype=np.float64)
    other = joined(human, model)
    return np.where(silent, 1.0, 1 - other.probabilities[np.arange(len(model)), best])


def _curve(score: Floats, loss: Floats) -> tuple[Floats, tuple[float, float]]:
    n = len(score)
    values, block = np.unique(score, return_inverse=True)
    sizes = np.bincount(block, minlength=len(values))
    ordered = np.repeat(np.bincount(block, loss, minlength=len(values)) / sizes, sizes)
    total = np.cumsum(ordered)
    risk = total / np.arange(1, n + 1)
    return risk, (float(risk.mean()), float((total - ordered / 2).sum() / n**2))
