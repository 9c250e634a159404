"""The softmax at a high temperature, after a step that makes pictures more like what the network knows."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from isomorph.abstention._method import AbstentionMethod
from isomorph.abstention._softmax import KINDS, Kind, check_inputs, softmax, uncertainty
from isomorph.abstention._values import Floats, Reads, as_array, check_choice, check_number, score_rows
from isomorph.arrays import FloatArray
from isomorph.errors import InputError

if TYPE_CHECKING:
    from isomorph.models._model import Model
    from isomorph.stimuli import Stimuli

_CONSTANT = 1e-4


@dataclass(frozen=True, kw_only=True)
class Odin(AbstentionMethod):
    r"""How flat the softmax of $f(x') / T$ is, where $x'_c = x_c - \epsilon\,\mathrm{sign}(\nabla_x L)_c / \sigma_c$.

    L is the cross-entropy of $f(x)/T$ against the network's own answer, so that the step makes the network surer; familiar pictures gain
    more. `run` takes the step and returns the logits of $x'$; `score` reads logits. Plain logits give the part of the temperature alone.

    Attributes:
        temperature: T.
        epsilon: The step, where black is 0 and white is 1; 0: none.
        sigma: By what each channel was divided in the preprocessing (white being 1), in the order in which the network sees channels. None:
            the recipe says it. VisAlign used CIFAR's, (63/255, 62.1/255, 66.7/255), on pictures divided by ImageNet's.
        kind: `"entropy"` or `"one-minus-max"`. At T = 1000 the entropy of ordinary logits hardly moves; the other moves more.
        batch_size: Pictures at a time, in `run`.

    Warns:
        UserWarning: The scores of `score` are nearly constant.

    References:
        Liang et al., 2018, <https://arxiv.org/abs/1706.02690>.

    Example:
        >>> Odin(temperature=2.0, kind="one-minus-max").score([[9.0, 0.0], [0.0, 0.0]]).round(3).tolist()
        [0.011, 0.5]
    """

    temperature: float = 1000.0
    epsilon: float = 0.0014
    sigma: tuple[float, ...] | None = None
    kind: Kind = "entropy"
    batch_size: int = 16

    reads: ClassVar[Reads] = "logits"

    def __post_init__(self) -> None:
        check_choice(self, kind=KINDS)
        check_number(self, "temperature", above=0)
        check_number(self, "epsilon", least=0)
        check_number(self, "batch_size", least=1)
        if self.sigma is not None and not (len(self.sigma) == 3 and all(np.isfinite(each) and each > 0 for each in self.sigma)):
            raise InputError(f"Odin's sigma is three numbers above 0, one a channel, or None; got {self.sigma!r}.")

    def run(self, model: Model, pictures: Stimuli | Sequence[Any]) -> FloatArray:
        """Take the step for each picture and return the logits `[item, class]` after it.

        Raises:
            InputError: The model's recipe is no `ImageRecipe`, no gradient reaches the pixels, or it is no classifier.
        """
        from isomorph.abstention._odin_step import logits_after_step

        if not len(pictures):
            raise InputError("Odin was given no pictures to show.")
        return logits_after_step(self, model, pictures)

    def score(self, values: Any, /) -> Floats:
        """`[item]`, higher means abstain; `values` are logits `[item, class]`, checked as by `MaxSoftmax`."""
        logits = check_inputs(as_array(values, what="logits"), "logits", owner="Odin")
        scores = score_rows(logits, lambda block: uncertainty(softmax(block, self.temperature), self.kind))
        spread = float(np.ptp(scores))
        if len(scores) > 1 and spread < _CONSTANT * float(scores.max()):
            warnings.warn(
                f"Odin's scores of {len(scores)} items differ by {spread:.2g} at most, around {scores.mean():.4g}: nearly constant at "
                f"temperature {self.temperature:g}. Their order holds in float64 alone; lower the temperature, or take "
                "kind='one-minus-max'.",
                UserWarning,
                stacklevel=2,
            )
        return scores
