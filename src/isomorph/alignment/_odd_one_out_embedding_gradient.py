"""The gradient of odd-one-out choices from the rows that a batch shows: nothing dense, no autograd."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def add_choice_gradient(weights: Tensor, rows: Sequence[Tensor], gradient: Tensor, *, runs: int, soft: Tensor | None = None) -> Tensor:
    r"""Add the gradient of the mean cross-entropy of choices to `gradient`, and return the loss of each run.

    With $p = \mathrm{softmax}(x_0 x_1, x_0 x_2, x_1 x_2)$, a trial's target t and $g = (p - t) / B$: $\partial x_0 = g_{01} x_1 + g_{02}
    x_2$, and so on for $x_1$ and $x_2$.

    Args:
        weights: `[run * object, dimension]`.
        rows: Of the first, second and odd item: `[run * batch]`, rows of `weights`, run after run.
        gradient: As `weights`; added to in place.
        runs: How many runs there are.
        soft: `[3, run * batch]`: shares of the pairs 01, 02, 12; None: all chose 01.

    Returns:
        Tensor: `[run]`, nats.
    """
    one, two, odd = (weights.index_select(0, each) for each in rows)
    logs = torch.log_softmax(torch.stack([(one * two).sum(1), (one * odd).sum(1), (two * odd).sum(1)]), 0)
    losses = -(logs[0] if soft is None else (logs * soft).sum(0)).view(runs, -1).mean(1)
    slope = logs.exp_()
    if soft is None:
        slope[0] -= 1
    else:
        slope -= soft
    slope *= runs / slope.shape[1]
    first, second, third = slope[:, :, None].unbind(0)
    gradient.index_add_(0, rows[0], (first * two).addcmul_(second, odd))
    gradient.index_add_(0, rows[1], (first * one).addcmul_(third, odd))
    gradient.index_add_(0, rows[2], (second * one).addcmul_(third, two))
    return losses
