"""Is a stimulus as near to each of its neighbours in one system as in the other?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError, ShapeError
from isomorph.measures._neighbours import Likeness, NeighbourMeasure, blocks


@dataclass(frozen=True, kw_only=True)
class SecondOrderCosine(NeighbourMeasure):
    r"""Second-order cosine similarity: the cosine between two profiles of a stimulus over its neighbours in either system.

    $$\frac{1}{n} \sum_i \cos\bigl((s^x_{ij})_{j \in U_i}, (s^y_{ij})_{j \in U_i}\bigr), \qquad U_i = N_k^x(i) \cup N_k^y(i)$$

    with s the cosines between stimuli. 1 means profiles of the same shape. Neighbours are those of `MutualKNN`; a tied neighbour enters
    the profile with its share as a weight. Profiles whose entries all have one sign are alike for that reason: unrelated features do not
    score 0 as soon as stimuli have a common part, and never with `profile="distance"`.

    Accepts arrays, `Features` and `Gram`.

    Attributes:
        k: How many neighbours of each system form the union.
        profile: `"similarity"`: cosines, as in the paper. `"distance"`: 1 − cosine, as ReSi computes it.

    Raises:
        ShapeError: There are fewer than k + 1 stimuli, a stimulus is zero in every feature, all are equally alike, or a profile is zero.

    References:
        Hamilton et al., 2016, <https://arxiv.org/abs/1606.02821>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(60, 8))
        >>> round(SecondOrderCosine()(x, 2 * x), 9)
        1.0
    """

    profile: Literal["similarity", "distance"] = "similarity"

    beyond: ClassVar[int] = 1
    misleads: ClassVar[str] = "profiles of one sign are alike whatever they hold: near 1 for unrelated features that have a common part"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.profile not in ("similarity", "distance"):
            raise InputError(f"SecondOrderCosine knows profiles of 'similarity' or 'distance'; got {self.profile!r}.")

    @property
    def _lowest(self) -> float:
        return -1.0 if self.profile == "similarity" else 0.0

    def _score(self, x: Likeness, y: Likeness) -> float:
        total = 0.0
        for a, b in zip(blocks(x, self.k), blocks(y, self.k), strict=True):
            union = np.maximum(a.member, b.member)
            first, second = (1 - each.alike if self.profile == "distance" else each.alike for each in (a, b))
            lengths = [np.sqrt((union * each**2).sum(axis=1)) for each in (first, second)]
            for name, length in zip((x.name, y.name), lengths, strict=True):
                self._check_profiles(length, name, a.part.start)
            total += float(((union * first * second).sum(axis=1) / (lengths[0] * lengths[1])).sum())
        return total / x.n

    def _check_profiles(self, lengths: FloatArray, name: str, start: int) -> None:
        flat = np.flatnonzero(lengths <= 1e-12)
        if len(flat):
            what, other = ("at right angles to", "distance") if self.profile == "similarity" else ("equal in direction to", "similarity")
            raise ShapeError(
                f"the stimulus in row {start + int(flat[0])} of {name} is {what} all its neighbours, so that its profile is zero. "
                f"Use profile={other!r}, or leave it out."
            )
