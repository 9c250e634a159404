"""Canonical correlations of the leading principal components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError, ShapeError
from isomorph.geometry import Gram
from isomorph.measures._cca import CCAStatistic, canonical_correlations, chance_of, check_statistic, summary, warn_of_ranks
from isomorph.measures._coordinates import Coordinates, require_variation
from isomorph.measures._measure import Measure, Traits


@dataclass(frozen=True, kw_only=True)
class SVCCA(Measure):
    r"""Singular vector CCA: canonical correlations of the leading principal components.

    Keeps of each of the two the k principal components (of the centred features) with the largest variance: `components` of them, or
    the smallest k whose cumulative variance is at least `variance` of the whole. Then as `CCA`. Programs differ by one component at
    the threshold, which can change the second decimal. Accepts arrays, `Features` and `Gram`.

    Attributes:
        components: How many components to keep of each; None: by variance.
        variance: Which share of the variance to keep, where `components` is None.
        statistic: `"mean"`, `"mean-squared"` or `"max"`, as in `CCA`.

    Raises:
        ShapeError: `x` or `y` does not vary over stimuli, or spans fewer than `components` directions.

    Warns:
        UserWarning: Where unrelated features would score more than 0.05.

    References:
        Raghu et al., 2017, <https://arxiv.org/abs/1706.05806>.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(500, 5)) * [9, 8, 7, 1, 1]
        >>> round(SVCCA(components=3)(x, x[:, ::-1]), 6), round(SVCCA(variance=0.9)(x, rng.normal(size=(500, 5))), 1)
        (1.0, 0.1)
    """

    components: int | None = None
    variance: float = 0.99
    statistic: CCAStatistic = "mean"

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    def __post_init__(self) -> None:
        check_statistic(self.statistic)
        if self.components is not None and self.components < 1:
            raise InputError(f"SVCCA needs at least 1 component; got {self.components}.")
        if not 0 < self.variance <= 1:
            raise InputError(f"SVCCA needs a share of variance above 0 and up to 1; got {self.variance}.")

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        return Traits(
            bounds=(0.0, 1.0),
            invariant_to=frozenset({"shift", "scale", "rotation", "permutation"}),
            minimum_stimuli=max(3, (self.components or 0) + 1),
            misleads="jumps where one more component passes the threshold; high for unrelated features when n is not far above k",
        )

    def chance(self, n: int, p: int, q: int) -> float | None:
        """The value expected of unrelated Gaussian features; known where the number of components is."""
        return chance_of(self.statistic, n, min(self.components, p), min(self.components, q)) if self.components else None

    def relate(self, x: Any) -> Any:
        """Centred coordinates; their principal components are computed once."""
        return Coordinates.of(x)

    def _value(self, x: Any, y: Any) -> float:
        require_variation(x, y, "SVCCA")
        one, other = self._leading(x, "x"), self._leading(y, "y")
        if x.whole and y.whole:
            warn_of_ranks("SVCCA", self.statistic, len(x), one.shape[1], other.shape[1])
        return summary(canonical_correlations(one, other), self.statistic)

    def _leading(self, x: Coordinates, letter: str) -> FloatArray:
        """The left singular vectors that are kept."""
        left, values, _ = x.svd
        if self.components is None:
            shares = np.cumsum(values**2)
            # a threshold that a sum meets but for its last digit is met
            return left[:, : int(np.searchsorted(shares, self.variance * shares[-1] * (1 - 1e-12))) + 1]
        if x.rank < self.components:
            raise ShapeError(
                f"SVCCA was asked for {self.components} components, but {letter} spans {x.rank} directions. "
                f"Use components={x.rank} or fewer, or a share of variance."
            )
        return left[:, : self.components]
