"""Canonical correlation analysis: how far two sets of features span the same directions over stimuli."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, get_args

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import UnknownNameError
from isomorph.geometry import Gram
from isomorph.measures._coordinates import Coordinates, require_variation, warn_of_chance
from isomorph.measures._measure import Measure, Traits
from isomorph.measures._wachter import canonical_edges, mean_canonical_correlation

CCAStatistic: TypeAlias = Literal["mean", "mean-squared", "max"]
_OUTS = "Use more stimuli, fewer components (svcca), or a measure that weighs directions by their variance (cka, angular-procrustes)."


@dataclass(frozen=True, kw_only=True)
class CCA(Measure):
    r"""Canonical correlations between two sets of features, in one number.

    With \(Q_x\), \(Q_y\) orthonormal bases of the centred features, the canonical correlations \(\rho_1 \ge \rho_2 \ge \dots\) are the
    singular values of \(Q_x^\top Q_y\): the largest correlations that linear readouts of the two can have, one direction after the other.
    There are as many as the smaller of the two ranks.

    Every direction counts the same, however little it varies. With as many features as stimuli the value is 1 for anything.
    Accepts arrays, `Features` and `Gram`. The rank is taken from singular values with a tolerance of max(n, p) · 2⁻⁵² of the largest
    (8 · 2⁻²³ for float32 input, √(n · 2⁻⁵²) for Gram matrices), so that doubled or dead features do no harm.

    Attributes:
        statistic: `"mean"` of ρ; `"mean-squared"` of ρ² (Yanai's coefficient; Pillai's trace over its largest value); `"max"`: the largest.

    Raises:
        ShapeError: `x` or `y` does not vary over stimuli.

    Warns:
        UserWarning: Where unrelated features of these ranks would score more than 0.05, and where the value is 1 whatever they hold.

    References:
        Hotelling, 1936, <https://doi.org/10.1093/biomet/28.3-4.321>. Ramsay et al., 1984, <https://doi.org/10.1007/BF02294259>.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(2000, 3))
        >>> round(CCA()(x, np.hstack([x @ rng.normal(size=(3, 3)), rng.normal(size=(2000, 2))])), 6)
        1.0
        >>> round(CCA(statistic="mean-squared")(x, rng.normal(size=(2000, 3))), 2)
        0.0
    """

    statistic: CCAStatistic = "mean"

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    def __post_init__(self) -> None:
        check_statistic(self.statistic)

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        return Traits(
            bounds=(0.0, 1.0),
            invariant_to=frozenset({"shift", "scale", "rotation", "linear", "permutation"}),
            minimum_stimuli=3,
            misleads="high for unrelated features unless stimuli far outnumber them, and 1 with as many features as stimuli",
        )

    def chance(self, n: int, p: int, q: int) -> float | None:
        """The value expected of unrelated Gaussian features."""
        return chance_of(self.statistic, n, p, q)

    def relate(self, x: Any) -> Any:
        """Centred coordinates; their orthonormal basis is computed once."""
        return Coordinates.of(x)

    def _value(self, x: Any, y: Any) -> float:
        require_variation(x, y, "CCA")
        if x.whole and y.whole:
            warn_of_ranks("CCA", self.statistic, len(x), x.rank, y.rank)
        return summary(canonical_correlations(x.basis, y.basis), self.statistic)


def check_statistic(statistic: str) -> None:
    """Raise `UnknownNameError` unless `statistic` is one."""
    if statistic not in get_args(CCAStatistic):
        raise UnknownNameError("statistic of CCA", statistic, get_args(CCAStatistic))


def canonical_correlations(x: FloatArray, y: FloatArray) -> FloatArray:
    """The canonical correlations of two orthonormal bases, the largest first."""
    return np.asarray(np.clip(np.linalg.svd(x.T @ y, compute_uv=False), 0, 1))


def summary(correlations: FloatArray, statistic: CCAStatistic) -> float:
    """The one number."""
    if statistic == "max":
        return float(correlations[0])
    return float((correlations if statistic == "mean" else correlations**2).mean())


def chance_of(statistic: CCAStatistic, n: int, p: int, q: int) -> float:
    """The expected statistic of unrelated Gaussian features; exact for `"mean-squared"`, max(p, q)/(n − 1), and in the limit for others."""
    p, q = min(p, n - 1), min(q, n - 1)
    if statistic == "mean":
        return mean_canonical_correlation(n, p, q)
    if statistic == "mean-squared":
        return max(p, q) / (n - 1)
    return 1.0 if p + q >= n - 1 else math.sqrt(canonical_edges(n, p, q)[1])


def warn_of_ranks(measure: str, statistic: CCAStatistic, n: int, p: int, q: int) -> None:
    """Warn where the ranks leave nothing to see, or would let unrelated features score above 0."""
    if max(p, q) < n - 1:
        warn_of_chance(measure, chance_of(statistic, n, p, q), n, (p, q), _OUTS, level=6)
        return
    letter = "x" if p >= q else "y"
    warnings.warn(
        f"{letter} spans all {n - 1} directions in which {n} stimuli can differ, so that {measure} is 1 whatever the other holds. {_OUTS}",
        UserWarning,
        stacklevel=5,
    )
