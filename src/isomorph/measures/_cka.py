"""Centred kernel alignment with a linear kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from isomorph.arrays import FloatArray
from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.measures._kernel import Estimator, Kernel, linear_kernel
from isomorph.measures._kernel_measure import KernelMeasure, ratio, settle_estimator, unrelated
from isomorph.measures._measure import Comparable, Traits


@dataclass(frozen=True, kw_only=True)
class CKA(KernelMeasure):
    r"""Linear centred kernel alignment: the cosine between two Gram matrices.

    $$\mathrm{CKA}(x, y) = \frac{\lVert x^\top y \rVert_F^2}{\lVert x^\top x \rVert_F \, \lVert y^\top y \rVert_F}$$

    with the columns of both matrices centred. 1 means the same geometry up to a rotation and one overall scale; 0 means unrelated.
    The plain estimate grows with the number of features: unrelated matrices of widths p and q score about
    \(\sqrt{pq / ((n + p)(n + q))}\). Leave `debiased` on unless you are reproducing a number from a paper. Both estimates are ruled
    by the few directions of largest variance.

    Accepts arrays, `Features` and `Gram`. Sums are formed in float64, over features where both are narrower than the number of
    stimuli, else over stimuli.

    Attributes:
        estimator: Which HSIC the three terms are. `"song"`: the U-statistic of Song et al. (2012); it needs at least four stimuli and
            may fall slightly below zero. `"biased"`: the formula above. `"lange"`: that without the products of each stimulus with
            itself, left out after centring (Lange et al., 2022): the bias falls with n², not n, and is gone only where that is far
            above the number of features.
        debiased: False is short for `estimator="biased"`; afterwards it says whether the estimator is one of the others.

    Raises:
        ShapeError: `x` or `y` does not vary over stimuli, so that CKA is 0/0 (with Song's estimator, that is so where all stimuli are
            equally far apart, too); or there are too few stimuli.
        InputError: The estimator is unknown, or `debiased` contradicts it.

    Warns:
        UserWarning: With the biased estimator or Lange's, where unrelated matrices of these shapes would score more than 0.05.

    References:
        Kornblith et al., 2019, <https://arxiv.org/abs/1905.00414>. Song et al., 2012, <https://jmlr.org/papers/v13/song12a.html>.
        Lange et al., 2022, <https://arxiv.org/abs/2206.10999>.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x, noise = rng.normal(size=(50, 8)), rng.normal(size=(50, 400))
        >>> rotation = np.linalg.qr(rng.normal(size=(8, 8)))[0]
        >>> round(CKA()(x, 3 * x @ rotation + 1), 6)
        1.0
        >>> round(CKA()(x, noise), 1)
        0.0
    """

    estimator: Estimator = "song"
    debiased: bool | None = None

    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle_estimator(self)

    @property
    def traits(self) -> Traits:
        """What CKA claims of itself."""
        return Traits(
            bounds=(-1.0, 1.0) if self.debiased else (0.0, 1.0),
            invariant_to=frozenset({"shift", "scale", "rotation", "permutation"}),
            minimum_stimuli=4 if self.debiased else 3,
            misleads="ruled by the few directions of largest variance" if self.debiased else "near 1 for anything wider than n",
        )

    @property
    def hsic_estimator(self) -> Estimator:
        """Which HSIC."""
        return self.estimator

    def chance(self, n: int, p: int, q: int) -> float | None:
        r"""\(\sqrt{pq / ((n + p)(n + q))}\) for the biased estimator, the same with (n − 1)² for n for Lange's; Song's expects about 0."""
        return unrelated(n, p, q, self.estimator)

    def relate(self, x: Comparable) -> Comparable:
        """The Gram matrix, where it is smaller than the features."""
        return narrow_or_gram(x)

    def _kernel(self, x: Any, letter: str) -> Kernel:
        return linear_kernel(x)

    def _finish(self, xy: FloatArray, xx: FloatArray, yy: FloatArray) -> FloatArray:
        return ratio(xy, xx, yy, lowest=self.traits.bounds[0])


def narrow_or_gram(x: Comparable) -> Comparable:
    """Features that are fewer than the stimuli as they are, others as their Gram matrix."""
    if isinstance(x, Gram | RDM):
        return x
    width = x.width if isinstance(x, Features) else x.shape[1]
    return Gram.from_features(x) if width >= len(x) else x
