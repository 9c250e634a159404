"""The Hilbert–Schmidt independence criterion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError
from isomorph.measures._cka import narrow_or_gram
from isomorph.measures._kernel import ESTIMATORS, Estimator, Kernel, linear_kernel
from isomorph.measures._kernel_measure import KernelMeasure
from isomorph.measures._measure import Comparable, Traits


@dataclass(frozen=True, kw_only=True)
class HSIC(KernelMeasure):
    r"""The Hilbert–Schmidt independence criterion with linear kernels: the squared covariance of all features of x with all of y.

    $$\mathrm{HSIC}(x, y) = \lVert \mathrm{cov}(x, y) \rVert_F^2 = \tfrac{1}{(n - 1)^2} \operatorname{tr}(K H L H)$$

    with \(K = x x^\top\), \(L = y y^\top\), and \(H\) centring. 0 where no feature of x goes along with any of y; it has no upper end and
    grows with the square of either's scale, so that it ranks nothing until it is divided: that is `CKA`.

    Accepts arrays, `Features` and `Gram`.

    Attributes:
        estimator: `"song"`: without bias (Song et al., 2012, equation 5), hence sometimes below 0; at least four stimuli. `"biased"`:
            the formula above (Gretton et al., 2005), too high by about tr(cov x) tr(cov y) / n. `"lange"`: centred, then without the
            products of each stimulus with itself, over n(n − 3) (Lange et al., 2022).

    Raises:
        InputError: The estimator is unknown.

    References:
        Gretton et al., 2005, <https://doi.org/10.1007/11564089_7>. Song et al., 2012, <https://jmlr.org/papers/v13/song12a.html>.
        Lange et al., 2022, <https://arxiv.org/abs/2206.10999>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(40, 3))
        >>> covariance = (x - x.mean(axis=0)).T @ (x - x.mean(axis=0)) / 39
        >>> bool(np.isclose(HSIC(estimator="biased")(x, x), np.square(covariance).sum()))
        True
    """

    estimator: Estimator = "song"

    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.estimator not in ESTIMATORS:
            raise InputError(f"HSIC knows the estimators {', '.join(map(repr, ESTIMATORS))}; got {self.estimator!r}.")

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        return Traits(
            bounds=(0.0 if self.estimator == "biased" else -np.inf, np.inf),
            invariant_to=frozenset({"shift", "rotation", "permutation"}),
            minimum_stimuli=3 if self.estimator == "biased" else 4,
            misleads="grows with the scale of the features, so that values of different models cannot be compared",
        )

    @property
    def hsic_estimator(self) -> Estimator:
        """Which HSIC."""
        return self.estimator

    def relate(self, x: Comparable) -> Comparable:
        """The Gram matrix, where it is smaller than the features."""
        return narrow_or_gram(x)

    def _kernel(self, x: Any, letter: str) -> Kernel:
        return linear_kernel(x)

    def _check(self, own: FloatArray, letters: list[str]) -> None:
        """Nothing is divided: what does not vary has the HSIC 0."""

    def _finish(self, xy: FloatArray, xx: FloatArray, yy: FloatArray) -> FloatArray:
        return np.asarray(xy)
