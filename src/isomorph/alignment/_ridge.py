"""Ridge regression onto an embedding of people's judgments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isomorph import spec
from isomorph.alignment._fitted_transform import FittedTransform
from isomorph.alignment._paired import paired
from isomorph.arrays import FloatArray
from isomorph.errors import InputError
from isomorph.features import Features

_ALPHAS = tuple(float(each) for each in 10.0 ** np.arange(-4, 5, 0.5))


@dataclass(frozen=True, kw_only=True)
class Ridge:
    r"""The affine map onto an embedding with the least squared error, its weights kept small.

    $$\min_W \; \lVert (X - \bar X) W - (Y - \bar Y) \rVert_F^2 + \alpha s \lVert W \rVert_F^2$$

    in closed form, with s the mean squared singular value of the centred features, so that α has no unit. α is the one with the least
    error on each stimulus when that one is left out (also in closed form). The embedding may be one of people's similarity judgments (VICE,
    SPoSE, a scaling of arrangements) or another model.

    Attributes:
        alphas: The αs to choose from; one number alone is taken as it is.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = Features(rng.normal(size=(40, 6)), tuple(map(str, range(40))))
        >>> y = Features(x.values @ rng.normal(size=(6, 2)) + 3, x.ids)
        >>> fitted = Ridge().fit(x, y)
        >>> bool(np.allclose(fitted.transform(x).values, y.values, atol=0.01))
        True
    """

    method: ClassVar[str] = "ridge"

    alphas: tuple[float, ...] = _ALPHAS

    def __post_init__(self) -> None:
        alphas = tuple(self.alphas) if isinstance(self.alphas, tuple | list) else (self.alphas,)
        if not alphas or any(not math.isfinite(each) or each <= 0 for each in alphas):
            raise InputError(f"alphas must be one or more numbers above 0; got {self.alphas!r}.")
        object.__setattr__(self, "alphas", alphas)

    def fit(self, x: Features, target: Features) -> FittedTransform:
        """Fit the map from `x` to `target`, for the stimuli of `target`.

        Raises:
            IdError: `x` lacks a stimulus of the target.
            ShapeError: There are fewer than 2 stimuli.
            NonFiniteError: A value is NaN or infinite.
        """
        features, wanted, seen = paired(x, target)
        mean, offset = features.mean(axis=0), wanted.mean(axis=0)
        left, values, right = np.linalg.svd(features - mean, full_matrices=False)
        unit = float((values**2).mean()) or 1.0
        errors = [_left_out_error(left, values, wanted - offset, alpha * unit) for alpha in self.alphas]
        at = int(np.argmin(errors))
        shrunk = values / (values**2 + self.alphas[at] * unit)
        notes: tuple[str, ...] = ()
        if len(self.alphas) > 1 and at in (0, len(self.alphas) - 1):
            notes = (f"the chosen alpha {self.alphas[at]:g} is at the edge of the grid; a wider one may be better.",)
        return FittedTransform(
            weights=right.T @ (shrunk[:, None] * (left.T @ (wanted - offset))),
            bias=offset,
            mean=mean,
            method=self.method,
            options=spec.to_plain(self) | {"alpha": self.alphas[at]},
            seen=seen,
            layer=x.layer,
            model=x.subject,
            model_fingerprint=str(x.provenance.get("model", "")),
            history=tuple({"alpha": alpha, "left_out_error": error} for alpha, error in zip(self.alphas, errors, strict=True)),
            notes=notes,
        )


def _left_out_error(left: FloatArray, values: FloatArray, wanted: FloatArray, penalty: float) -> float:
    """Mean squared error of each stimulus predicted from the others (centring included)."""
    kept = values**2 / (values**2 + penalty)
    residuals = wanted - left @ (kept[:, None] * (left.T @ wanted))
    leverage = np.einsum("ij,j,ij->i", left, kept, left) + 1 / len(left)
    return float(((residuals / np.maximum(1 - leverage, 1e-12)[:, None]) ** 2).mean())
