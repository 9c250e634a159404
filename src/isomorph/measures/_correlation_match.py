"""Do single units have counterparts? Correlations of matched units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from isomorph.measures._measure import Measure, Traits
from isomorph.measures._units import centred_units, unit_correlations


@dataclass(frozen=True, kw_only=True)
class HardCorrelationMatch(Measure):
    r"""The mean correlation of units that are matched one to one.

    $$s(x, y) = \frac{1}{\min(p, q)} \max_{\pi} \sum_i r\bigl(x_i, y_{\pi(i)}\bigr)$$

    with r Pearson's correlation over stimuli and π a one-to-one matching (found by the Hungarian method). Of different widths, the units
    of the wider that find no partner don't count.

    Raises:
        ShapeError: A feature is constant.

    References:
        Li et al., 2015, <https://arxiv.org/abs/1511.07543>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(50, 6))
        >>> round(HardCorrelationMatch()(x, 3 * x[:, [4, 0, 2]] + 1), 6)
        1.0
    """

    draws: ClassVar[int] = 200

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        return _traits("chance grows with the number of units to choose from; units of the wider without partner don't count")

    def relate(self, x: Any) -> Any:
        """Centred columns."""
        return centred_units(x)

    def _value(self, x: Any, y: Any) -> float:
        from scipy.optimize import linear_sum_assignment

        correlations = unit_correlations(x, y)
        rows, columns = linear_sum_assignment(correlations, maximize=True)
        return float(correlations[rows, columns].mean())


@dataclass(frozen=True, kw_only=True)
class SoftCorrelationMatch(Measure):
    r"""The mean correlation of every unit with the best of the other side, in both directions.

    $$s(x, y) = \frac12 \Bigl( \frac1p \sum_i \max_j r(x_i, y_j) + \frac1q \sum_j \max_i r(x_i, y_j) \Bigr)$$

    Several units may have the same best. Not to be confused with `SoftMatch`, which shares units out.

    Raises:
        ShapeError: A feature is constant.

    References:
        Li et al., 2015, <https://arxiv.org/abs/1511.07543>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(50, 6))
        >>> round(SoftCorrelationMatch()(x, x[:, [0, 0, 1, 2, 3, 4, 5]]), 6)
        1.0
    """

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        return _traits("never low: the best of many correlations is high by chance, the higher the more units and the fewer stimuli")

    def relate(self, x: Any) -> Any:
        """Centred columns."""
        return centred_units(x)

    def _value(self, x: Any, y: Any) -> float:
        correlations = unit_correlations(x, y)
        return float((correlations.max(axis=1).mean() + correlations.max(axis=0).mean()) / 2)


def _traits(misleads: str) -> Traits:
    return Traits(bounds=(-1.0, 1.0), invariant_to=frozenset({"shift", "scale", "permutation"}), minimum_stimuli=3, misleads=misleads)
