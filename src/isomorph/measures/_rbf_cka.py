"""Centred kernel alignment with a Gaussian kernel."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError, ShapeError
from isomorph.geometry import RDM, Gram
from isomorph.measures._cka import ratio
from isomorph.measures._hsic import Kernel, centred_kernel, weighted_hsic
from isomorph.measures._measure import Change, Comparable, Measure, Traits


@dataclass(frozen=True, kw_only=True)
class RBFCKA(Measure):
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
        debiased: Use the U-statistic of Song et al. (2012), as in `CKA`.

    Raises:
        InputError: `sigma` is not above 0.
        ShapeError: `x` or `y` does not vary over stimuli, or so little or much relative to σ that the kernel is constant.

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
    sigma_unit: Literal["median", "absolute", "root-median"] = "median"
    debiased: bool = True

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    def __post_init__(self) -> None:
        if not self.sigma > 0:
            raise InputError(f"RBFCKA needs a sigma above 0; got {self.sigma}.")
        if self.sigma_unit not in ("median", "absolute", "root-median"):
            raise InputError(f"RBFCKA measures sigma in 'median', 'absolute' or 'root-median'; got {self.sigma_unit!r}.")

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

    def relate(self, x: Comparable) -> Comparable:
        """The Gram matrix: distances follow from it."""
        return x if isinstance(x, Gram) else Gram.from_features(x)

    def _value(self, x: Any, y: Any) -> float:
        if not self.debiased:
            warnings.warn(
                "biased RBF CKA of unrelated features is well above 0 with few stimuli. Use debiased=True.", UserWarning, stacklevel=4
            )
        ones = np.ones((1, len(x)), dtype=np.int64)
        sums = weighted_hsic(self._kernel(x, "x"), self._kernel(y, "y"), ones, debiased=self.debiased)
        return float(ratio(*sums, debiased=self.debiased)[0])

    def replicates(self, x: Any, y: Any, weights: IntArray) -> FloatArray:
        """The value in each bootstrap replicate, with the σ of the whole sample; a stimulus never meets its own copy."""
        sums = weighted_hsic(self._kernel(x, "x"), self._kernel(y, "y"), weights, debiased=self.debiased)
        return ratio(*sums, debiased=self.debiased, strict=False)

    def _kernel(self, x: Gram, letter: str) -> Kernel:
        squares = np.diagonal(x.centred)
        width = 2 * self._sigma(x, letter) ** 2
        # Centred kernels are the same with 1 taken away everywhere, and a wide Gaussian keeps its digits only so.
        gaussian = np.expm1 if width > 4 * squares.max() else np.exp

        def rows(part: slice) -> FloatArray:
            distances = squares[part, None] + squares - 2 * x.centred[part]
            return np.asarray(gaussian(np.maximum(distances, 0) / -width))

        return centred_kernel(Kernel(len(x), rows), diagonal=not self.debiased)

    def _sigma(self, x: Gram, letter: str) -> float:
        if self.sigma_unit == "absolute":
            return self.sigma
        distances: RDM = x.rdm("sqeuclidean")
        if self.sigma_unit == "median":
            unit = float(np.median(np.sqrt(distances.values)))
        else:
            apart = distances.values[distances.values > 0]
            unit = float(np.sqrt(np.median(apart))) if len(apart) else 0.0
        if not unit > 0:
            raise ShapeError(
                f"the median distance between the stimuli of {letter} is 0, so that sigma has no unit. Use sigma_unit='absolute'."
            )
        return self.sigma * unit
