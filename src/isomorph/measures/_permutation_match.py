"""Alignment of single units, one to one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from isomorph.errors import UnknownNameError
from isomorph.measures._coordinates import without_rounding
from isomorph.measures._measure import Measure, Traits
from isomorph.measures._procrustes import angle
from isomorph.measures._units import centred_units, require_units

PermutationForm: TypeAlias = Literal["cosine", "angular", "euclidean"]


@dataclass(frozen=True, kw_only=True)
class PermutationMatch(Measure):
    r"""The cosine between two sets of features after the best one-to-one matching of their units.

    $$s(x, y) = \max_{P} \frac{\mathrm{tr}(P\, x^\top y)}{\lVert x \rVert_F \lVert y \rVert_F}$$

    over permutation matrices P, with centred columns. Found exactly, by the Hungarian method in O(p³). Of different widths the narrower
    is padded with zeros, so that units of the wider stay alone and lower the value.

    Attributes:
        form: `"cosine"`: as above. `"angular"`: its arccos in radians. `"euclidean"`:
            \(\min_P \lVert x - y P^\top \rVert_F\). The latter two are metrics among systems of one width, and are netrep's.

    Raises:
        ShapeError: `x` or `y` does not vary over stimuli.

    References:
        Williams et al., 2021, <https://arxiv.org/abs/2110.14739>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(20, 5))
        >>> round(PermutationMatch()(x, x[:, ::-1]), 6)
        1.0
        >>> mixed = x @ (np.eye(5) - 0.4)  # a reflection: orthogonal, but no permutation
        >>> PermutationMatch()(x, mixed) < 0.9
        True
    """

    draws: ClassVar[int] = 200

    form: PermutationForm = "cosine"

    def __post_init__(self) -> None:
        if self.form not in get_args(PermutationForm):
            raise UnknownNameError("form of the permutation match", self.form, get_args(PermutationForm))

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        distance, scaled = self.form != "cosine", self.form != "euclidean"
        return Traits(
            bounds={"cosine": (-1.0, 1.0), "angular": (0.0, math.pi), "euclidean": (0.0, math.inf)}[self.form],
            higher_is_closer=not distance,
            metric=distance,
            invariant_to=frozenset({"shift", "permutation", "scale"} if scaled else {"shift", "permutation"}),
            minimum_stimuli=2,
            misleads="low where the same information is spread over units in another way; ruled by the units of largest variance",
        )

    def relate(self, x: Any) -> Any:
        """Centred columns."""
        return centred_units(x)

    def _value(self, x: Any, y: Any) -> float:
        from scipy.optimize import linear_sum_assignment

        x, y = centred_units(x), centred_units(y)
        squares = float((x * x).sum()), float((y * y).sum())
        if self.form != "euclidean":
            require_units(squares, "the match")
        cross = x.T @ y
        rows, columns = linear_sum_assignment(cross, maximize=True)
        best = float(cross[rows, columns].sum())
        if self.form == "euclidean":
            return math.sqrt(without_rounding(sum(squares) - 2 * best, sum(squares), len(x)))
        lengths = math.sqrt(squares[0] * squares[1])
        gap = min(without_rounding(lengths - best, lengths, len(x)) / lengths, 2.0)
        return 1 - gap if self.form == "cosine" else angle(gap)
