"""Do two systems give a stimulus the same nearest neighbours?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from isomorph.arrays import FloatArray
from isomorph.measures._overlap import OverlapMeasure


@dataclass(frozen=True, kw_only=True)
class MutualKNN(OverlapMeasure):
    r"""Mutual k-nearest neighbours: the share of neighbours that two systems have in common.

    $$\frac{1}{n} \sum_i \frac{|N_k^x(i) \cap N_k^y(i)|}{k}$$

    with neighbours by inner product after each stimulus is scaled to length 1, and nobody its own neighbour. 1 means the same
    neighbourhoods; unrelated features score k/(n − 1), which `chance` gives and which is large with few stimuli.

    Stimuli that tie for the last places share them evenly, as members by a fraction, and what two neighbourhoods have in common is the
    sum of the smaller memberships. So the value does not depend on the order of the stimuli, and x with itself is always 1.

    Accepts arrays, `Features` and `Gram`. Rows are walked in blocks; nothing of n × n is held beyond 4,096 stimuli.

    Attributes:
        k: How many neighbours.

    Raises:
        ShapeError: There are fewer than k + 2 stimuli, a stimulus is zero in every feature, or all are equally alike.

    Warns:
        UserWarning: Where unrelated features would score more than 0.05.

    References:
        Huh et al., 2024, <https://arxiv.org/abs/2405.07987>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(201, 8))
        >>> MutualKNN(k=5)(x, 3 * x), MutualKNN(k=5).chance(201, 8, 8)
        (1.0, 0.025)
    """

    misleads: ClassVar[str] = "chance is k/(n - 1), not 0; blind to everything beyond the k nearest"

    def _of_overlap(self, common: FloatArray) -> float:
        return float(common.mean() / self.k)

    def chance(self, n: int, p: int, q: int) -> float:
        """Of unrelated features: k/(n − 1), whatever their widths."""
        return self.k / (n - 1)
