"""Adam that is drawn back to where it began."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch

Form = Literal["decoupled", "penalty"]


def warmup_cosine(step: int, *, peak: float, warmup: int, steps: int) -> float:
    """The learning rate at a step: up from 0 to `peak` in `warmup` steps, then down a half cosine to 0 at `steps`."""
    if step < warmup:
        return peak * step / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * min((step - warmup) / max(steps - warmup, 1), 1)))


class PulledAdam:
    r"""Adam with a pull to the initial weights.

    `"decoupled"` (released AligNet) leaves Adam's moments alone:

    $$\theta \leftarrow \theta - \eta_t \big(\hat m / (\sqrt{\hat v} + \epsilon) + \lambda (\theta - \theta_0)\big)$$

    `"penalty"` (its paper) adds $\lambda \|\theta - \theta_0\|^2$ to the loss, so that its gradient passes through them.

    Args:
        parameters: By name.
        pull: λ.
        form: Which of the two.
        free: Names of parameters that are not pulled.
        clip: The most that the norm of the gradient may be; None: anything.
    """

    def __init__(
        self,
        parameters: Mapping[str, torch.nn.Parameter],
        *,
        pull: float,
        form: Form,
        free: frozenset[str] = frozenset(),
        clip: float | None = None,
    ) -> None:
        self._names = tuple(parameters)
        self._parameters = list(parameters.values())
        pulled = [each for name, each in parameters.items() if name not in free] if pull else []
        self._pulled, self._initial = pulled, [each.detach().clone() for each in pulled]
        self._pull, self._form, self._clip = pull, form, clip
        fused = all(each.is_floating_point() and each.device.type in ("cpu", "cuda") for each in self._parameters)
        self._adam = torch.optim.Adam(self._parameters, lr=0.0, betas=(0.9, 0.999), eps=1e-8, fused=fused)

    @torch.no_grad()
    def step(self, rate: float) -> float:
        """One update from the gradients that the parameters hold; they are gone afterwards. Returns the norm of the gradient.

        Where that is not finite, nothing is updated.
        """
        gradients = [each.grad for each in self._parameters if each.grad is not None]
        if self._form == "penalty" and self._pull:
            held = [(each, first) for each, first in zip(self._pulled, self._initial, strict=True) if each.grad is not None]
            slopes: Any = [each.grad for each, _ in held]
            torch._foreach_add_(slopes, [each.data for each, _ in held], alpha=2 * self._pull)
            torch._foreach_sub_(slopes, [first for _, first in held], alpha=2 * self._pull)
        norm = float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))) if gradients else 0.0
        if not math.isfinite(norm):
            return norm
        if self._clip is not None and norm > self._clip:
            torch._foreach_mul_(gradients, self._clip / norm)
        if self._form == "decoupled" and self._pulled:
            torch._foreach_lerp_([each.data for each in self._pulled], self._initial, rate * self._pull)
        self._adam.param_groups[0]["lr"] = rate
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)
        return norm

    def clear(self) -> None:
        """Forget gradients."""
        self._adam.zero_grad(set_to_none=True)

    def distance(self) -> float:
        """How far the pulled weights have moved: the Euclidean norm of the difference."""
        if not self._pulled:
            return 0.0
        moved = torch._foreach_sub([each.data for each in self._pulled], self._initial)
        return float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(moved))))

    def state(self) -> dict[str, torch.Tensor]:
        """The moments by name, `first.NAME` and `second.NAME`; empty before the first step."""
        held = {}
        for name, each in zip(self._names, self._parameters, strict=True):
            moments = self._adam.state.get(each)
            if moments:
                held[f"first.{name}"], held[f"second.{name}"] = moments["exp_avg"], moments["exp_avg_sq"]
        return held

    @torch.no_grad()
    def restore(self, state: Mapping[str, torch.Tensor], steps: int) -> None:
        """Go on after `steps` updates."""
        for name, each in zip(self._names, self._parameters, strict=True):
            if f"first.{name}" in state:
                self._adam.state[each] = {
                    "step": torch.tensor(float(steps), device=each.device if each.is_cuda else "cpu"),
                    # laid out as the weights are: the fused update goes through memory, whatever the axes
                    "exp_avg": torch.empty_like(each).copy_(state[f"first.{name}"]),
                    "exp_avg_sq": torch.empty_like(each).copy_(state[f"second.{name}"]),
                }
