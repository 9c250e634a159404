"""How far a student's odd-one-out probabilities are from a teacher's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from isomorph.errors import InputError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class TripletLoss:
    r"""Distance of a student's choice distribution from its target, for triplets of embeddings.

    $$d_t = (z_i z_j,\; z_i z_k,\; z_j z_k), \qquad p_t = \mathrm{softmax}(s_t), \qquad q_t = \mathrm{softmax}(d_t / \tau)$$

    `"jsd"`: $\tfrac12 \mathrm{KL}(p \| m) + \tfrac12 \mathrm{KL}(q \| m)$ with $m = (p + q)/2$, from 0 to ln 2 (AligNet's released
    code). `"kl"`: $\mathrm{KL}(p \| q)$, 0 or more (AligNet's paper). `"contrastive"`: $-\ln q_{ij}$, which takes the third item for the
    odd one and looks at no target; chance is ln 3.

    All of it is computed from log-probabilities, so that values and gradients stay finite whatever the temperature.

    Attributes:
        kind: `"jsd"`, `"kl"` or `"contrastive"`.
        temperature: τ, on the student's dot products alone: the target's similarities s are used as they are.
        normalise: Scale each embedding to unit length first. With τ = 100 such a student can hardly leave uniform: see `attainable`.

    Raises:
        InputError: There is no such loss, or the temperature is not above 0.

    References:
        Muttenthaler et al., 2024, <https://arxiv.org/abs/2409.06509>.

    Example:
        >>> import torch
        >>> z = torch.tensor([[10, 0, 5], [8, 4, 3], [-2, 6, 9]], dtype=torch.float64)
        >>> loss = TripletLoss()(z, torch.tensor([[0, 1, 2]]), torch.tensor([[2, 1, 0.5]], dtype=torch.float64))
        >>> round(float(loss), 10)
        0.0146515161
    """

    kind: Literal["jsd", "kl", "contrastive"] = "jsd"
    temperature: float = 100.0
    normalise: bool = False

    def __post_init__(self) -> None:
        if self.kind not in ("jsd", "kl", "contrastive"):
            raise InputError(f"the triplet loss is 'jsd', 'kl' or 'contrastive'; got {self.kind!r}.")
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise InputError(f"the temperature must be above 0; got {self.temperature!r}.")

    def __call__(self, embeddings: torch.Tensor, items: torch.Tensor, similarities: torch.Tensor) -> torch.Tensor:
        """The mean over triplets.

        Args:
            embeddings: `[picture, dimension]`.
            items: `[triplet, 3]`, rows of `embeddings`.
            similarities: `[triplet, 3]`, the target's logits of the pairs 01, 02, 12: a teacher's dot products, or log-probabilities.
        """
        return self.of_dots(self.dots(embeddings, items), similarities).mean()

    def dots(self, embeddings: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Dot products `[triplet, 3]` of the pairs 01, 02, 12."""
        import torch

        z = torch.nn.functional.normalize(embeddings, dim=1) if self.normalise else embeddings
        # An embedding's gradient is summed in a fixed order on the CPU, which that of plain indexing is not.
        first, second, third = torch.nn.functional.embedding(items, z).unbind(1)
        return torch.stack([(first * second).sum(1), (first * third).sum(1), (second * third).sum(1)], dim=1)

    def of_dots(self, dots: torch.Tensor, similarities: torch.Tensor) -> torch.Tensor:
        """The loss of each triplet."""
        import torch

        student = torch.log_softmax(dots / self.temperature, dim=1)
        if self.kind == "contrastive":
            return -student[:, 0]
        target = torch.log_softmax(similarities.to(student.dtype), dim=1)
        p = target.exp()
        negative_entropy = torch.special.xlogy(p, p).sum(1)
        if self.kind == "kl":
            divergence: torch.Tensor = negative_entropy - (p * student).sum(1)
        else:
            mixture = torch.logaddexp(target, student) - math.log(2)
            divergence = 0.5 * (negative_entropy - (p * mixture).sum(1) + (student.exp() * (student - mixture)).sum(1))
        return divergence

    def attainable(self, similarities: torch.Tensor) -> tuple[float, float]:
        r"""The mean loss that unit-length embeddings could reach at best, and that of a student who says 1/3 to everything.

        Dot products of unit vectors lie in [-1, 1], so the student's logits lie in [-1/τ, 1/τ]. The nearest distribution in that box
        has the logits $\mathrm{clip}(\ln p + c, -1/\tau, 1/\tau)$ with $c = \ln \sum \exp$ of themselves (the optimum for `"kl"` and
        `"contrastive"`, which no student beats; `"jsd"` is evaluated there). No bound holds without `normalise`: the best is then 0.

        Args:
            similarities: `[triplet, 3]`, as in a call.
        """
        import torch

        target = torch.log_softmax(similarities.double(), dim=1)
        if self.kind == "contrastive":  # its target is the first pair, for certain
            target = torch.tensor([0.0, -math.inf, -math.inf], dtype=torch.float64).expand_as(target)
        uniform = float(self.of_dots(torch.zeros_like(target), target).mean())
        if not self.normalise:
            return 0.0, uniform
        bound = 1 / self.temperature
        low, high = torch.full((2, len(target), 1), 50.0, dtype=torch.float64) * torch.tensor([-1.0, 1.0]).view(2, 1, 1)
        for _ in range(60):
            middle = (low + high) / 2
            above = torch.logsumexp((target + middle).clip(-bound, bound), dim=1, keepdim=True) > middle
            low, high = torch.where(above, middle, low), torch.where(above, high, middle)
        return float(self.of_dots((target + high).clip(-bound, bound) * self.temperature, target).mean()), uniform


def triplet_accuracy(dots: torch.Tensor) -> torch.Tensor:
    r"""Whether the pair 01 is the most similar of each triplet; a tie for the top is wrong, as in AligNet's metric.

    $$d_{ij} > \max(d_{ik}, d_{jk})$$

    Args:
        dots: `[triplet, 3]`, the student's dot products of the pairs 01, 02, 12, where the odd one stands last.

    Returns:
        bool `[triplet]`; its mean is the triplet accuracy, 0 to 1, chance 1/3.

    References:
        Muttenthaler et al., 2024, <https://arxiv.org/abs/2409.06509>.

    Example:
        >>> import torch
        >>> triplet_accuracy(torch.tensor([[3.0, 1.0, 2.0], [2.0, 2.0, 1.0]])).tolist()
        [True, False]
    """
    import torch

    return dots[:, 0] > torch.maximum(dots[:, 1], dots[:, 2])
