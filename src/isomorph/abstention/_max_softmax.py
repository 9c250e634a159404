"""How flat the softmax is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from isomorph.abstention._method import AbstentionMethod
from isomorph.abstention._softmax import INPUTS, KINDS, Inputs, Kind, as_probabilities, check_inputs, uncertainty
from isomorph.abstention._values import Floats, Reads, as_array, check_choice, score_rows


@dataclass(frozen=True, kw_only=True)
class MaxSoftmax(AbstentionMethod):
    r"""The entropy of the softmax, $u = -\sum_c \pi_c \ln \pi_c$ in nats, or $u = 1 - \max_c \pi_c$.

    0 where all probability lies on one class; ln(classes) or 1 − 1/classes where all are equal. Networks are often sure of what they were
    never trained on, and then it misleads.

    Attributes:
        kind: `"entropy"` or `"one-minus-max"`.
        inputs: `"logits"` or `"probabilities"`: what `score` is given.

    References:
        Hendrycks and Gimpel, 2017, <https://arxiv.org/abs/1610.02136>.

    Example:
        >>> MaxSoftmax().score([[9.0, 0.0, 0.0], [0.0, 0.0, 0.0]]).round(3).tolist()
        [0.002, 1.099]
    """

    kind: Kind = "entropy"
    inputs: Inputs = "logits"

    reads: ClassVar[Reads] = "logits"

    def __post_init__(self) -> None:
        check_choice(self, kind=KINDS, inputs=INPUTS)

    def score(self, values: Any, /) -> Floats:
        """`[item]`, higher means abstain.

        Args:
            values: `[item, class]`.

        Raises:
            ShapeError: There are other axes, or fewer than two classes.
            NonFiniteError: A value is NaN or infinite.
            InputError: Probabilities do not sum to one, or logits do.
        """
        checked = check_inputs(as_array(values, what="logits"), self.inputs, owner="MaxSoftmax")
        return score_rows(checked, lambda block: uncertainty(as_probabilities(block, self.inputs), self.kind))
