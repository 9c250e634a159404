"""Shape distances: how far apart two clouds of points stay when one may be rotated onto the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from isomorph.errors import UnknownNameError
from isomorph.geometry import Gram
from isomorph.measures._coordinates import Coordinates, nuclear_norm, require_variation, without_rounding
from isomorph.measures._measure import Change, Measure, Traits

ProcrustesForm: TypeAlias = Literal["euclidean", "squared", "unit", "unit-squared", "half", "disparity"]
_FORMS: Mapping[ProcrustesForm, Callable[[float], float]] = {
    "unit": lambda gap: math.sqrt(2 * gap),
    "unit-squared": lambda gap: 2 * gap,
    "half": lambda gap: gap,
    "disparity": lambda gap: gap * (2 - gap),
}
_HIGHEST = {"euclidean": math.inf, "squared": math.inf, "unit": math.sqrt(2), "unit-squared": 2.0, "half": 1.0, "disparity": 1.0}
_SHAPE: frozenset[Change] = frozenset({"shift", "rotation", "permutation"})


@dataclass(frozen=True, kw_only=True)
class Procrustes(Measure):
    r"""Procrustes distance: what is left between two clouds of points after the best rotation.

    $$d(x, y) = \min_{Q^\top Q = I} \lVert x - y Q \rVert_F =
    \sqrt{\lVert x \rVert_F^2 + \lVert y \rVert_F^2 - 2 \lVert x^\top y \rVert_*}$$

    with centred columns; the narrower of the two is padded with zeros. Only singular values are computed, of the smaller of features
    and stimuli. Let \(\mathrm{NBS} = \lVert x^\top y \rVert_* / \lVert x \rVert_F \lVert y \rVert_F\). Other programs call other numbers by
    the same name, so they have names here:

    - `euclidean`: the distance above (netrep, similarity-repository), 0 … ∞;
    - `squared`: its square (rsatoolbox `bures_metric`), 0 … ∞;
    - `unit`: the distance after scaling both to norm 1, \(\sqrt{2 - 2\,\mathrm{NBS}}\), 0 … √2;
    - `unit-squared`: its square, \(2 - 2\,\mathrm{NBS}\) (GULP's Procrustes), 0 … 2;
    - `half`: half of that, \(1 - \mathrm{NBS}\) (anatome), 0 … 1;
    - `disparity`: \(1 - \mathrm{NBS}^2\) (scipy.spatial.procrustes, where y may be rescaled, too), 0 … 1.

    Accepts arrays, `Features` and `Gram`. Values that rounding could have made of 0 are 0.

    Attributes:
        form: Which of these.

    Raises:
        ShapeError: With a form that scales, `x` or `y` does not vary over stimuli.

    References:
        Williams et al., 2021, <https://arxiv.org/abs/2110.14739>. Schönemann, 1966, <https://doi.org/10.1007/BF02289451>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(20, 3))
        >>> rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
        >>> Procrustes()(x, x @ rotation + 5), round(Procrustes(form="unit")(x, x + x[::-1]), 3)
        (0.0, 0.952)
    """

    form: ProcrustesForm = "euclidean"

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    def __post_init__(self) -> None:
        if self.form not in get_args(ProcrustesForm):
            raise UnknownNameError("form of the Procrustes distance", self.form, get_args(ProcrustesForm))

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        scales = self.form not in ("euclidean", "squared")
        return Traits(
            bounds=(0.0, _HIGHEST[self.form]),
            higher_is_closer=False,
            metric=self.form in ("euclidean", "unit"),
            invariant_to=_SHAPE | {"scale"} if scales else _SHAPE,
            minimum_stimuli=2,
            misleads="small for unrelated features of many dimensions, which a rotation can always bring together"
            if scales
            else "grows with the scale of the features and with the number of stimuli",
        )

    def relate(self, x: Any) -> Any:
        """Centred coordinates, no more of them than stimuli."""
        return Coordinates.of(x)

    def _value(self, x: Any, y: Any) -> float:
        if self.form in ("euclidean", "squared"):
            square = _gap(x, y, x.norm**2 + y.norm**2)
            return square if self.form == "squared" else math.sqrt(square)
        return _FORMS[self.form](normalised_gap(x, y))


@dataclass(frozen=True, kw_only=True)
class AngularProcrustes(Measure):
    r"""Angular Procrustes distance: the angle between two shapes after the best rotation.

    $$d(x, y) = \arccos \frac{\lVert x^\top y \rVert_*}{\lVert x \rVert_F \lVert y \rVert_F}$$

    in radians, with centred columns. The cosine is the normalised Bures similarity (NBS). A metric. Accepts arrays, `Features`, `Gram`.

    Raises:
        ShapeError: `x` or `y` does not vary over stimuli.

    References:
        Williams et al., 2021, <https://arxiv.org/abs/2110.14739>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(20, 3))
        >>> AngularProcrustes()(x, 2 * x[:, ::-1] + 5), round(AngularProcrustes()(x, x[::-1]), 3)
        (0.0, 1.151)
    """

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        return Traits(
            bounds=(0.0, math.pi / 2),
            higher_is_closer=False,
            metric=True,
            invariant_to=_SHAPE | {"scale"},
            minimum_stimuli=2,
            misleads="small for unrelated features of many dimensions, which a rotation can always bring together",
        )

    def relate(self, x: Any) -> Any:
        """Centred coordinates, no more of them than stimuli."""
        return Coordinates.of(x)

    def _value(self, x: Any, y: Any) -> float:
        return angle(normalised_gap(x, y))


def normalised_gap(x: Coordinates, y: Coordinates, measure: str = "the Procrustes distance") -> float:
    """1 − NBS."""
    require_variation(x, y, measure)
    return min(_gap(x, y, 2 * x.norm * y.norm) / (2 * x.norm * y.norm), 1.0)


def angle(gap: float) -> float:
    """arccos(1 − gap), without the digits that 1 − gap would lose."""
    return 2 * math.asin(math.sqrt(gap / 2))


def _gap(x: Coordinates, y: Coordinates, scale: float) -> float:
    """What 2‖xᵀy‖_* leaves of `scale`, from the cross-covariance of the coordinates."""
    cross = x.points.T @ y.points
    return without_rounding(scale - 2 * nuclear_norm(cross), scale, len(x)) if cross.size else scale
