"""How far two systems span the same space over stimuli."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.geometry import Gram
from isomorph.measures._coordinates import Coordinates, require_variation, warn_of_chance
from isomorph.measures._measure import Change, Measure, Traits


@dataclass(frozen=True, kw_only=True)
class EigenspaceOverlap(Measure):
    r"""Eigenspace overlap score: the shared part of the spaces that the features span.

    $$s(x, y) = \frac{\lVert U_x^\top U_y \rVert_F^2}{\max(r_x, r_y)}$$

    with U the left singular vectors and r the ranks. Without centring, as published, the mean stimulus is one of the directions.
    Accepts arrays, `Features` and `Gram`; the tolerance of the rank is that of `CCA`.

    Attributes:
        centre: Take the mean stimulus away first; then it is mean squared CCA times min(r)/max(r).

    Raises:
        ShapeError: `x` or `y` is 0 (with `centre`: does not vary over stimuli).

    Warns:
        UserWarning: Where unrelated features of these ranks would score more than 0.05.

    References:
        May et al., 2019, <https://arxiv.org/abs/1909.01264>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(1000, 4))
        >>> round(EigenspaceOverlap()(x, x @ np.diag([1, 5, 2, 3])), 6), round(EigenspaceOverlap()(x, x[:, :2]), 6)
        (1.0, 0.5)
    """

    centre: bool = False

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        invariant: frozenset[Change] = frozenset({"scale", "rotation", "linear", "permutation"})
        return Traits(
            bounds=(0.0, 1.0),
            invariant_to=invariant | {"shift"} if self.centre else invariant,
            minimum_stimuli=3,
            misleads="counts every direction the same however little it varies; near 1 for features as many as stimuli",
        )

    def chance(self, n: int, p: int, q: int) -> float | None:
        """The value expected of unrelated Gaussian features (without centring: of mean 0)."""
        free = n - 1 if self.centre else n
        return min(p, q, free) / free

    def relate(self, x: Any) -> Any:
        """Coordinates; their orthonormal basis is computed once."""
        return Coordinates.of(x, centre=self.centre)

    def _value(self, x: Any, y: Any) -> float:
        require_variation(x, y, "the overlap")
        if x.whole and y.whole:
            way_out = "Use more stimuli, or a measure that weighs directions by their variance (cka, angular-procrustes)."
            expected = self.chance(len(x), x.rank, y.rank)
            warn_of_chance("the overlap", expected, len(x), (x.rank, y.rank), way_out)
        overlap = float(np.square(x.basis.T @ y.basis).sum()) / max(x.rank, y.rank)
        return float(min(overlap, 1.0))
