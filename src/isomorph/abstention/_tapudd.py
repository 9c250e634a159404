"""How far features lie from the nearest cluster, over several numbers of clusters."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.abstention._method import AbstentionMethod
from isomorph.abstention._mixture import Mixture, fit_mixture
from isomorph.abstention._values import Floats, Reads, as_array, check_number, check_width
from isomorph.errors import InputError, ShapeError


@dataclass(frozen=True, kw_only=True)
class TAPUDD(AbstentionMethod):
    r"""The squared Mahalanobis distance to the nearest of k clusters, averaged over k.

    $$u = \frac1{|K|} \sum_{k \in K} \min_{j \le k} (z - \mu_{kj})^\top \Sigma_{kj}^{-1} (z - \mu_{kj})$$

    For each k a Gaussian mixture with full covariances is fitted to the training features; $\mu_{kj}$ and $\Sigma_{kj}$ are the component's
    own. No labels and no task are needed. A component with fewer items than features is nearly flat: the regularisation alone then decides
    how far everything outside it is.

    Attributes:
        components: The numbers k.
        seed: Of the k-means partitions that the mixtures start from.
        regularisation: Added to every variance, as a share of the mean variance of the features.
        iterations: Of each mixture, at most.
        tolerance: The change of the mean log-likelihood of an item at which a mixture has come to rest.

    Warns:
        UserWarning: In `fit`: a mixture did not come to rest.

    References:
        Dua et al., 2022, <https://arxiv.org/abs/2207.13083> (TAP-Mahalanobis, with the average over k).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> train = rng.normal(size=(300, 2)) + np.repeat([[0, 0], [20, 0], [0, 20]], 100, axis=0)
        >>> fitted = TAPUDD(components=(3,)).fit(train)
        >>> (fitted.score([[20, 0], [10, 10]]) > 9).tolist()
        [False, True]
    """

    components: tuple[int, ...] = tuple(range(1, 11))
    seed: int = 0
    regularisation: float = 1e-6
    iterations: int = 100
    tolerance: float = 1e-3

    reads: ClassVar[Reads] = "features"
    learns: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.components or any(isinstance(each, bool) or not isinstance(each, int) or each < 1 for each in self.components):
            raise InputError(f"TAPUDD's components are whole numbers from 1; got {self.components!r}.")
        check_number(self, "regularisation", least=0)
        check_number(self, "iterations", least=1)
        check_number(self, "tolerance", above=0)

    def fit(self, features: Any, labels: Any = None) -> FittedTAPUDD:
        """Fit the mixtures.

        Args:
            features: `[item, feature]`, `Features` or an array.
            labels: Not needed.

        Raises:
            ShapeError: There are fewer items than components.
            NonFiniteError: A feature is NaN or infinite.
            InputError: The items are all equal, or a covariance is singular.
        """
        x = as_array(features, what="features")
        if len(x) < max(self.components):
            raise ShapeError(
                f"TAPUDD with {max(self.components)} components needs at least as many training items; there are {len(x)}. Choose "
                f"components=tuple(range(1, {max(2, len(x) // 2)}))."
            )
        centre = x.mean(axis=0, dtype=np.float64)
        x = x - centre.astype(x.dtype)
        variance = float(np.einsum("ij,ij->", x, x, dtype=np.float64)) / x.size
        if variance == 0:
            raise InputError(f"all {len(x)} training items are equal; there are no clusters.")
        floor = self.regularisation * variance
        mixtures = tuple(
            fit_mixture(x, k, seed=self.seed, floor=floor, iterations=self.iterations, tolerance=self.tolerance) for k in self.components
        )
        restless = [k for k, each in zip(self.components, mixtures, strict=True) if not each.converged]
        if restless:
            warnings.warn(
                f"TAPUDD's mixtures of {', '.join(map(str, restless))} components had not come to rest after {self.iterations} iterations. "
                "Raise iterations or tolerance.",
                UserWarning,
                stacklevel=2,
            )
        return FittedTAPUDD(method=self, mixtures=mixtures, centre=centre)


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedTAPUDD:
    """What `TAPUDD.fit` returns.

    Attributes:
        method: How it was fitted.
        mixtures: One for each of the method's `components`, of features from which `centre` was taken away.
        centre: `[feature]`, the training items' mean.
    """

    method: TAPUDD
    mixtures: tuple[Mixture, ...]
    centre: Floats

    def distances(self, features: Any) -> Floats:
        """`[item, k]`, the squared distance to the nearest component of each mixture.

        Raises:
            ShapeError: Items have another number of features than those it was fitted to.
            NonFiniteError: A feature is NaN or infinite.
        """
        x = as_array(features, what="features")
        check_width(x, len(self.centre), owner="TAPUDD", what="features")
        x = x - self.centre.astype(x.dtype)
        return np.stack([each.squared_distances(x).min(axis=1) for each in self.mixtures], axis=1)

    def score(self, values: Any, /) -> Floats:
        """`[item]`, the mean of `distances` over k; higher means abstain."""
        return np.asarray(self.distances(values).mean(axis=1))
