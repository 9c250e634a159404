"""What VisAlign's released program does with scores, deviation by deviation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from isomorph.abstention._combine import combine
from isomorph.abstention._normaliser import read_scores
from isomorph.abstention._values import Floats
from isomorph.errors import InputError, ShapeError, UnknownNameError
from isomorph.perception._answers import Answers

UPSTREAM_NAMES = {
    "msp": "max-softmax",
    "odin": "odin",
    "mcdropout": "mc-dropout",
    "deepensemble": "deep-ensemble",
    "mds": "mahalanobis",
    "knn": "knn",
    "tapudd": "tapudd",
}
"""VisAlign's names of its seven methods, and ours."""

_SOFTMAX = ("msp", "odin", "mcdropout", "deepensemble")
_ALL = tuple(UPSTREAM_NAMES)


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """One thing that VisAlign's released program does otherwise.

    Attributes:
        name: What it is called here.
        methods: VisAlign's names of the methods it concerns.
        upstream: What its program does.
        ours: What Isomorph does.
        here: What `upstream_compat` does: `"reproduced"`, `"by the score"`: it is in scores that were made as `how` says, or
            `"not reproduced"`.
        how: The way to such scores, or why there is none.
    """

    name: str
    methods: tuple[str, ...]
    upstream: str
    ours: str
    here: Literal["reproduced", "by the score", "not reproduced"]
    how: str = ""


DEVIATIONS: tuple[Deviation, ...] = (
    Deviation(
        name="transductive scaling",
        methods=_ALL,
        upstream="min-max over the whole test set, so that an item's answer depends on the others",
        ours="a Normaliser fitted on a calibration set",
        here="reproduced",
    ),
    Deviation(
        name="inversion",
        methods=_SOFTMAX,
        upstream="an entropy is taken for a confidence: a = 1 - scaled entropy, and a sure answer abstains",
        ours="a rises with the entropy",
        here="reproduced",
    ),
    Deviation(
        name="guard",
        methods=_ALL,
        upstream="extrema in float32, values in float64; a scaled value above 1 sets a = 1, which flips the single most extreme item",
        ours="float64, clipped to [0, 1]",
        here="reproduced",
    ),
    Deviation(
        name="constant score",
        methods=_ALL,
        upstream="divides zero by zero",
        ours="a is 0 below, 0.5 at and 1 above the constant",
        here="not reproduced",
        how="it is refused",
    ),
    Deviation(
        name="channel scale",
        methods=("odin",),
        upstream="CIFAR's deviations on pictures divided by ImageNet's",
        ours="the recipe's",
        here="by the score",
        how="Odin(sigma=(63 / 255, 62.1 / 255, 66.7 / 255))",
    ),
    Deviation(
        name="second softmax",
        methods=("mcdropout",),
        upstream="a softmax of the mean of the softmaxes",
        ours="the mean of the softmaxes",
        here="by the score",
        how="MaxSoftmax().score(MCDropout().probabilities(passes) - 1); a softmax does not see the 1",
    ),
    Deviation(
        name="training mode",
        methods=("mcdropout",),
        upstream="the whole network trains: batch statistics are used and changed, and answers depend on the batch",
        ours="dropout and stochastic depth alone are switched on",
        here="not reproduced",
        how="answers would depend on the order of the pictures",
    ),
    Deviation(
        name="mean of entropies",
        methods=("deepensemble",),
        upstream="the mean of the members' entropies (evaluator), or 1 - max softmax of the mean logits (class)",
        ours="the entropy of the mean answer",
        here="by the score",
        how='DeepEnsemble(kind="mean-entropy") or DeepEnsemble(kind="logit-mean-msp")',
    ),
    Deviation(
        name="step on the pixels",
        methods=("mds",),
        upstream="pixels are moved by 0.0014 / 0.5 against the score's slope; three of five networks give logits as features",
        ours="the features that it is given",
        here="not reproduced",
        how="the method reads stored features",
    ),
    Deviation(
        name="length",
        methods=("knn",),
        upstream="1e-10 is added to the vector, not to its length",
        ours="a vector of zeros is refused",
        here="not reproduced",
        how="it moves no digit that is stored",
    ),
    Deviation(
        name="component 0",
        methods=("tapudd",),
        upstream="coordinates of component 0's mean stand in for the means, and its precision for every component's",
        ours="each component's own mean and precision",
        here="not reproduced",
        how="it is not the method of the paper",
    ),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class UpstreamAnswers:
    """What `upstream_compat` returns.

    Attributes:
        method: VisAlign's name.
        abstention: `[item]`, a.
        probabilities: `[item, class + 1]`.
        answers: The same as `Answers`, where `pi` was.
        deviations: Those that concern the method.
    """

    method: str
    abstention: Floats
    probabilities: Floats
    answers: Answers | None
    deviations: tuple[Deviation, ...]

    @property
    def metadata(self) -> dict[str, Any]:
        """What must stand beside the numbers, as plain data."""
        return {"upstream_compat": True, "method": self.method, "deviations": {each.name: each.here for each in self.deviations}}


def upstream_compat(method: str, scores: Any, pi: Any) -> UpstreamAnswers:
    r"""VisAlign's released way from scores to distributions; for comparison with its numbers, not for use.

    With u the entropy for `msp`, `odin`, `mcdropout` and `deepensemble`, and minus the score for the distances:
    $\tilde u = (u - \min u) / (\max u - \min u)$ over these very items, the extrema rounded to float32; $a = 1 - \tilde u$, and a = 1 where
    $\tilde u > 1$. What float32 puts below 0 (by 1e-7) is 0 here, since no probability is negative.

    Args:
        method: VisAlign's name of the method, or ours.
        scores: `[item]`, as our `score` returns them: higher means abstain.
        pi: `[item, class]`, or `Answers` without an outcome that abstains.

    Raises:
        UnknownNameError: VisAlign has no such method.
        InputError: All scores are equal, or probabilities do not sum to one.
        ShapeError: There are not as many scores as items.

    Example:
        >>> sure, unsure = [0.98, 0.02], [0.5, 0.5]
        >>> upstream_compat("msp", [0.125, 0.75], [sure, unsure]).abstention.tolist()   # the sure one abstains
        [1.0, 0.0]
    """
    theirs = {ours: name for name, ours in UPSTREAM_NAMES.items()}.get(method, method)
    if theirs not in UPSTREAM_NAMES:
        raise UnknownNameError("method of VisAlign", method, UPSTREAM_NAMES)
    s = read_scores(scores, "the scores")
    if len(s) != len(pi):
        raise ShapeError(f"each item has one score; got {len(s)} for {len(pi)} items.")
    u = s if theirs in _SOFTMAX else -s
    low, high = (float(np.float32(each)) for each in (u.min(), u.max()))
    if low == high:
        raise InputError(f"all {len(u)} scores are {s[0]:.6g} in float32; VisAlign's program divides by zero there.")
    scaled = np.maximum((u - low) / (high - low), 0.0)
    a = np.where(scaled > 1, 1.0, 1.0 - scaled)
    joined = combine(pi, a)
    answers = None
    if isinstance(joined, Answers):
        note = f"as VisAlign's program makes them of {theirs}: scaled on the test set{', inverted' if theirs in _SOFTMAX else ''}"
        answers = replace(joined, provenance="; ".join(filter(None, (joined.provenance, note))))
    return UpstreamAnswers(
        method=theirs,
        abstention=a,
        probabilities=joined if answers is None else answers.probabilities,
        answers=answers,
        deviations=tuple(each for each in DEVIATIONS if theirs in each.methods),
    )
