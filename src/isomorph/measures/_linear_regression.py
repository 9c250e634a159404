"""How much of one system is linear in another, in the sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from isomorph.errors import InputError
from isomorph.geometry import Gram
from isomorph.measures._coordinates import Coordinates, require_variation, warn_of_chance
from isomorph.measures._measure import Change, Measure, Traits

SIMILARITY: frozenset[Change] = frozenset({"shift", "scale", "rotation", "permutation"})
AFFINE: frozenset[Change] = SIMILARITY | {"linear"}


@dataclass(frozen=True, kw_only=True)
class LinearRegression(Measure):
    r"""The share of the variance of `x` that is linear in `y`, in the same stimuli: R² over all features.

    $$R^2(x \mid y) = \frac{\lVert Q_y^\top x \rVert_F^2}{\lVert x \rVert_F^2}$$

    with centred columns and \(Q_y\) an orthonormal basis of the features of `y`. Asymmetric. Nothing is held out, so that unrelated
    features of rank q explain q/(n − 1); `LinearPredictivity` holds out. Accepts arrays, `Features` and `Gram`.

    Attributes:
        target: Which of the two is explained: `"x"`, from `y`; or `"y"`, from `x`.

    Raises:
        ShapeError: `x` or `y` does not vary over stimuli.

    Warns:
        UserWarning: Where unrelated features would explain more than 0.05.

    Example:
        >>> import numpy as np
        >>> y = np.random.default_rng(0).normal(size=(1000, 6))
        >>> round(LinearRegression()(y[:, :2] @ [[1, 2], [3, 1]], y), 6), round(LinearRegression()(y, y[:, :2]), 1)
        (1.0, 0.3)
    """

    target: Literal["x", "y"] = "x"

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    def __post_init__(self) -> None:
        check_target(self.target, "LinearRegression")

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        explained_first = self.target == "x"
        return Traits(
            bounds=(0.0, 1.0),
            symmetric=False,
            invariant_to=SIMILARITY if explained_first else AFFINE,
            invariant_to_y=AFFINE if explained_first else SIMILARITY,
            minimum_stimuli=3,
            misleads="tends to 1 as the predictors become as many as the stimuli",
        )

    def chance(self, n: int, p: int, q: int) -> float | None:
        """The share that unrelated Gaussian features explain: their rank over n − 1."""
        return min(1.0, (q if self.target == "x" else p) / (n - 1))

    def relate(self, x: Any) -> Any:
        """Centred coordinates; their orthonormal basis is computed once."""
        return Coordinates.of(x)

    def _value(self, x: Any, y: Any) -> float:
        require_variation(x, y, "linear regression")
        explained, by = (x, y) if self.target == "x" else (y, x)
        if x.whole and y.whole:
            way_out = "Use more stimuli, or linear-predictivity, which predicts stimuli that it was not fitted to."
            warn_of_chance("R²", by.rank / (len(x) - 1), len(x), (x.rank, y.rank), way_out)
        return float(np.clip(np.square(by.basis.T @ explained.points).sum() / explained.norm**2, 0, 1))


def check_target(target: str, measure: str) -> None:
    """Raise `InputError` unless `target` is one of the two."""
    if target not in ("x", "y"):
        raise InputError(f"{measure} explains target='x' (from y) or target='y' (from x); got {target!r}.")
