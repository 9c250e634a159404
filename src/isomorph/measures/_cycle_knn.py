"""From a stimulus to a neighbour in one system, and from there back in the other."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import ClassVar

import numpy as np

from isomorph.measures._neighbours import Likeness, NeighbourMeasure, blocks


@dataclass(frozen=True, kw_only=True)
class CycleKNN(NeighbourMeasure):
    r"""Cycle k-nearest neighbours: how many stimuli come back to themselves by way of a neighbour.

    $$\frac{1}{n} \sum_i \max_j \min\bigl(j \in N_k^y(i),\ i \in N_k^x(j)\bigr)$$

    A stimulus counts if one of its neighbours in y has it as a neighbour in x. Neighbours are those of `MutualKNN`; ties are members by a
    fraction. x and y may change places for k = 1 alone, and x with itself need not reach 1: that takes a neighbour who returns the
    favour. With k near √n or above almost everybody comes back by accident, so that the default is 5, not the 10 of the authors'
    program.

    Accepts arrays, `Features` and `Gram`.

    Attributes:
        k: How many neighbours, on both ways.

    Raises:
        ShapeError: There are fewer than k + 2 stimuli, a stimulus is zero in every feature, or all are equally alike.

    Warns:
        UserWarning: Where unrelated features would score more than 0.05.

    References:
        Huh et al., 2024, <https://arxiv.org/abs/2405.07987>.

    Example:
        >>> import numpy as np
        >>> x, y = np.random.default_rng(0).normal(size=(2, 200, 8))
        >>> CycleKNN()(x, x) > 0.9, CycleKNN()(x, y) < 0.2
        (True, True)
    """

    k: int = 5

    misleads: ClassVar[str] = "near 1 for unrelated features unless n is far above k squared"

    @property
    def _symmetric(self) -> bool:
        return self.k == 1

    def _score(self, x: Likeness, y: Likeness) -> float:
        walked = [(block.border, block.share) for block in blocks(x, self.k)]
        border, share = (np.concatenate([each[place][:, 0] for each in walked]) for place in (0, 1))
        total = 0.0
        for block in blocks(y, self.k):
            back = x.rows(block.part)  # symmetric: row i holds how alike everybody finds i
            back[np.arange(len(back)), np.arange(block.part.start, block.part.stop)] = -np.inf
            member = (back > border + x.tolerance) + (np.abs(back - border) <= x.tolerance) * share
            total += float(np.minimum(block.member, member).max(axis=1).sum())
        return total / x.n

    def chance(self, n: int, p: int, q: int) -> float:
        """Of unrelated features: about 1 − C(n − 1 − k, k) / C(n − 1, k); less where some stimuli are everybody's neighbours."""
        return 1 - comb(n - 1 - self.k, self.k) / comb(n - 1, self.k)
