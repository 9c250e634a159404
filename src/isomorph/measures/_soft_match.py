"""Alignment of single units where a unit may be shared out among several."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from isomorph.errors import UnknownNameError
from isomorph.measures._coordinates import without_rounding
from isomorph.measures._measure import Measure, Traits
from isomorph.measures._transport import transport
from isomorph.measures._units import centred_units, unit_correlations

SoftMatchForm: TypeAlias = Literal["correlation", "distance"]


@dataclass(frozen=True, kw_only=True)
class SoftMatch(Measure):
    r"""Soft matching: the mean correlation of units under the best coupling of all units with all.

    $$s(x, y) = \max_{P \in T(p, q)} \sum_{ij} P_{ij}\, r(x_i, y_j)$$

    over couplings \(P \ge 0\) whose rows sum to 1/p and whose columns sum to 1/q: optimal transport between units, so that p and q may
    differ and every unit counts. With p = q it is `HardCorrelationMatch`. Solved exactly, as an assignment of repeated units where few
    repeats make the widths equal, else as a linear program (seconds from some hundred units on).

    Attributes:
        form: `"correlation"`: as above. `"distance"`: \(\sqrt{\min_P \sum_{ij} P_{ij} \lVert x_i - y_j \rVert^2}\) over centred
            (not scaled) units; a metric, for different widths too.

    Raises:
        ShapeError: With `"correlation"`, a feature is constant.

    References:
        Khosla & Williams, 2024, <https://arxiv.org/abs/2311.09466>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(50, 4))
        >>> round(SoftMatch()(x, np.hstack([x, x])), 6), SoftMatch(form="distance")(x, x[:, ::-1])
        (1.0, 0.0)
    """

    draws: ClassVar[int] = 200

    form: SoftMatchForm = "correlation"

    def __post_init__(self) -> None:
        if self.form not in get_args(SoftMatchForm):
            raise UnknownNameError("form of soft matching", self.form, get_args(SoftMatchForm))

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        distance = self.form == "distance"
        return Traits(
            bounds=(0.0, math.inf) if distance else (-1.0, 1.0),
            higher_is_closer=not distance,
            metric=distance,
            invariant_to=frozenset({"shift", "permutation"} if distance else {"shift", "scale", "permutation"}),
            minimum_stimuli=2 if distance else 3,
            misleads="chance grows with the number of units to choose from and falls with stimuli; other programs use the name for "
            "the mean of best matches",
        )

    def relate(self, x: Any) -> Any:
        """Centred columns."""
        return centred_units(x)

    def _value(self, x: Any, y: Any) -> float:
        if self.form == "correlation":
            return min(max(transport(unit_correlations(x, y)), -1.0), 1.0)
        x, y = centred_units(x), centred_units(y)
        # the squares carry uniform marginals, so that only the products need transport
        squares = float((x * x).sum() / x.shape[1] + (y * y).sum() / y.shape[1])
        return math.sqrt(without_rounding(squares - 2 * transport(x.T @ y), squares, len(x)))
