"""The norm of the difference between two distance matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from isomorph.errors import InputError
from isomorph.geometry import RDM, Gram
from isomorph.measures._measure import Comparable, Measure, Traits


@dataclass(frozen=True, kw_only=True)
class RSMNorm(Measure):
    r"""Norm of the difference between two matrices of Euclidean distances.

    $$\lVert D^x - D^y \rVert, \qquad D^x_{ij} = \lVert x_i - x_j \rVert$$

    0 means the same distances; the value is in the units of the features and grows with the number of stimuli.

    Accepts arrays, `Features`, `Gram`, and stored `RDM`s, which are taken as they are whatever distance they hold.

    Attributes:
        norm: `"frobenius"`: the root of the sum of squares over pairs, each counted once, as llm_repsim has it. `"spectral"`: the largest
            singular value of the whole square matrix, as ReSi has it.

    References:
        Yin and Shen, 2018, <https://arxiv.org/abs/1812.04224>.

    Example:
        >>> import numpy as np
        >>> x = np.array([[0.0], [1.0], [3.0]])
        >>> RSMNorm()(x, 2 * x).__round__(6)
        3.741657
    """

    norm: Literal["frobenius", "spectral"] = "frobenius"

    accepts: ClassVar[tuple[type, ...]] = (Gram, RDM)

    def __post_init__(self) -> None:
        if self.norm not in ("frobenius", "spectral"):
            raise InputError(f"RSMNorm knows the norms 'frobenius' and 'spectral'; got {self.norm!r}.")

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        return Traits(
            bounds=(0.0, float("inf")),
            higher_is_closer=False,
            metric=True,
            invariant_to=frozenset({"shift", "rotation", "permutation"}),
            misleads="a difference of overall scale drowns all others; grows with n",
        )

    def relate(self, x: Comparable) -> Comparable:
        """The RDM."""
        if isinstance(x, RDM):
            return x
        return x.rdm("euclidean") if isinstance(x, Gram) else RDM.from_features(x, "euclidean")

    def _value(self, x: Any, y: Any) -> float:
        gap = np.subtract(x.values, y.values, dtype=np.float64)
        if self.norm == "frobenius":
            return float(np.linalg.norm(gap))
        ends = np.linalg.eigvalsh(RDM(gap, x.ids).square())
        return float(np.abs(ends[[0, -1]]).max())
