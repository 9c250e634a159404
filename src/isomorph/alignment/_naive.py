"""Any linear map that explains people's choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from isomorph.alignment._penalty import Regulariser
from isomorph.alignment._triplet_map import TripletMap


@dataclass(frozen=True, kw_only=True)
class Naive(TripletMap):
    r"""The linear map that explains odd-one-out choices best, from random weights, with nothing that ties it to the model.

    $$\min_{W, b} \; L_\text{odd-one-out}(\tilde X W + b) + \lambda \lVert W \rVert_F^2$$

    It raises odd-one-out accuracy and forgets much of what the model knew: on downstream tasks it does harm. It is the baseline that
    `Global` and `GLocal` are held against. The options are those of `TripletMap`.

    References:
        Muttenthaler et al., 2023 (ICLR), <https://arxiv.org/abs/2211.01201>.
    """

    method: ClassVar[str] = "naive"

    regulariser: Regulariser = "frobenius_sq"
    strength: float = 1e-3
    initial: Literal["identity", "random"] = "random"

    @classmethod
    def published(cls, **changes: Any) -> Naive:
        """The recipe of the published code: the norm itself as penalty (not its square), small random weights, a rising learning rate.

        λ was chosen from a grid there (10 … 1e-5); 1e-3 here stands for none in particular.
        """
        recipe: dict[str, Any] = {"regulariser": "frobenius", "initial_scale": 1e-3, "bias": False, **PUBLISHED_TRAINING}
        return cls(**(recipe | changes))


PUBLISHED_TRAINING: dict[str, Any] = {
    "learning_rate": 1e-3,
    "schedule": "rising",
    "clip": 1.0,
    "epochs": 100,
    "min_epochs": 20,
    "patience": 15,
    "min_delta": 1e-4,
    "batch_size": 256,
    "seed": 42,
}
"""How the authors of gLocal trained, as far as their code says it."""
