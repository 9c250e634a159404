"""Between Procrustes and CCA: shapes whose directions are partly brought to equal variance first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from isomorph.errors import InputError, UnknownNameError
from isomorph.geometry import Gram
from isomorph.measures._coordinates import Coordinates, nuclear_norm, require_variation, warn_of_chance, without_rounding
from isomorph.measures._measure import Change, Measure, Traits
from isomorph.measures._procrustes import angle
from isomorph.measures._wachter import mean_canonical_correlation

WhiteningUnit: TypeAlias = Literal["sum", "mean", "relative"]


@dataclass(frozen=True, kw_only=True)
class PartialWhitening(Measure):
    r"""Angular shape distance after partial whitening.

    $$d(x, y) = \arccos \frac{\lVert x_\alpha^\top y_\alpha \rVert_*}{\lVert x_\alpha \rVert_F \lVert y_\alpha \rVert_F}, \qquad
    x_\alpha = x \bigl(\alpha I + (1 - \alpha)\, \Sigma_x^{-1/2}\bigr)$$

    with centred columns, in radians. α = 1 is the angular Procrustes distance, α = 0 the angle of CCA. A singular value s of `x` becomes
    αs + (1 − α)u, so that α means little until the unit u is named; directions that do not vary are left out. Different widths are as
    if the narrower were padded with zeros. Accepts arrays, `Features` and `Gram`.

    Attributes:
        alpha: 0 … 1.
        unit: `"sum"`: Σ = xᵀx and u = 1, as netrep has it; `"mean"`: Σ = xᵀx / n and u = √n; `"relative"`: Σ is xᵀx over the mean square
            of its singular values, so that neither the scale of the features nor n matters.

    Raises:
        ShapeError: `x` or `y` does not vary over stimuli.

    Warns:
        UserWarning: With α = 0, where unrelated features would come closer than 90° by chance.

    References:
        Williams et al., 2021, <https://arxiv.org/abs/2110.14739>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(40, 3))
        >>> y = x * [1, 2, 9]
        >>> [round(PartialWhitening(alpha=alpha, unit="relative")(x, y), 2) for alpha in (1.0, 0.5)]
        [0.77, 0.39]
    """

    alpha: float = 0.5
    unit: WhiteningUnit = "sum"

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise InputError(f"PartialWhitening needs an alpha from 0 (CCA) to 1 (Procrustes); got {self.alpha}.")
        if self.unit not in get_args(WhiteningUnit):
            raise UnknownNameError("unit of whitening", self.unit, get_args(WhiteningUnit))

    @property
    def traits(self) -> Traits:
        """What it claims of itself; the invariances depend on α and the unit."""
        invariant: set[Change] = {"shift", "rotation", "permutation"}
        if self.alpha in (0, 1) or self.unit == "relative":
            invariant.add("scale")
        if self.alpha == 0:
            invariant.add("linear")
        return Traits(
            bounds=(0.0, math.pi / 2),
            higher_is_closer=False,
            metric=True,
            invariant_to=frozenset(invariant),
            minimum_stimuli=3,
            misleads="near 0 for anything as wide as the number of stimuli where alpha is small; alpha has the unit of the features",
        )

    def chance(self, n: int, p: int, q: int) -> float | None:
        """The angle for unrelated Gaussian features; known for α = 0 alone."""
        if self.alpha:
            return None
        r, s = min(p, n - 1), min(q, n - 1)
        return math.acos(min(1.0, mean_canonical_correlation(n, r, s) * min(r, s) / math.sqrt(r * s)))

    def relate(self, x: Any) -> Any:
        """Centred coordinates, partly whitened."""
        return Coordinates.of(x)

    def _value(self, x: Any, y: Any) -> float:
        require_variation(x, y, "the distance")
        if self.alpha == 0 and x.whole and y.whole:
            expected = self.chance(len(x), x.rank, y.rank)
            shortfall = None if expected is None else 1 - expected / (math.pi / 2)
            way_out = "Use more stimuli, or a larger alpha."
            warn_of_chance("the closeness 1 − d/(π/2) at alpha = 0", shortfall, len(x), (x.rank, y.rank), way_out)
        if self.alpha == 1:
            one, other, lengths = x.points, y.points, x.norm * y.norm
        else:
            weights = self._weights(x), self._weights(y)
            one, other = x.left * weights[0], y.left * weights[1]
            lengths = math.sqrt(float(weights[0] @ weights[0]) * float(weights[1] @ weights[1]))
        gap = without_rounding(lengths - nuclear_norm(one.T @ other), lengths, len(x))
        return angle(min(gap / lengths, 1.0))

    def _weights(self, x: Coordinates) -> Any:
        values = x.svd[1]
        unit = {"sum": 1.0, "mean": math.sqrt(len(x)), "relative": math.sqrt(float(values @ values) / len(values))}[self.unit]
        return self.alpha * values + (1 - self.alpha) * unit
