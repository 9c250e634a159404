"""Non-negative sparse embeddings of all seeds as one tensor program."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from isomorph.alignment._odd_one_out_embedding_gradient import add_choice_gradient
from isomorph.arrays import FloatArray


class SposeProgram:
    """Weights `[run, object, dimension]` under an L1 penalty, kept at or above 0 after every step of Adam."""

    def __init__(
        self,
        generators: Sequence[torch.Generator],
        objects: int,
        *,
        dimensions: int,
        penalty: float,
        threshold: float,
        learning_rate: float,
    ) -> None:
        self.runs, self._pull, self._threshold = len(generators), penalty / objects, threshold
        start = dimensions**-0.25  # similarities begin to differ by about 0.2; nearer to 0 choices pull less than the penalty does
        self.weights = torch.stack([torch.rand(objects, dimensions, generator=each).mul_(start) for each in generators])
        self.weights.grad = self._slope = torch.zeros_like(self.weights)
        self.adam = torch.optim.Adam([self.weights], lr=learning_rate, fused=True)

    def begin_epoch(self, steps: int) -> None:
        """Nothing is drawn here."""

    def gradient(self, rows: Sequence[Tensor], soft: Tensor | None) -> Tensor:
        """Write the gradient of cross-entropy and penalty; return the cross-entropy of each run."""
        self._slope.fill_(self._pull)
        return add_choice_gradient(self.weights.flatten(0, 1), rows, self._slope.flatten(0, 1), runs=self.runs, soft=soft)

    def step(self, rows: Sequence[Tensor], soft: Tensor | None) -> Tensor:
        """One step of Adam, back to the non-negative side."""
        losses = self.gradient(rows, soft)
        self.adam.step()
        self.weights.clamp_(min=0)
        return losses

    def kept(self) -> Tensor:
        """`[run, dimension]`: where at least one object has a weight above the threshold."""
        return self.weights.amax(dim=1) > self._threshold

    def state(self, run: int) -> tuple[FloatArray, FloatArray | None]:
        """The weights of one run; they have no spread."""
        return self.weights[run].double().numpy(), None
