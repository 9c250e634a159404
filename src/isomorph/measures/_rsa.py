"""Representational similarity analysis: do two systems find the same pairs of stimuli alike?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError, ShapeError, UnknownNameError
from isomorph.features import Features
from isomorph.geometry import RDM, SHRINKAGES, Distance, Gram, noise_precision, repeat_residuals
from isomorph.geometry._distance import check_distance, check_sigma_unit
from isomorph.inference import Comparison, compare_rdms, weighted_similarities
from isomorph.inference._comparison import check_comparison
from isomorph.measures._measure import Change, Comparable, Measure, Traits

_EUCLIDEAN: frozenset[Change] = frozenset({"shift", "scale", "rotation", "permutation"})
_INVARIANT: dict[str, frozenset[Change]] = {
    "correlation": frozenset({"scale", "permutation"}),
    "cosine": frozenset({"scale", "rotation", "permutation"}),
    "poisson": frozenset({"permutation"}),
}
_MISLEADS = {
    "pearson": "a few far pairs rule it; its textbook p-value is void",
    "spearman": "flatters models that predict ties",
    "rho-a": "cannot reach 1 when one of the two has ties",
    "tau-a": "cannot reach 1 when one of the two has ties",
    "tau-b": "flatters models that predict ties, as spearman does",
    "cosine": "near 1 for all distances without a meaningful zero",
    "corr_cov": "supposes squared distances whose noise is alike for all stimuli",
    "cosine_cov": "of squared Euclidean distances it is biased CKA: wide features look alike",
    "neg_riem_dist": "not symmetric; infinite unless y spans n − 1 dimensions; ruled by the smallest eigenvalues, where the noise is",
    "bures": "grows with the number of features, as all similarities of positive matrices do",
}
_BOUNDS = {"neg_riem_dist": (-float("inf"), 0.0), "bures": (0.0, 1.0)}
_WITH_NOISE = ("mahalanobis", "crossnobis")


@dataclass(frozen=True, kw_only=True)
class RSA(Measure):
    r"""The similarity of two representational dissimilarity matrices (RDMs).

    $$\mathrm{RSA}(x, y) = \mathrm{comparison}\bigl((d(x_i, x_j))_{i<j},\ (d(y_i, y_j))_{i<j}\bigr)$$

    1 means that distances agree (Pearson: up to an affine map; rank comparisons: in their order); 0 that they are unrelated. The negative
    Riemannian distance is 0 at best and has no lower bound.

    Accepts arrays `[stimulus, feature]` and `[stimulus, repeat, feature]`, `Features`, `Gram`, and stored `RDM`s, which are taken as they
    are whatever distance they hold. Repeats are averaged, but for `"crossnobis"`, which cross-validates between them. What has no repeats
    (a model) is taken as free of noise: its Mahalanobis and crossnobis distances are squared Euclidean ones.

    Attributes:
        distance: How features become an RDM: `"correlation"` (1 − Pearson between stimuli), `"cosine"`, `"euclidean"`, `"sqeuclidean"`,
            `"gaussian"`, `"mahalanobis"`, `"crossnobis"` or `"poisson"`, as in `RDM.from_features`.
        comparison: One of `isomorph.inference.COMPARISONS`, as in `compare_rdms`.
        sigma: The width of the Gaussian distance.
        sigma_unit: `"median"` (times the median distance) or `"absolute"` (then the scale of the features matters).
        noise: How Mahalanobis and crossnobis distances estimate the noise between features from the repeats: `"none"` (they do not),
            or a shrinkage of `noise_precision`: `"diagonal"`, `"identity"`, `"full"`, `"variances"`.

    Raises:
        ShapeError: A stimulus has no variance over features, or all stimuli are equally far apart; or there are no repeats to estimate
            noise from; or a Riemannian distance is infinite.

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
    sigma: float = 1.0
    sigma_unit: Literal["median", "absolute"] = "median"
    noise: Literal["none", "diagonal", "identity", "full", "variances"] = "none"

    accepts: ClassVar[tuple[type, ...]] = (Gram, RDM)
    axes: ClassVar[tuple[int, ...]] = (2, 3)

    def __post_init__(self) -> None:
        check_distance(self.distance)
        check_comparison(self.comparison)
        check_sigma_unit(self.sigma, self.sigma_unit)
        if self.noise not in ("none", *SHRINKAGES):
            raise UnknownNameError("estimate of noise", self.noise, ("none", *SHRINKAGES))
        if self.noise != "none" and self.distance not in _WITH_NOISE:
            raise InputError(f"noise={self.noise!r} belongs to the distances 'mahalanobis' and 'crossnobis'; this is {self.distance!r}.")

    @property
    def traits(self) -> Traits:
        """What it claims of itself; the invariances are the distance's."""
        absolute = self.distance == "gaussian" and self.sigma_unit == "absolute"
        return Traits(
            bounds=_BOUNDS.get(self.comparison, (-1.0, 1.0)),
            symmetric=self.comparison != "neg_riem_dist",
            invariant_to=_EUCLIDEAN - {"scale"} if absolute else _INVARIANT.get(self.distance, _EUCLIDEAN),
            minimum_stimuli=3,
            misleads=_MISLEADS[self.comparison],
        )

    def relate(self, x: Comparable) -> Comparable:
        """The RDM."""
        if isinstance(x, RDM):
            return x
        options: dict[str, Any] = {"sigma": self.sigma, "sigma_unit": self.sigma_unit}
        repeats = not isinstance(x, Features | Gram) and np.ndim(x) == 3
        distance = self.distance if repeats or self.distance not in _WITH_NOISE else "sqeuclidean"
        if isinstance(x, Gram):
            return x.rdm(distance, **options)
        if repeats and self.noise != "none":
            residuals, degrees = repeat_residuals(x)
            options["precision"] = noise_precision(residuals, shrinkage=self.noise, degrees=degrees)
        return RDM.from_features(x, distance, **options)

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
