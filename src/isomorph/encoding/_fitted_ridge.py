"""A ridge regression that was fitted: predictions, what was chosen, and coefficients for those who ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.encoding._paired import Source
from isomorph.encoding._penalty_notes import penalty_notes, share_at_edge
from isomorph.encoding._responses import Responses
from isomorph.encoding._spectrum import Spectrum
from isomorph.encoding._standardised import Standardised
from isomorph.encoding._units import unit_parts
from isomorph.engine import format_bytes, parse_bytes
from isomorph.errors import InputError, ShapeError
from isomorph.features import Features

if TYPE_CHECKING:
    from isomorph.encoding._ridge import Ridge


@dataclass(frozen=True, eq=False, repr=False)
class FittedRidge:
    """What `Ridge.fit` returns.

    Attributes:
        options: The `Ridge` it comes from.
        alphas: The penalty of each unit `[unit]`.
        scores: What `options.select` said of that penalty `[unit]`: the correlation of responses with their predictions when left out
            (`"loo-pearson"`), the mean squared error of these (`"loo-mse"`), the generalised cross-validation (`"gcv"`), or the mean of
            either over folds.
        mean: The mean response of each unit `[unit]`, float64.
        scale: The standard deviation of each unit's responses (ddof 0) `[unit]`, float64.
        ids: The training stimuli, where they have ids.
        subject: Whose responses these are.
        features: The training features (not a copy), or the Gram matrix of these and more.
        spectrum: Of their Gram matrix.
        loads: Responses, over `scale`, along the spectrum's directions `[unit, direction]`.
    """

    options: Ridge
    alphas: FloatArray
    scores: FloatArray
    mean: FloatArray
    scale: FloatArray
    ids: tuple[str, ...] | None
    subject: str
    features: Source
    spectrum: Spectrum
    loads: FloatArray

    def __repr__(self) -> str:
        size = f"{len(self.features):,} stimuli, {self.features.width:,} features, {len(self.alphas):,} units"
        return f"FittedRidge({size}, {self.options.select})"

    @property
    def units_at_edge(self) -> float:
        """The share of units, 0 to 1, whose penalty is the smallest or largest of the grid; 0 for a grid of one, where none is chosen."""
        return share_at_edge(self.alphas, self.options.alphas)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that ought to travel with the numbers: a grid that was too narrow."""
        return penalty_notes(self.alphas, self.options.alphas)

    def predict(self, x: Features | npt.ArrayLike | Sequence[str]) -> Features | FloatArray:
        """Predicted responses `[stimulus, unit]` to new stimuli, intercept included; `Features` for `Features`.

        A map that was fitted to a `Gram` takes ids of that Gram's stimuli, and gives `Features`.

        Raises:
            ShapeError: `x` has another number of features than the training stimuli.
            NonFiniteError: A value is NaN or infinite.
            IdError: The Gram matrix lacks a stimulus.
        """
        return self.features.named(self._predict(self.features.products(x)), x, subject=self.subject)

    def refit(self, y: Features | npt.ArrayLike) -> FittedRidge:
        """The map onto other responses to the same stimuli (another subject's, or permuted ones), without a new decomposition.

        Raises:
            IdError: `y` lacks a training stimulus.
            ShapeError: The numbers of rows differ, or a unit is constant.
            NonFiniteError: A value is NaN or infinite.
        """
        if isinstance(y, Features) and self.ids is not None:
            y = y.take(self.ids)
        responses = Responses.of(y, ids=self.ids)
        if len(responses.values) != len(self.features):
            raise ShapeError(f"the map was fitted to {len(self.features):,} stimuli; got responses to {len(responses.values):,}.")
        responses.check()
        return self.options._onto(responses, self.features, self.spectrum)

    def loo_predictions(self) -> FloatArray:
        """The prediction of each training stimulus by a fit without it `[stimulus, unit]`, in the order of the training responses."""
        matrices = {alpha: self.spectrum.left_out_predictions(alpha) for alpha in np.unique(self.alphas).tolist()}
        return self._of_units(matrices, intercept=True)

    def dual(self) -> FloatArray:
        """Dual coefficients `[stimulus, unit]`: their products with a new stimulus' inner products, plus `mean`, predict it."""
        return self._of_directions(self.spectrum.vectors, intercept=False)

    def intercept(self) -> FloatArray:
        """What is predicted where every feature (not standardised) is 0 `[unit]`, float64."""
        products = self._with_features().products(np.zeros((1, self.features.width)))
        return np.asarray(self._predict(products, intercept=False)[0] + self.mean)

    def coefficients(self, *, memory_limit: str | int = "1GB") -> FloatArray:
        """Weights of the features as given `[feature, unit]`: `x @ coefficients + intercept` predicts.

        Predictions don't need them, and for wide layers and many units they are large: features × units numbers.

        Raises:
            InputError: They need more memory than the limit, or the map was fitted to a `Gram`.
        """
        features, shape, limit = self._with_features(), (self.features.width, len(self.alphas)), parse_bytes(memory_limit)
        needed = shape[0] * shape[1] * features.dtype.itemsize
        if needed > limit:
            raise InputError(
                f"coefficients of {shape[0]:,} features × {shape[1]:,} units need {format_bytes(needed)}, more than the memory limit of "
                f"{format_bytes(limit)}. Predictions don't need them; raise memory_limit, or fit fewer units."
            )
        dual, result = self.dual(), np.empty(shape, features.dtype)
        for columns, block in features.blocks():
            np.matmul(block.T, dual, out=result[columns])
            result[columns] /= features.scale[columns, None]
        return result

    def _with_features(self) -> Standardised:
        if not isinstance(self.features, Standardised):
            raise InputError(
                "the map was fitted to a Gram matrix, which has no features and so no coefficients. "
                "Use dual(), loo_predictions() and predict(ids), or fit the features themselves."
            )
        return self.features

    def _predict(self, products: FloatArray, *, intercept: bool = True) -> FloatArray:
        """From inner products with the training stimuli `[row, stimulus]`; by penalty, so that dual coefficients are never formed."""
        along = products.astype(np.float64, copy=False) @ self.spectrum.vectors
        along[:, : self.spectrum.empty(self.features.width)] = 0  # as it is but for rounding, which a small penalty would blow up
        return self._of_directions(along, intercept=intercept)

    def _of_directions(self, along: FloatArray, *, intercept: bool) -> FloatArray:
        """What units `[row, unit]` get from rows that lie `along` the directions `[row, direction]`."""
        matrices = {alpha: (along / (self.spectrum.values + alpha)).T for alpha in np.unique(self.alphas).tolist()}
        return self._of_units(matrices, intercept=intercept)

    def _of_units(self, matrices: Mapping[float, FloatArray], *, intercept: bool) -> FloatArray:
        """Loads times the matrix `[direction, row]` of each unit's penalty, in the units of responses: `[row, unit]`, units contiguous."""
        dtype = self.loads.dtype
        scale, mean = self.scale.astype(dtype)[:, None], self.mean.astype(dtype)[:, None]
        result = np.empty((len(self.alphas), next(iter(matrices.values())).shape[1]), dtype)
        for alpha, matrix in matrices.items():
            alike, right = np.flatnonzero(self.alphas == alpha), matrix.astype(dtype, copy=False)
            for part in unit_parts(len(alike)):
                units = alike[part]
                made = self.loads[units] @ right
                made *= scale[units]
                if intercept:
                    made += mean[units]
                result[units] = made
        return result.T
