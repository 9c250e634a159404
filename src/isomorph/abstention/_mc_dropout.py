"""How unsure a network is that drops parts of itself."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np

from isomorph.abstention._members import member_mean, member_scores, read_members
from isomorph.abstention._method import AbstentionMethod
from isomorph.abstention._softmax import INPUTS, Inputs
from isomorph.abstention._values import Floats, Reads, check_choice, check_number
from isomorph.arrays import FloatArray
from isomorph.errors import InputError

if TYPE_CHECKING:
    from isomorph.models._model import Model
    from isomorph.stimuli import Stimuli

MCKind = Literal["entropy", "mutual-information"]


@dataclass(frozen=True, kw_only=True)
class MCDropout(AbstentionMethod):
    r"""The entropy of the mean answer over S random passes, $u = H(\bar\pi)$, $\bar\pi = \frac1S \sum_s \pi_s$.

    `run` makes the passes, with dropout and stochastic depth switched on and everything else as in evaluation: batch statistics are
    neither used nor changed. It warns where all passes are equal all the same. `score` reads passes, wherever they come from.

    Attributes:
        passes: S, how many `run` makes; VisAlign's is 5.
        seed: The passes' randomness; equal seeds and batch sizes give equal bits on one machine.
        kind: `"entropy"`; `"mutual-information"`: $H(\bar\pi) - \frac1S \sum_s H(\pi_s)$, the part that comes from what the network does
            not know rather than from the picture.
        inputs: `"logits"` or `"probabilities"`: what `score` is given.
        batch_size: Items at a time, in `run`.

    References:
        Gal and Ghahramani, 2016, <https://arxiv.org/abs/1506.02142>.

    Example:
        >>> passes = [[[4.0, 0.0], [4.0, 0.0]], [[4.0, 0.0], [0.0, 4.0]]]
        >>> MCDropout().score(passes).round(3).tolist()
        [0.09, 0.693]
    """

    passes: int = 5
    seed: int = 0
    kind: MCKind = "entropy"
    inputs: Inputs = "logits"
    batch_size: int = 32

    reads: ClassVar[Reads] = "passes"

    def __post_init__(self) -> None:
        check_choice(self, kind=get_args(MCKind), inputs=INPUTS)
        check_number(self, "passes", least=2)
        check_number(self, "batch_size", least=1)

    def run(self, model: Model, items: Stimuli | Sequence[Any]) -> FloatArray:
        """Show the items to the model S times: logits `[pass, item, class]`.

        Raises:
            InputError: Nothing in the network is random, or it is no classifier.
        """
        import torch

        from isomorph.abstention._network import batches, stochastic_modules, switched_on
        from isomorph.models._logits import read_logits

        if not len(items):
            raise InputError("MCDropout was given no items to show.")
        modules = stochastic_modules(model.module)
        if not modules:
            raise InputError(
                f"{model.name} has no dropout and no stochastic depth with a probability above 0, so that all passes would be equal. Use "
                "DeepEnsemble, or a network that was trained with dropout."
            )
        device = model.device
        devices = [device] if device.type == "cuda" else []
        found: list[list[FloatArray]] = [[] for _ in range(self.passes)]
        with torch.random.fork_rng(devices=devices), switched_on(modules):
            torch.manual_seed(self.seed)
            for batch in batches(model, items, self.batch_size):
                for each in found:
                    each.append(read_logits(model, model.forward(batch), owner="MCDropout").float().cpu().numpy())
        passes = np.stack([np.concatenate(each) for each in found])
        if (passes == passes[:1]).all():
            warnings.warn(
                f"all {self.passes} passes of {model.name} are equal, although {len(modules)} of its modules should drop something: the "
                "network goes around them, or they drop too seldom. Their entropy is that of one pass.",
                stacklevel=2,
            )
        return passes

    def score(self, values: Any, /) -> Floats:
        """`[item]`, higher means abstain.

        Args:
            values: `[pass, item, class]`, such as `run` returns.

        Raises:
            ShapeError: There are other axes, or one pass.
            InputError: Probabilities do not sum to one, or logits do.
        """
        return member_scores(self._read(values), self.kind, self.inputs)

    def probabilities(self, values: Any) -> Floats:
        """`[item, class]`, the mean of the passes' probabilities."""
        return member_mean(self._read(values), self.inputs)

    def _read(self, values: Any) -> Any:
        return read_members(values, self.inputs, owner="MCDropout", unit="pass")
