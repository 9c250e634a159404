"""The normalised Bures similarity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from isomorph.geometry import Gram
from isomorph.measures._coordinates import Coordinates
from isomorph.measures._measure import Comparable, Measure, Traits
from isomorph.measures._procrustes import normalised_gap


@dataclass(frozen=True, kw_only=True)
class NBS(Measure):
    r"""The normalised Bures similarity: how much of two shapes overlaps after the best rotation.

    $$\mathrm{NBS}(x, y) = \frac{\lVert x^\top y \rVert_*}{\lVert x \rVert_F \, \lVert y \rVert_F}$$

    with centred columns; the upper norm is the sum of the singular values, which by Gram matrices is the trace of
    \((K^{1/2} L K^{1/2})^{1/2}\). 1: the same up to a rotation and one overall scale; 0: nothing in either goes along with the other. It
    is the cosine of the angular Procrustes distance. Unlike CKA it does not square variances, so that small directions count, and so
    does noise: unrelated features of width p score about \(0.85 \sqrt{p / n}\) while p is far below n, and near 1 above it.

    Accepts arrays, `Features` and `Gram`.

    Raises:
        ShapeError: `x` or `y` does not vary over stimuli.

    References:
        Tang et al., 2020, <https://arxiv.org/abs/2003.11498>. Harvey et al., 2023, <https://arxiv.org/abs/2311.11436>.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.normal(size=(50, 4)), rng.normal(size=(50, 4))
        >>> round(NBS()(x, 2 * x + 1), 6), bool(NBS()(x, y) < 0.4)
        (1.0, True)
    """

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        return Traits(
            bounds=(0.0, 1.0),
            invariant_to=frozenset({"shift", "scale", "rotation", "permutation"}),
            minimum_stimuli=3,
            misleads="far above 0 for unrelated features unless stimuli are many times the features",
        )

    def relate(self, x: Comparable) -> Any:
        """Centred coordinates, no more of them than stimuli."""
        return Coordinates.of(x)

    def _value(self, x: Any, y: Any) -> float:
        return 1 - normalised_gap(x, y, "NBS")
