"""Do two systems rank the neighbours of a stimulus alike?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.measures._neighbours import Block, Likeness, NeighbourMeasure, blocks, chance_overlaps


@dataclass(frozen=True, kw_only=True)
class RankSimilarity(NeighbourMeasure):
    r"""Rank similarity: do common neighbours stand at the same ranks, the first ones above all?

    $$\frac{1}{n} \sum_i \frac{1}{H_{m_i}} \sum_{j \in N_k^x(i) \cap N_k^y(i)}
    \frac{2}{(1 + |r^x_i(j) - r^y_i(j)|)\,(r^x_i(j) + r^y_i(j))}$$

    with ranks from 1, m the number of common neighbours and \(H_m = 1 + 1/2 + \dots + 1/m\); 0 where there is none. Neighbours are
    those of `MutualKNN`. 1 means that all k stand at the same ranks. Because it is divided by what m common neighbours could reach at
    best, few common neighbours at the first ranks score as high as many.

    Tied neighbours share the ranks that they occupy, as their harmonic mean, so that the value does not depend on the order of the
    stimuli and x with itself is always 1; between whole numbers m, H is linear.

    Accepts arrays, `Features` and `Gram`.

    Attributes:
        k: How many neighbours.

    Raises:
        ShapeError: There are fewer than k + 1 stimuli, a stimulus is zero in every feature, or all are equally alike.

    Warns:
        UserWarning: Where unrelated features would score more than 0.05.

    References:
        Wang et al., 2020, as defined in Klabunde et al., 2023, <https://arxiv.org/abs/2305.06329>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(300, 8))
        >>> round(RankSimilarity()(x, 2 * x), 9)
        1.0
    """

    beyond: ClassVar[int] = 1
    misleads: ClassVar[str] = "one common neighbour at the same first rank scores 1, as ten do"

    def _score(self, x: Likeness, y: Likeness) -> float:
        total = 0.0
        harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, self.k + 1))])
        for a, b in zip(blocks(x, self.k), blocks(y, self.k), strict=True):
            (rank, weight), (other, other_weight) = self._ranks(a, x.tolerance), self._ranks(b, y.tolerance)
            common = np.minimum(weight, other_weight)
            each = common * 2 / ((1 + np.abs(rank - other)) * (rank + other))
            mass = np.minimum(common.sum(axis=1), self.k)
            best = np.interp(mass, np.arange(self.k + 1), harmonic)
            total += float(np.divide(each.sum(axis=1), best, out=np.zeros_like(best), where=mass > 0).sum())
        return total / x.n

    def _ranks(self, block: Block, tolerance: float) -> tuple[FloatArray, FloatArray]:
        """Rank and membership of each stimulus `[row, stimulus]`; the rank is 1 where there is no membership."""
        rows, most = len(block.alike), int((block.member > 0).sum(axis=1).max())
        alike = np.where(block.member > 0, block.alike, -np.inf)
        nearest = np.argpartition(-alike, most - 1, axis=1)[:, :most]
        values = np.take_along_axis(alike, nearest, axis=1)
        order = np.argsort(-values, axis=1)
        nearest, values = np.take_along_axis(nearest, order, axis=1), np.take_along_axis(values, order, axis=1)
        begins = np.ones((rows, most), dtype=bool)
        with np.errstate(invalid="ignore"):  # −inf less −inf, beyond the last member
            begins[:, 1:] = ~(values[:, :-1] - values[:, 1:] <= tolerance)
        group = (np.cumsum(begins, axis=1) - 1 + most * np.arange(rows)[:, None]).ravel()
        places = np.broadcast_to(np.arange(1, most + 1), (rows, most)).ravel()
        counted = places <= self.k
        size, count = np.bincount(group), np.bincount(group, weights=counted)
        inverse = np.bincount(group, weights=counted / places)
        rank, weight = np.ones_like(alike), np.zeros_like(alike)
        mean = np.divide(count, inverse, out=np.ones_like(count), where=inverse > 0)
        share = np.divide(count, size, out=np.zeros_like(count), where=size > 0)
        np.put_along_axis(rank, nearest, mean[group].reshape(rows, most), axis=1)
        np.put_along_axis(weight, nearest, share[group].reshape(rows, most), axis=1)
        return rank, weight

    def chance(self, n: int, p: int, q: int) -> float:
        """Of unrelated features, whatever their widths: the mean over overlaps and ranks that are equally probable."""
        ranks = np.arange(1, self.k + 1)
        each = (2 / ((1 + np.abs(ranks[:, None] - ranks)) * (ranks[:, None] + ranks))).mean()
        sizes, odds = chance_overlaps(n, self.k)
        harmonic = np.concatenate([[1.0], np.cumsum(1 / ranks)])
        return float(np.sum(odds * sizes * each / harmonic[sizes]))
