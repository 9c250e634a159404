"""Variational embeddings of all seeds as one tensor program."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from isomorph.alignment._odd_one_out_embedding_gradient import add_choice_gradient
from isomorph.arrays import FloatArray

_POOL = 1 << 20


class ViceProgram:
    r"""Gaussians $N(\mu, \sigma^2)$, one a weight, under a mixture of two zero-centred Gaussians; one draw a step.

    The loss of a step is the mean cross-entropy of its trials at $\max(0, z)$ plus $(\sum \ln q(z) - \sum \ln p(z)) / n$. With
    $z = \mu + \sigma \epsilon$ the first sum has the slope −1 in every $\ln \sigma$, and the second the slope
    $-z (r / s_\text{spike}^2 + (1 - r) / s_\text{slab}^2)$ in z; r, the probability that the spike drew z, comes from log-densities.
    """

    def __init__(
        self,
        generators: Sequence[torch.Generator],
        objects: int,
        *,
        dimensions: int,
        trials: int,
        spike: float,
        slab: float,
        share: float,
        learning_rate: float,
        significant: int,
        level: float,
    ) -> None:
        self.runs, self._generators, self._significant, self._level = len(generators), generators, significant, level
        deviation = math.sqrt(2 / dimensions)
        self.mean = torch.stack([torch.empty(objects, dimensions).normal_(0, deviation, generator=each) for each in generators])
        self.log_scale = torch.full_like(self.mean, -1 / deviation)
        self.mean.grad = self._mean_slope = torch.zeros_like(self.mean)
        self.log_scale.grad = self._scale_slope = torch.zeros_like(self.mean)
        self.noise, self._pull = torch.empty_like(self.mean), 1 / trials
        self._spike, self._slab = spike**-2, slab**-2
        self._odds = math.log(share / (1 - share)) + math.log(slab / spike)
        self.adam = torch.optim.Adam([self.mean, self.log_scale], lr=learning_rate, fused=True)
        self._pools: list[Tensor] = []

    def begin_epoch(self, steps: int) -> None:
        """Draw the epoch's noise: each step takes a stretch of it from a random place, which costs a fraction of drawing anew."""
        size = self.mean[0].numel()
        length = size + min(_POOL, steps * size)
        self._pools = [torch.empty(length).normal_(generator=each) for each in self._generators]

    def draw(self) -> None:
        """The noise of the next step."""
        size = self.mean[0].numel()
        for noise, pool, generator in zip(self.noise, self._pools, self._generators, strict=True):
            start = int(torch.randint(len(pool) - size, (1,), generator=generator))
            noise.view(-1).copy_(pool[start : start + size])

    def gradient(self, rows: Sequence[Tensor], soft: Tensor | None) -> Tensor:
        """Write the gradients at the present noise; return the cross-entropy of each run."""
        spread = torch.exp(self.log_scale).mul_(self.noise)
        z = self.mean + spread
        choices = torch.zeros_like(z)
        losses = add_choice_gradient(z.clamp(min=0).flatten(0, 1), rows, choices.flatten(0, 1), runs=self.runs, soft=soft)
        responsible = (z * z).mul_(-(self._spike - self._slab) / 2).add_(self._odds).sigmoid_()
        responsible.mul_((self._spike - self._slab) * self._pull).add_(self._slab * self._pull)
        torch.mul(z, responsible, out=self._mean_slope)
        self._mean_slope += torch.ops.aten.threshold_backward(choices, z, 0)
        torch.mul(self._mean_slope, spread, out=self._scale_slope).sub_(self._pull)
        return losses

    def step(self, rows: Sequence[Tensor], soft: Tensor | None) -> Tensor:
        """One draw, one step of Adam."""
        self.draw()
        losses = self.gradient(rows, soft)
        self.adam.step()
        return losses

    @property
    def weights(self) -> Tensor:
        """`[run, object, dimension]`: the rectified means."""
        return self.mean.clamp(min=0)

    def kept(self) -> Tensor:
        """`[run, dimension]`: where more than `significant` objects are surely above 0 (Benjamini and Hochberg over objects)."""
        chance = torch.special.ndtr(-self.mean / self.log_scale.exp()).sort(dim=1).values
        places = torch.arange(1, chance.shape[1] + 1)[:, None]
        counts = ((chance <= places * (self._level / len(places))) * places).amax(dim=1)
        return torch.gt(counts, self._significant)

    def state(self, run: int) -> tuple[FloatArray, FloatArray | None]:
        """Means and standard deviations of one run."""
        return self.mean[run].double().numpy(), self.log_scale[run].double().exp().numpy()
