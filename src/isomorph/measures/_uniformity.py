"""The difference in how evenly two systems spread their stimuli."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.errors import InputError
from isomorph.geometry import Gram
from isomorph.measures._descriptor import DescriptorMeasure
from isomorph.measures._measure import Comparable, Traits
from isomorph.measures._neighbours import cosines, narrowest, nearness


@dataclass(frozen=True, kw_only=True)
class Uniformity(DescriptorMeasure):
    r"""The difference in uniformity.

    $$|U(x) - U(y)|, \qquad U(x) = \log\, \underset{i < j}{\mathrm{mean}}\ e^{-t \lVert x_i - x_j \rVert^2}$$

    with each stimulus scaled to length 1, as in the paper. U is 0 where all stimuli coincide and falls the more evenly they lie on the
    sphere. The sum is formed through its logarithm, so that it never underflows. A statistic of two clouds: it knows nothing of single
    stimuli.

    Accepts arrays, `Features` and `Gram`.

    Attributes:
        t: The kernel's sharpness.
        normalise: Scale stimuli to length 1. ReSi does not: then distances of wide features are so large that little but pairs of a
            stimulus with itself is left.
        own_pairs: Count each stimulus with itself, too, and each pair twice, as ReSi does (n² terms).

    Raises:
        InputError: `t` is not above 0.
        ShapeError: A stimulus is zero in every feature.

    References:
        Wang and Isola, 2020, <https://arxiv.org/abs/2005.10242>.

    Example:
        >>> import numpy as np
        >>> Uniformity()(np.eye(3), np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])).__round__(6)
        4.0
    """

    t: float = 2.0
    normalise: bool = True
    own_pairs: bool = False

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    def __post_init__(self) -> None:
        if not self.t > 0:
            raise InputError(f"Uniformity needs a t above 0; got {self.t}.")

    @property
    def traits(self) -> Traits:
        """What it claims of itself; on the sphere scale plays no part, elsewhere shifts play none."""
        return Traits(
            bounds=(0.0, 4 * self.t if self.normalise else float("inf")),
            higher_is_closer=False,
            metric=True,
            invariant_to=frozenset({"scale" if self.normalise else "shift", "rotation", "permutation"}),
            misleads="compares the spread of two clouds; shuffled stimuli score the same",
        )

    def relate(self, x: Comparable) -> Comparable:
        """The Gram matrix, where it is smaller than the features."""
        return narrowest(x)

    def _describe(self, x: Any, name: str) -> float:
        near = cosines(x, name) if self.normalise else nearness(x, name)
        total = -np.inf
        for part in near.parts():
            rows = near.rows(part)
            exponents = self.t * (2 * rows - 2 if self.normalise else rows)
            own = np.arange(len(rows)), np.arange(part.start, part.stop)
            exponents[own] = 0.0 if self.own_pairs else -np.inf
            total = np.logaddexp.reduce(exponents, axis=None, initial=total)
        return float(total - np.log(near.n**2 if self.own_pairs else near.n * (near.n - 1)))
