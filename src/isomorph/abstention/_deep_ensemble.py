"""How unsure several trained networks are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, get_args

from isomorph.abstention._members import MemberKind, check_logits_only, member_mean, member_scores, read_members
from isomorph.abstention._method import AbstentionMethod
from isomorph.abstention._softmax import INPUTS, Inputs
from isomorph.abstention._values import Floats, Reads, check_choice


@dataclass(frozen=True, kw_only=True)
class DeepEnsemble(AbstentionMethod):
    r"""The entropy of the mean answer of M networks, $u = H(\bar\pi)$, $\bar\pi = \frac1M \sum_m \pi_m$.

    What the ensemble answers is $\bar\pi$: `probabilities`.

    Attributes:
        kind: `"entropy"`; `"mutual-information"`: $H(\bar\pi) - \frac1M \sum_m H(\pi_m)$, how far the members disagree;
            `"mean-entropy"`: $\frac1M \sum_m H(\pi_m)$, as VisAlign's evaluator; `"logit-mean-msp"`: one minus the largest probability of
            the mean logits, as VisAlign's class.
        inputs: `"logits"` or `"probabilities"`: what `score` is given.

    References:
        Lakshminarayanan et al., 2017, <https://arxiv.org/abs/1612.01474>.

    Example:
        >>> agree, differ = [[4.0, 0.0], [4.0, 0.0]], [[4.0, 0.0], [0.0, 4.0]]
        >>> DeepEnsemble(kind="mutual-information").score([agree, differ]).round(3).tolist()
        [0.0, 0.603]
    """

    kind: MemberKind = "entropy"
    inputs: Inputs = "logits"

    reads: ClassVar[Reads] = "passes"

    def __post_init__(self) -> None:
        check_choice(self, kind=get_args(MemberKind), inputs=INPUTS)
        check_logits_only(self.kind, self.inputs)

    def score(self, values: Any, /) -> Floats:
        """`[item]`, higher means abstain.

        Args:
            values: `[member, item, class]`.

        Raises:
            ShapeError: There are other axes, or one member.
            InputError: Probabilities do not sum to one, or logits do.
        """
        return member_scores(self._read(values), self.kind, self.inputs)

    def probabilities(self, values: Any) -> Floats:
        """`[item, class]`, the mean of the members' probabilities; what `combine` takes."""
        return member_mean(self._read(values), self.inputs)

    def _read(self, values: Any) -> Any:
        return read_members(values, self.inputs, owner="DeepEnsemble", unit="member")
