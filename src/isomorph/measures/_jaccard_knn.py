"""The overlap of neighbourhoods relative to their union."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.measures._measure import Change
from isomorph.measures._neighbours import Likeness, chance_overlaps, cosines
from isomorph.measures._overlap import OverlapMeasure


@dataclass(frozen=True, kw_only=True)
class JaccardKNN(OverlapMeasure):
    r"""Jaccard similarity of k-nearest neighbours.

    $$\frac{1}{n} \sum_i \frac{|N_k^x(i) \cap N_k^y(i)|}{|N_k^x(i) \cup N_k^y(i)|}$$

    with neighbours by cosine, as in `MutualKNN`, ties included: an overlap of o counts as o/(2k − o). 1 means the same neighbourhoods;
    `chance` gives what unrelated features score.

    Accepts arrays, `Features` and `Gram`.

    Attributes:
        k: How many neighbours.
        centre: Take the mean stimulus away first, as llm_repsim does; ReSi takes the features as they are, which is the default here.
            Features with a large common part point all into one direction: their neighbours change with it.

    Raises:
        ShapeError: There are fewer than k + 2 stimuli, a stimulus has no direction, or all are equally alike.

    Warns:
        UserWarning: Where unrelated features would score more than 0.05.

    References:
        Klabunde et al., 2024, <https://arxiv.org/abs/2408.00531>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(300, 8))
        >>> JaccardKNN()(x, x + 5) < 1, JaccardKNN(centre=True)(x, x + 5)
        (True, 1.0)
    """

    centre: bool = False

    misleads: ClassVar[str] = "chance is about k/(2n), not 0; blind to everything beyond the k nearest"

    @property
    def _invariant_to(self) -> frozenset[Change]:
        return super()._invariant_to | (frozenset({"shift"}) if self.centre else frozenset())

    def _likeness(self, x: Any, letter: str) -> Likeness:
        return cosines(x, letter, centre=self.centre)

    def _of_overlap(self, common: FloatArray) -> float:
        return float((common / (2 * self.k - common)).mean())

    def chance(self, n: int, p: int, q: int) -> float:
        """Of unrelated features, whatever their widths: the mean of o/(2k − o) over a hypergeometric overlap o."""
        sizes, odds = chance_overlaps(n, self.k)
        return float(np.sum(odds * sizes / (2 * self.k - sizes)))
