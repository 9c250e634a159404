"""A linear map near a scaled identity that explains people's choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from isomorph.alignment._naive import PUBLISHED_TRAINING
from isomorph.alignment._triplet_map import TripletMap


@dataclass(frozen=True, kw_only=True)
class Global(TripletMap):
    r"""The linear map that explains odd-one-out choices, drawn towards a multiple of the identity.

    $$\min_{W, b} \; L_\text{odd-one-out}(\tilde X W + b) + \lambda \sum_{ij} (W - cI)_{ij}^2, \qquad c = \overline{W_{ii}}$$

    With λ → ∞ only the scale is left and every cosine stays as it was (up to the bias). The options are those of `TripletMap`.

    References:
        Muttenthaler et al., 2023, <https://arxiv.org/abs/2306.04507>.
    """

    method: ClassVar[str] = "global"

    @classmethod
    def published(cls, **changes: Any) -> Global:
        """The recipe of the published code: W and b begin at 1e-3, a rising learning rate, batches of 256."""
        recipe: dict[str, Any] = {"initial_scale": 1e-3, **PUBLISHED_TRAINING, "min_epochs": 15, "patience": 10}
        return cls(**(recipe | changes))
