"""The Bures distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.geometry import Gram
from isomorph.measures._coordinates import Coordinates, nuclear_norm
from isomorph.measures._measure import Comparable, Measure, Traits


@dataclass(frozen=True, kw_only=True)
class Bures(Measure):
    r"""The Bures distance between two centred Gram matrices: a metric, in the units of the features.

    $$d(x, y) = \sqrt{\operatorname{tr} K + \operatorname{tr} L - 2 \lVert x^\top y \rVert_*}$$

    with \(K = x x^\top\), \(L = y y^\top\) after centring. 0: the same up to a rotation. It is the distance that is left between x and y,
    over all stimuli, after the best rotation: it grows with their number and with the scale of either side, and a difference of scale
    alone can rule it (`NBS` has none of that).

    Accepts arrays, `Features` and `Gram`.

    Attributes:
        squared: Give d², as rsatoolbox's `bures_metric` does: no metric.

    References:
        Bhatia et al., 2019, <https://doi.org/10.1016/j.exmath.2018.01.002>. Harvey et al., 2023, <https://arxiv.org/abs/2311.11436>.

    Example:
        >>> import numpy as np
        >>> x = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
        >>> round(Bures()(x, 2 * x), 6), round(Bures(squared=True)(x, 2 * x), 6)
        (2.828427, 8.0)
    """

    squared: bool = False

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    @property
    def traits(self) -> Traits:
        """What it claims of itself; the square keeps no triangle inequality."""
        return Traits(
            bounds=(0.0, np.inf),
            higher_is_closer=False,
            metric=not self.squared,
            invariant_to=frozenset({"shift", "rotation", "permutation"}),
            misleads="ruled by the difference of scale where there is one",
        )

    def relate(self, x: Comparable) -> Any:
        """Centred coordinates, no more of them than stimuli."""
        return Coordinates.of(x)

    def _value(self, x: Any, y: Any) -> float:
        square = _square(x.points, y.points)
        return square if self.squared else float(np.sqrt(square))


def _square(x: FloatArray, y: FloatArray) -> float:
    own = float(np.vdot(x, x) + np.vdot(y, y))
    square = own - 2 * nuclear_norm(x.T @ y)
    if square > 1e-6 * own:
        return square
    # Nearly the same: the difference has lost its digits; what is left after the best rotation has not.
    narrow, wide = (x, y) if x.shape[1] <= y.shape[1] else (y, x)
    left, _, right = np.linalg.svd(narrow.T @ wide, full_matrices=False)
    return float(np.square(narrow @ (left @ right) - wide).sum())
