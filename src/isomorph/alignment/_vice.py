"""Variational interpretable concept embedding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from isomorph.alignment._odd_one_out_embedding_method import OddOneOutMethod
from isomorph.errors import InputError

if TYPE_CHECKING:
    import torch

    from isomorph.alignment._odd_one_out_embedding_training import Program


@dataclass(frozen=True, kw_only=True)
class VICE(OddOneOutMethod):
    r"""A non-negative embedding of objects from odd-one-out choices that knows how sure it is of each weight.

    $$\min_{\mu, \sigma} \; E_{z \sim q} \Big[ \frac1n \sum_t -\ln p_t(\max(0, z)) + \frac1n \big( \ln q(z) - \ln p(z) \big) \Big], \qquad
    p(z) = \prod \pi N(0, s_\text{spike}^2) + (1 - \pi) N(0, s_\text{slab}^2)$$

    with $q = \prod N(\mu, \sigma^2)$. Re-implemented from the paper: one draw a step; a dimension stays if more than `significant` objects
    are above 0 with a false discovery rate of `level`. The prior and the number of dimensions are the published ones; the schedule is ours
    (published: 500 epochs of burn-in, a window of 500, batches of 128). The other options are those of `OddOneOutMethod`.

    Attributes:
        spike: The standard deviation of the prior's narrow part: weights that are not needed.
        slab: That of its wide part.
        spike_share: π, the prior probability of the narrow part.
        significant: How many significant objects do not yet make a dimension.
        level: The false discovery rate.

    References:
        Muttenthaler et al., 2022, <https://arxiv.org/abs/2205.00756>.

    Example:
        >>> VICE(seeds=(0, 1, 2)).spike_share
        0.5
    """

    method: ClassVar[str] = "VICE"

    spike: float = 0.25
    slab: float = 1.0
    spike_share: float = 0.5
    significant: int = 5
    level: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.spike < self.slab:
            raise InputError(f"VICE needs a spike narrower than the slab, both above 0; got spike={self.spike:g}, slab={self.slab:g}.")
        for name in ("spike_share", "level"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"VICE needs {name} between 0 and 1; got {getattr(self, name):g}.")

    def _program(self, generators: Sequence[torch.Generator], objects: int, trials: int) -> Program:
        from isomorph.alignment._vice_program import ViceProgram

        return ViceProgram(
            generators,
            objects,
            dimensions=self.dimensions,
            trials=trials,
            spike=self.spike,
            slab=self.slab,
            share=self.spike_share,
            learning_rate=self.learning_rate,
            significant=self.significant,
            level=self.level,
        )
