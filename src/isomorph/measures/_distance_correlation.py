"""Distance correlation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError
from isomorph.geometry import RDM, Gram
from isomorph.measures._kernel import Estimator, Kernel
from isomorph.measures._kernel_measure import KernelMeasure, ratio, unrelated
from isomorph.measures._measure import Comparable, Traits

_ROUNDING = 16 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, kw_only=True)
class DistanceCorrelation(KernelMeasure):
    r"""Distance correlation: how far distances in x and distances in y, margins taken out, go together.

    $$\mathrm{dCor}^2(x, y) = \frac{\langle A, B \rangle}{\lVert A \rVert \, \lVert B \rVert}$$

    with A and B the matrices of Euclidean distances, centred over rows and columns. In the limit of many stimuli it is 0 only where x
    and y are independent in every way, not just uncorrelated; 1 where they are the same up to a rotation and one overall scale.

    Accepts arrays, `Features`, `Gram`, and stored `RDM`s, whose distances are taken as they are.

    Attributes:
        estimator: `"bias-corrected"`: A and B U-centred and without their diagonals; it estimates the **square**, is about 0 for
            unrelated things and may fall below; at least four stimuli. `"biased"`: the classic **root** of the formula above with
            double-centred matrices, between 0 and 1 and far above 0 for unrelated things unless stimuli are many times the features.

    Raises:
        ShapeError: `x` or `y` does not vary over stimuli, or (bias-corrected) holds all of them equally far apart.
        InputError: The estimator is unknown.

    Warns:
        UserWarning: With the biased estimator, where unrelated features of these shapes would score more than 0.05.

    References:
        Székely et al., 2007, <https://doi.org/10.1214/009053607000000505>. Székely & Rizzo, 2013,
        <https://doi.org/10.1016/j.jmva.2013.02.012>.

    Example:
        >>> import numpy as np
        >>> x = np.linspace(-1, 1, 101)[:, None]
        >>> bool(abs(np.corrcoef(x[:, 0], x[:, 0] ** 2)[0, 1]) < 1e-9), round(DistanceCorrelation()(x, x**2), 2)
        (True, 0.22)
    """

    estimator: Literal["bias-corrected", "biased"] = "bias-corrected"

    accepts: ClassVar[tuple[type, ...]] = (Gram, RDM)

    def __post_init__(self) -> None:
        if self.estimator not in ("bias-corrected", "biased"):
            raise InputError(f"DistanceCorrelation knows the estimators 'bias-corrected', 'biased'; got {self.estimator!r}.")

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        biased = self.estimator == "biased"
        return Traits(
            bounds=(0.0 if biased else -1.0, 1.0),
            invariant_to=frozenset({"shift", "scale", "rotation", "permutation"}),
            minimum_stimuli=3 if biased else 4,
            misleads="near 1 for anything wider than n" if biased else "an estimate of the square: not to be set beside the biased root",
        )

    @property
    def hsic_estimator(self) -> Estimator:
        """The same sums as HSIC's, with distances for a kernel (Sejdinovic et al., 2013)."""
        return "biased" if self.estimator == "biased" else "song"

    def chance(self, n: int, p: int, q: int) -> float | None:
        r"""For the biased estimator about \(\sqrt[4]{16 pq / ((n + 4p)(n + 4q))}\), from wide Gaussian features."""
        return float(np.sqrt(unrelated(n, 4 * p, 4 * q) or 0.0)) if self.estimator == "biased" else None

    def relate(self, x: Comparable) -> Comparable:
        """The Gram matrix, which distances follow from; RDMs as they are."""
        return x if isinstance(x, Gram | RDM) else Gram.from_features(x)

    def _kernel(self, x: Any, letter: str) -> Kernel:
        if isinstance(x, RDM):
            square = x.square().astype(np.float64)
            return Kernel(len(x), lambda part: square[part].copy())
        squares = np.diagonal(x.centred)

        def rows(part: slice) -> FloatArray:
            both = squares[part, None] + squares
            apart = both - 2 * x.centred[part]
            # Stimuli that coincide: the root would make 1e-8 of what rounding leaves.
            return np.asarray(np.sqrt(np.where(apart > _ROUNDING * both, apart, 0)))

        return Kernel(len(x), rows)

    def _finish(self, xy: FloatArray, xx: FloatArray, yy: FloatArray) -> FloatArray:
        squared = ratio(xy, xx, yy, lowest=self.traits.bounds[0])
        return np.asarray(np.sqrt(squared)) if self.estimator == "biased" else squared

    @property
    def _word(self) -> str:
        return "distance correlation"

    @property
    def _way_out(self) -> str:
        return "Use estimator='bias-corrected'."
