"""What a map is pulled towards, named for what is computed."""

from __future__ import annotations

from typing import Literal

import numpy as np

from isomorph.arrays import FloatArray

Regulariser = Literal["scaled_identity_sum", "frobenius_sq", "frobenius", "none"]


def penalty(kind: Regulariser, weights: FloatArray) -> tuple[float, FloatArray]:
    r"""A penalty of a map's weights, and its gradient.

    - `"scaled_identity_sum"`: $\sum (W - cI)^2$ with c the mean of W's diagonal. c moves with W, yet adds nothing to the gradient: the
      sum is least in c just there.
    - `"frobenius_sq"`: $\lVert W \rVert_F^2$.
    - `"frobenius"`: $\lVert W \rVert_F$, not squared, as the first published code has it; its gradient has length 1 however small W is.
    - `"none"`: 0.
    """
    if kind == "none":
        return 0.0, np.zeros_like(weights)
    if kind == "frobenius":
        norm = float(np.linalg.norm(weights))
        return norm, weights / norm if norm else np.zeros_like(weights)
    away = weights.copy()
    if kind == "scaled_identity_sum":
        away[np.diag_indices(min(away.shape))] -= np.diagonal(weights).mean()
    return float(np.vdot(away, away)), 2 * away
