"""Representational similarity analysis: do two systems find the same pairs of stimuli alike?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import ShapeError
from isomorph.geometry import RDM, Distance, Gram
from isomorph.geometry._distance import check_distance
from isomorph.inference import Comparison, compare_rdms, weighted_similarities
from isomorph.inference._comparison import check_comparison
from isomorph.measures._measure import Change, Comparable, Measure, Traits

_INVARIANT: dict[str, frozenset[Change]] = {
    "correlation": frozenset({"scale", "permutation"}),
    "cosine": frozenset({"scale", "rotation", "permutation"}),
    "euclidean": frozenset({"shift", "scale", "rotation", "permutation"}),
    "sqeuclidean": frozenset({"shift", "scale", "rotation", "permutation"}),
}
_MISLEADS = {
    "pearson": "a few far pairs rule it; its textbook p-value is void",
    "spearman": "flatters models that predict ties",
    "rho-a": "cannot reach 1 when one of the two has ties",
    "tau-a": "cannot reach 1 when one of the two has ties",
    "cosine": "near 1 for all distances without a meaningful zero",
}


@dataclass(frozen=True, kw_only=True)
class RSA(Measure):
    r"""The similarity of two representational dissimilarity matrices (RDMs).

    $$\mathrm{RSA}(x, y) = \mathrm{comparison}\bigl((d(x_i, x_j))_{i<j},\ (d(y_i, y_j))_{i<j}\bigr)$$

    1 means that distances agree (Pearson: up to an affine map; rank comparisons: in their order); 0 that they are unrelated.

    Accepts arrays, `Features`, `Gram`, and stored `RDM`s, which are taken as they are whatever distance they hold.

    Attributes:
        distance: How features become an RDM: `"correlation"` (1 − Pearson between stimuli), `"cosine"`, `"euclidean"`, `"sqeuclidean"`.
        comparison: `"pearson"`, `"spearman"`, `"cosine"`, `"tau-a"` or `"rho-a"`, as in `isomorph.inference.compare_rdms`.

    Raises:
        ShapeError: A stimulus has no variance over features, or all stimuli are equally far apart.

    References:
        Kriegeskorte et al., 2008, <https://doi.org/10.3389/neuro.06.004.2008>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(20, 8))
        >>> round(RSA(distance="euclidean")(x, 2 * x + 1), 6)
        1.0
    """

    distance: Distance = "correlation"
    comparison: Comparison = "pearson"

    accepts: ClassVar[tuple[type, ...]] = (Gram, RDM)

    def __post_init__(self) -> None:
        check_distance(self.distance)
        check_comparison(self.comparison)

    @property
    def traits(self) -> Traits:
        """What it claims of itself; the invariances are the distance's."""
        return Traits(
            bounds=(-1.0, 1.0),
            invariant_to=_INVARIANT[self.distance],
            minimum_stimuli=3,
            misleads=_MISLEADS[self.comparison],
        )

    def relate(self, x: Comparable) -> Comparable:
        """The RDM."""
        if isinstance(x, RDM):
            return x
        return x.rdm(self.distance) if isinstance(x, Gram) else RDM.from_features(x, self.distance)

    def _value(self, x: Any, y: Any) -> float:
        return float(
            compare_rdms(x.values[None], y.values[None], comparison=self.comparison, x_name="the RDM of x", y_name="the RDM of y")[0, 0]
        )

    def replicates(self, x: Any, y: Any, weights: IntArray) -> FloatArray:
        """The comparison in each bootstrap replicate; a stimulus drawn twice is no pair with itself."""
        rows = np.stack([x.values, y.values]).astype(np.float64)
        first, second = np.array([0]), np.array([1])
        return weighted_similarities(rows, first, second, weights, comparison=self.comparison)[:, 0]

    def matrix(self, things: list[Any]) -> FloatArray:
        """All pairs at once: every RDM is ranked and standardised a single time."""
        try:
            values = np.stack([each.values for each in things])
        except ValueError as error:
            raise ShapeError(f"RSA compares pair by pair, but the things have {sorted({len(each) for each in things})} stimuli.") from error
        return compare_rdms(values, values, comparison=self.comparison, x_name="the RDM of thing", y_name="the RDM of thing")
