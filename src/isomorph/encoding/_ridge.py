"""Ridge regression from features onto many units, each with a penalty of its own, chosen by leaving out one stimulus at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray
from isomorph.encoding._fitted_ridge import FittedRidge
from isomorph.encoding._paired import Paired
from isomorph.encoding._spectrum import Spectrum
from isomorph.encoding._standardised import Standardised
from isomorph.errors import InputError
from isomorph.features import Features

_UNITS = 2048  # in a chunk: its products stay in the cache
_SELECT = ("loo-pearson", "loo-mse", "gcv")


@dataclass(frozen=True, kw_only=True)
class Ridge:
    r"""The linear map from features onto responses with the least squared error, its weights kept small.

    $$\min_{B, b} \lVert Z B + 1 b^\top - Y \rVert_F^2 + \textstyle\sum_u \alpha_u \lVert B_u \rVert^2$$

    for features Z `[stimulus, feature]` (centred; standardised where asked), responses Y `[stimulus, unit]` and a penalty \(\alpha_u\)
    for each unit. Everything comes from one eigendecomposition of the n × n Gram matrix \(Z Z^\top\), whatever the numbers of features,
    units and penalties. The error at a stimulus that is left out is exact and in closed form: the intercept is fitted anew, the
    standardisation is that of all training stimuli.

    Products are float32 where features and responses both are, else float64; means, eigenvalues and sums over features are float64.

    Attributes:
        alphas: The penalties to choose from; sorted, doubles dropped.
        select: By what a unit's penalty is chosen: `"loo-pearson"`, the largest correlation of the responses with their predictions
            when left out; `"loo-mse"`, the least squared error of these; `"gcv"`, the least generalised cross-validation (no stimulus is
            left out, about ten times as fast).
        screen: Leave stimuli out only for penalties that look best by generalised cross-validation (or by the correlation with predictions
            made as it makes them): so many places of the grid to both sides of the best, peaks elsewhere, and more only while the best of
            them has a neighbour that was not tried. None: for every penalty.
        standardise: Divide each feature by its standard deviation (ddof 0) over the training stimuli.
        per_unit: One penalty for each unit; else the one whose score, averaged over units, is best.

    Raises:
        InputError: An option is out of range.

    References:
        Conwell et al., 2024, <https://doi.org/10.1038/s41467-024-53147-y>. Golub, Heath and Wahba, 1979,
        <https://doi.org/10.1080/00401706.1979.10489751>.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> layer = rng.normal(size=(60, 200))
        >>> brain = layer @ rng.normal(size=(200, 3)) + [0, 50, 100]
        >>> fitted = Ridge().fit(layer[:50], brain[:50])
        >>> fitted
        FittedRidge(50 stimuli, 200 features, 3 units, loo-pearson)
        >>> fitted.predict(layer[50:]).shape
        (10, 3)
    """

    method: ClassVar[str] = "ridge"

    alphas: tuple[float, ...] = (1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5)
    select: Literal["loo-pearson", "loo-mse", "gcv"] = "loo-pearson"
    screen: int | None = 2
    standardise: bool = True
    per_unit: bool = True

    def __post_init__(self) -> None:
        alphas = tuple(float(each) for each in np.atleast_1d(np.asarray(self.alphas, dtype=np.float64)))
        if not alphas or any(not math.isfinite(each) or each <= 0 for each in alphas):
            raise InputError(f"Ridge.alphas must be one or more numbers above 0; got {self.alphas!r}.")
        if self.select not in _SELECT:
            raise InputError(f"Ridge.select must be {', '.join(map(repr, _SELECT[:-1]))} or {_SELECT[-1]!r}; got {self.select!r}.")
        if self.screen is not None and self.screen < 0:
            raise InputError(f"Ridge.screen must be 0 or more, or None to leave out at every alpha; got {self.screen}.")
        object.__setattr__(self, "alphas", tuple(sorted(set(alphas))))

    def fit(self, x: Features | npt.ArrayLike, y: Features | npt.ArrayLike) -> FittedRidge:
        """Fit the map from features `x` `[stimulus, feature]` to responses `y` `[stimulus, unit]`.

        Where both are `Features`, rows meet by id and are those of `y`; else by place. `x` may have more or fewer features than stimuli.

        Raises:
            IdError: `x` lacks a stimulus of `y`.
            ShapeError: Rows are not the same stimuli, there are fewer than 3, a unit is constant, or no feature varies.
            NonFiniteError: A value is NaN or infinite.
        """
        paired = Paired.of(x, y)
        dtype = np.result_type(paired.features, paired.responses)
        features = Standardised.of(paired.features, scaled=self.standardise, dtype=dtype)
        spectrum = Spectrum.of(features.gram())
        responses, mean, scale = _standardised_units(paired.responses, dtype)
        loads = spectrum.loads(responses)
        scores = self._scores(spectrum, responses, loads, np.ones_like(scale) if self.select == "loo-pearson" else scale**2)
        chosen = np.argmax(scores, axis=0) if self.per_unit else np.full(len(mean), np.argmax(scores.mean(axis=1)))
        sign = 1 if self.select == "loo-pearson" else -1
        return FittedRidge(
            options=self,
            alphas=np.asarray(self.alphas)[chosen],
            scores=sign * scores[chosen, np.arange(len(mean))],
            mean=mean,
            scale=scale,
            ids=paired.ids,
            subject=paired.subject,
            features=features,
            spectrum=spectrum,
            loads=loads,
        )

    def _scores(self, spectrum: Spectrum, responses: FloatArray, loads: FloatArray, size: FloatArray) -> FloatArray:
        """`[alpha, unit]`, the more the better, times the size of each unit; minus infinity where the search did not come."""
        alphas = np.asarray(self.alphas)
        scores, wanted = np.full((len(alphas), len(loads)), -np.inf), np.ones((len(alphas), len(loads)), dtype=bool)
        if self.select == "gcv" or self.screen is not None:
            cheap = spectrum.generalised_pearson if self.select == "loo-pearson" else lambda *each: -spectrum.gcv(*each)
            found = size * np.concatenate([cheap(loads[units] ** 2, alphas) for units in _parts(len(loads))], axis=1)
            if self.select == "gcv":
                return np.asarray(found)
            wanted = self._near(found, self.screen or 0) | (_peaks(found) & self.per_unit)
        while wanted.any():
            for at in np.flatnonzero(wanted.any(axis=1)):
                units = np.flatnonzero(wanted[at])
                scores[at, units] = size[units] * self._left_out(spectrum, float(alphas[at]), responses, loads, units)
            wanted = self._near(scores, 1) & np.isneginf(scores)
        return scores

    def _left_out(self, spectrum: Spectrum, alpha: float, responses: FloatArray, loads: FloatArray, units: IntArray) -> FloatArray:
        """The score of one penalty for some units, each stimulus left out."""
        correlate = self.select == "loo-pearson"
        matrix = spectrum.left_out_predictions(alpha) if correlate else spectrum.left_out_errors(alpha)
        if correlate:
            matrix -= matrix.mean(axis=1, keepdims=True)  # so that predictions of every unit have a mean of 0, as responses have
        matrix, result = matrix.astype(loads.dtype), np.empty(len(units))
        for part in _parts(len(units)):
            rows: slice | IntArray = part if len(units) == len(loads) else units[part]
            made = loads[rows] @ matrix
            result[part] = _pearson(made, responses[rows]) if correlate else -np.einsum("ij,ij->i", made, made) / len(responses[0])
        return result

    def _near(self, scores: FloatArray, width: int) -> npt.NDArray[np.bool_]:
        """The penalties `[alpha, unit]` at most so many places away from each unit's best, or from the best that all units share."""
        best = np.argmax(scores, axis=0) if self.per_unit else np.argmax(scores.mean(axis=1))
        near = np.abs(np.arange(len(scores))[:, None] - best) <= width
        return np.broadcast_to(near, scores.shape)


def _peaks(scores: FloatArray) -> npt.NDArray[np.bool_]:
    """Where `[alpha, unit]` no neighbour is better: units that are hard to predict have more than one such penalty."""
    walled = np.pad(scores, ((1, 1), (0, 0)), constant_values=-np.inf)
    return np.asarray((scores >= walled[:-2]) & (scores >= walled[2:]))


def _parts(count: int) -> list[slice]:
    return [slice(start, min(start + _UNITS, count)) for start in range(0, count, _UNITS)]


def _standardised_units(responses: FloatArray, dtype: np.dtype[np.floating]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Responses `[unit, stimulus]` of mean 0 and variance 1, and their means and standard deviations.

    Fields in tesla are 1e-13: without their units, squares of squares keep their digits in float32.
    """
    mean, scale = responses.mean(axis=0, dtype=np.float64), np.empty(responses.shape[1])
    result = np.empty(responses.shape[::-1], dtype)
    for units in _parts(len(mean)):
        centred = responses[:, units] - mean[units]
        scale[units] = np.sqrt(np.einsum("ij,ij->j", centred, centred) / len(centred))
        result[units] = (centred / scale[units]).T
    return result, mean, scale


def _pearson(made: FloatArray, responses: FloatArray) -> FloatArray:
    """Correlation of each row of predictions with its responses, both of mean 0; 0 where predictions are constant."""
    lengths = np.sqrt(np.einsum("ij,ij->i", made, made)) * np.sqrt(np.einsum("ij,ij->i", responses, responses))
    return np.asarray(np.einsum("ij,ij->i", made, responses) / np.where(lengths > 0, lengths, 1))
