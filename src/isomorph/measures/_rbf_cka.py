"""Centred kernel alignment with a Gaussian kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.geometry import Gram
from isomorph.measures._kernel import Estimator, Kernel
from isomorph.measures._kernel_gaussian import SigmaUnit, check_sigma, gaussian_kernel
from isomorph.measures._kernel_measure import KernelMeasure, ratio, settle_estimator, unrelated
from isomorph.measures._measure import Change, Comparable, Traits


@dataclass(frozen=True, kw_only=True)
class RBFCKA(KernelMeasure):
    r"""Centred kernel alignment with a Gaussian kernel: how alike two geometries are at close range.

    $$K_{ij} = \exp\!\left(-\frac{\lVert x_i - x_j \rVert^2}{2 \sigma^2}\right)$$

    and then as `CKA`. 1 means the same geometry; 0 unrelated. A small σ looks at nearest neighbours only, σ → ∞ tends to linear CKA.
    Papers and programs disagree about the unit of σ, so that it is an option here.

    Accepts arrays, `Features` and `Gram`.

    Attributes:
        sigma: The kernel's width, in `sigma_unit`.
        sigma_unit: `"median"`: times the median distance between different stimuli. `"root-median"`: times the root of the median
            squared distance that is not zero; differs from the former where stimuli coincide and in how an even count is split.
            `"absolute"`: in the units of the features; the value then depends on their scale.
        estimator: `"song"`, `"biased"` or `"lange"`, as in `CKA`.
        debiased: False is short for `estimator="biased"`, as in `CKA`.

    Raises:
        InputError: `sigma` is not above 0; the estimator is unknown, or `debiased` contradicts it.
        ShapeError: `x` or `y` does not vary over stimuli, or so little or much relative to σ that the kernel is constant.

    Warns:
        UserWarning: With the biased estimator or Lange's, where unrelated features of these shapes would score more than 0.05; without
            a number where σ is absolute, because it then depends on the features.

    References:
        Kornblith et al., 2019, <https://arxiv.org/abs/1905.00414>.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(50, 8))
        >>> round(RBFCKA()(x, 3 * x + 1), 6)
        1.0
    """

    sigma: float = 0.5
    sigma_unit: SigmaUnit = "median"
    estimator: Estimator = "song"
    debiased: bool | None = None

    def __post_init__(self) -> None:
        check_sigma(self.sigma, self.sigma_unit, measure="RBFCKA")
        settle_estimator(self)

    @property
    def traits(self) -> Traits:
        """What it claims of itself; an absolute σ gives up the invariance to scale."""
        changes: set[Change] = {"shift", "rotation", "permutation"}
        if self.sigma_unit != "absolute":
            changes.add("scale")
        return Traits(
            bounds=(-1.0, 1.0) if self.debiased else (0.0, 1.0),
            invariant_to=frozenset(changes),
            minimum_stimuli=4 if self.debiased else 3,
            misleads="a sigma far below the usual distance makes all stimuli strangers, and the value noise"
            if self.debiased
            else "near 1 for unrelated features when sigma is small or n is",
        )

    @property
    def hsic_estimator(self) -> Estimator:
        """Which HSIC."""
        return self.estimator

    def chance(self, n: int, p: int, q: int) -> float | None:
        r"""That of linear CKA with widths \(p (2\sigma^2 (e^{1 / 2\sigma^2} - 1))^2\), for σ in medians.

        It holds for wide features, whose distances hardly differ; for a few features it is a little high.
        """
        if self.sigma_unit == "absolute":
            return None
        double = 2 * self.sigma**2
        stretch = float(np.minimum(double * np.expm1(np.minimum(1 / double, 300.0)), 1e100)) ** 2
        return unrelated(n, p * stretch, q * stretch, self.estimator)

    def relate(self, x: Comparable) -> Comparable:
        """The Gram matrix: distances follow from it."""
        return x if isinstance(x, Gram) else Gram.from_features(x)

    def _kernel(self, x: Any, letter: str) -> Kernel:
        return gaussian_kernel(x, self.sigma, self.sigma_unit, letter=letter)

    def _finish(self, xy: FloatArray, xx: FloatArray, yy: FloatArray) -> FloatArray:
        return ratio(xy, xx, yy, lowest=self.traits.bounds[0])

    def _bias(self, n: int, p: int | None, q: int | None) -> str | None:
        if self.debiased or self.sigma_unit != "absolute":
            return super()._bias(n, p, q)
        return "biased RBF CKA of unrelated features is well above 0 with few stimuli. Use debiased=True."

    @property
    def _word(self) -> str:
        return "RBF CKA"
