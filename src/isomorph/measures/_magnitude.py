"""Differences of two plain statistics: how long the mean stimulus is, and how much stimuli point its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import ShapeError
from isomorph.geometry import Gram
from isomorph.geometry._centre import centre_columns
from isomorph.measures._descriptor import DescriptorMeasure
from isomorph.measures._measure import Traits


@dataclass(frozen=True, kw_only=True)
class Magnitude(DescriptorMeasure):
    r"""The difference in magnitude: how much longer one mean stimulus is than the other.

    $$\bigl|\,\lVert \tfrac{1}{n} \textstyle\sum_i x_i \rVert - \lVert \tfrac{1}{n} \sum_i y_i \rVert\,\bigr|$$

    0 means equally long means, in the units of the features. A statistic of two clouds: it knows nothing of single stimuli.

    Accepts arrays, `Features` and `Gram`.

    References:
        Wang et al., 2020, as defined in Klabunde et al., 2023, <https://arxiv.org/abs/2305.06329>.

    Example:
        >>> import numpy as np
        >>> Magnitude()(np.array([[3.0, 0.0], [3.0, 8.0]]), np.array([[1.0], [3.0]]))
        3.0
    """

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        return Traits(
            bounds=(0.0, float("inf")), higher_is_closer=False, metric=True, invariant_to=frozenset({"rotation", "permutation"}),
            misleads="compares lengths of means, no geometry; shuffled stimuli score the same",
        )  # fmt: skip

    def _describe(self, x: Any, name: str) -> float:
        if isinstance(x, Gram):
            return float(np.sqrt(max(x.mean_product.mean(), 0.0)))
        return float(np.linalg.norm(np.mean(x, axis=0, dtype=np.float64)))


@dataclass(frozen=True, kw_only=True)
class Concentricity(DescriptorMeasure):
    r"""The difference in concentricity: how much more the stimuli of one point the way of their mean.

    $$\left| \frac{1}{n} \sum_i \cos(x_i, \bar x) - \frac{1}{n} \sum_i \cos(y_i, \bar y) \right|$$

    0 means equally narrow cones of features. A statistic of two clouds: it knows nothing of single stimuli.

    Accepts arrays, `Features` and `Gram`.

    Raises:
        ShapeError: A stimulus is zero in every feature, or the mean stimulus is.

    References:
        Wang et al., 2020, as defined in Klabunde et al., 2023, <https://arxiv.org/abs/2305.06329>.

    Example:
        >>> import numpy as np
        >>> Concentricity()(np.array([[1.0, 0.0], [2.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])).__round__(6)
        0.292893
    """

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        return Traits(
            bounds=(0.0, 2.0), higher_is_closer=False, metric=True, invariant_to=frozenset({"scale", "rotation", "permutation"}),
            misleads="compares the width of two cones, no geometry; shuffled stimuli score the same",
        )  # fmt: skip

    def _describe(self, x: Any, name: str) -> float:
        lengths, along, mean = _along_mean(x)
        zero = np.flatnonzero(lengths <= 1e-12 * lengths.max())
        if len(zero):
            raise ShapeError(
                f"{len(zero)} of {len(lengths)} stimuli of {name} are zero in every feature, so that they point nowhere; the first is in "
                f"row {int(zero[0])}. Leave them out."
            )
        if mean <= 1e-12 * lengths.max():
            raise ShapeError(f"the mean stimulus of {name} is zero, so that no stimulus points its way. Centred features have no cone.")
        return float((along / lengths).mean() / mean)


def _along_mean(x: Any) -> tuple[FloatArray, FloatArray, float]:
    """Lengths of stimuli, their products with the mean stimulus, and its length."""
    if isinstance(x, Gram):
        squares = np.diagonal(x.centred) + 2 * x.mean_product - x.mean_product.mean()
        return np.sqrt(np.maximum(squares, 0)), x.mean_product, float(np.sqrt(max(x.mean_product.mean(), 0.0)))
    centred, mean = centre_columns(x)
    rows = centred + mean
    return np.linalg.norm(rows, axis=1), rows @ mean, float(np.linalg.norm(mean))
