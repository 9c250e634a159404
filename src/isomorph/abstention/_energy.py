"""The free energy of the logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from isomorph.abstention._method import AbstentionMethod
from isomorph.abstention._softmax import check_inputs
from isomorph.abstention._values import Floats, Reads, as_array, check_number, score_rows


@dataclass(frozen=True, kw_only=True)
class Energy(AbstentionMethod):
    r"""The free energy of the logits, $u = -T \ln \sum_c e^{f_c / T}$.

    Low (very negative) where some logit is large. Unlike the softmax it depends on the logits' size, and so means nothing for logits that
    were shifted by a number of each item's own, such as log-probabilities.

    Attributes:
        temperature: T; towards 0 it becomes minus the largest logit.

    References:
        Liu et al., 2020, <https://arxiv.org/abs/2010.03759>.

    Example:
        >>> Energy().score([[9.0, 0.0], [0.0, 0.0]]).round(3).tolist()
        [-9.0, -0.693]
    """

    temperature: float = 1.0

    reads: ClassVar[Reads] = "logits"

    def __post_init__(self) -> None:
        check_number(self, "temperature", above=0)

    def score(self, values: Any, /) -> Floats:
        """`[item]`, higher means abstain; `values` are logits `[item, class]`, checked as by `MaxSoftmax`."""
        from scipy.special import logsumexp

        logits = check_inputs(as_array(values, what="logits"), "logits", owner="Energy")
        t = self.temperature
        return score_rows(logits, lambda block: -t * logsumexp(block.astype("float64") / t, axis=1))
