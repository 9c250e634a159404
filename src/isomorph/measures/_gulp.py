"""How differently two representations would predict, over all regression tasks."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError
from isomorph.geometry import Gram
from isomorph.measures._coordinates import Coordinates, require_variation, without_rounding
from isomorph.measures._measure import Change, Measure, Traits


@dataclass(frozen=True, kw_only=True)
class GULP(Measure):
    r"""GULP: the largest mean difference between ridge predictions from `x` and from `y`, over all targets of unit size.

    $$d^2(x, y) = T_x + T_y - 2\, \mathrm{tr}\bigl[(\Sigma_x + \lambda)^{-1} \Sigma_{xy} (\Sigma_y + \lambda)^{-1} \Sigma_{yx}\bigr],
    \qquad T_x = \mathrm{tr}\bigl[\bigl(\Sigma_x (\Sigma_x + \lambda)^{-1}\bigr)^2\bigr]$$

    with centred columns, scaled so that \(\sum_i \lVert x_i \rVert^2 / n = 1\), and Σ = xᵀx / n. The root is a metric; the published
    programs return the square. Accepts arrays, `Features` and `Gram`; directions that do not vary are left out.

    Attributes:
        penalty: The ridge penalty λ ≥ 0, as a share of the total variance. 0 is a distance between the spaces that the features span, as
            in CCA.
        squared: Return the square.

    Raises:
        ShapeError: `x` or `y` does not vary over stimuli.

    Warns:
        UserWarning: With λ = 0, where one of the two spans every direction in which the stimuli can differ.

    References:
        Boix-Adsera et al., 2022, <https://arxiv.org/abs/2210.06545>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(200, 4))
        >>> GULP()(x, 2 * x[:, ::-1] + 1), round(GULP(penalty=0)(x, x[:, :3]), 6)
        (0.0, 1.0)
    """

    penalty: float = 0.01
    squared: bool = False

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    def __post_init__(self) -> None:
        if not 0 <= self.penalty < math.inf:
            raise InputError(f"GULP needs a penalty of at least 0; got {self.penalty}.")

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        invariant: frozenset[Change] = frozenset({"shift", "scale", "rotation", "permutation"})
        return Traits(
            bounds=(0.0, math.inf),
            higher_is_closer=False,
            metric=not self.squared,
            invariant_to=invariant if self.penalty else invariant | {"linear"},
            minimum_stimuli=3,
            misleads="grows with the number of directions; with a small penalty and as many features as stimuli it sees nothing",
        )

    def relate(self, x: Any) -> Any:
        """Centred coordinates; their singular vectors are computed once."""
        return Coordinates.of(x)

    def _value(self, x: Any, y: Any) -> float:
        require_variation(x, y, "GULP")
        if not self.penalty and x.whole and y.whole and max(x.rank, y.rank) >= len(x) - 1:
            letter = "x" if x.rank >= y.rank else "y"
            warnings.warn(
                f"{letter} spans all {len(x) - 1} directions in which {len(x)} stimuli can differ, so that GULP without a penalty sees "
                "only how many directions the other spans. Use penalty=0.01, or more stimuli.",
                UserWarning,
                stacklevel=4,
            )
        shrunk, others = self._shrinkage(x), self._shrinkage(y)
        scale = float(shrunk @ shrunk + others @ others)
        together = float(shrunk @ np.square(x.left.T @ y.left) @ others)
        square = without_rounding(scale - 2 * together, scale, len(x))
        return square if self.squared else math.sqrt(square)

    def _shrinkage(self, x: Coordinates) -> FloatArray:
        """λ_k / (λ_k + penalty) for the eigenvalues of the scaled covariance, which add up to 1."""
        squares = x.svd[1] ** 2
        return np.asarray(squares / (squares + self.penalty * squares.sum()))
