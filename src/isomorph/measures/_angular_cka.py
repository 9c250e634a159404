"""The angle between two Gram matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.measures._cka import narrow_or_gram
from isomorph.measures._kernel import Estimator, Kernel, linear_kernel
from isomorph.measures._kernel_measure import KernelMeasure, ratio, unrelated
from isomorph.measures._measure import Comparable, Traits


@dataclass(frozen=True, kw_only=True)
class AngularCKA(KernelMeasure):
    r"""The angle between two centred Gram matrices: a metric, in radians.

    $$d(x, y) = \arccos \mathrm{CKA}(x, y)$$

    with the biased CKA, since only that is a cosine. 0: the same geometry up to a rotation and one overall scale; π/2: unrelated, of
    which wide features fall short, as biased CKA exceeds 0 there. Within 1e-8 of 0 its digits are those of the root of rounding.

    Accepts arrays, `Features` and `Gram`.

    Raises:
        ShapeError: `x` or `y` does not vary over stimuli.

    Warns:
        UserWarning: Where unrelated features of these shapes would be more than 0.05 nearer than π/2.

    References:
        Williams et al., 2021, <https://arxiv.org/abs/2110.14739>.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.normal(size=(2000, 3)), rng.normal(size=(2000, 3))
        >>> round(AngularCKA()(x, 2 * x + 1), 6), round(AngularCKA()(x, y), 1)
        (0.0, 1.6)
    """

    linear: ClassVar[bool] = True

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        return Traits(
            bounds=(0.0, np.pi / 2),
            higher_is_closer=False,
            metric=True,
            invariant_to=frozenset({"shift", "scale", "rotation", "permutation"}),
            minimum_stimuli=3,
            misleads="near 0 for anything wider than n, as biased CKA is near 1",
        )

    @property
    def hsic_estimator(self) -> Estimator:
        """The biased one."""
        return "biased"

    def chance(self, n: int, p: int, q: int) -> float | None:
        r"""\(\arccos \sqrt{pq / ((n + p)(n + q))}\)."""
        return float(np.arccos(unrelated(n, p, q) or 0.0))

    def relate(self, x: Comparable) -> Comparable:
        """The Gram matrix, where it is smaller than the features."""
        return narrow_or_gram(x)

    def _kernel(self, x: Any, letter: str) -> Kernel:
        return linear_kernel(x)

    def _finish(self, xy: FloatArray, xx: FloatArray, yy: FloatArray) -> FloatArray:
        return np.asarray(np.arccos(ratio(xy, xx, yy, lowest=0.0)))

    @property
    def _word(self) -> str:
        return "angular CKA"

    @property
    def _way_out(self) -> str:
        return "Show more stimuli, or use CKA(), which is debiased and no metric."
