"""Ridge regression from features onto many units, each with a penalty of its own, chosen by leaving out one stimulus at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from isomorph.encoding._fitted_ridge import FittedRidge
from isomorph.encoding._paired import Paired, Source, check_width
from isomorph.encoding._penalty_search import PenaltySearch, Select
from isomorph.encoding._responses import Responses
from isomorph.encoding._spectrum import Spectrum
from isomorph.encoding._units import standardised_units
from isomorph.features import Features
from isomorph.geometry import Gram


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
        folds: For `"cv-pearson"` and `"cv-mse"`: the largest correlation, or least squared error, of the responses to a fold's stimuli
            with predictions by a fit to the other folds, averaged over so many folds. The fit is centred on its own stimuli; the
            standardisation is that of all training stimuli.
        seed: Draws the folds; None: each fold is a run of stimuli in the order in which they stand (as scikit-learn's `KFold`).
        standardise: Divide each feature by its standard deviation (ddof 0) over the training stimuli.
        width: Multiply all features by one number that makes the trace of the training stimuli's Gram matrix n · `width`, what it is for
            `width` standardised features: penalties then mean the same for every layer. Needs `standardise=False`. None: leave them.
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
    select: Select = "loo-pearson"
    screen: int | None = 2
    folds: int = 5
    seed: int | None = 0
    standardise: bool = True
    width: float | None = None
    per_unit: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "alphas", self._search.alphas)
        check_width("Ridge", self.width, standardise=self.standardise)

    def fit(self, x: Features | Gram | npt.ArrayLike, y: Features | npt.ArrayLike) -> FittedRidge:
        """Fit the map from features `x` `[stimulus, feature]` to responses `y` `[stimulus, unit]`.

        Where both are `Features`, rows meet by id and are those of `y`; else by place. `x` may have more or fewer features than stimuli.

        A `Gram` (with `standardise=False`) gives exactly what the features give that it comes from. It may have more stimuli than `y`:
        the fit is centred on those of `y`, and the fitted map predicts any of the others by id. Products are float32 where responses are.

        Raises:
            IdError: `x` lacks a stimulus of `y`.
            ShapeError: Rows are not the same stimuli, there are fewer than 3 (or too few for the folds), a unit is constant, or no
                feature varies.
            NonFiniteError: A value is NaN or infinite.
            InputError: A `Gram` was to be standardised.
        """
        paired = Paired.of(x, y)
        features = paired.source(standardise=self.standardise, width=self.width)
        return self._onto(paired.responses, features, Spectrum.of(features.gram()))

    def _onto(self, given: Responses, features: Source, spectrum: Spectrum) -> FittedRidge:
        responses, mean, scale = standardised_units(given.values, features.dtype)
        loads = spectrum.loads(responses)
        scores = self._search.scores(spectrum, responses, loads, scale)
        chosen = np.argmax(scores, axis=0) if self.per_unit else np.full(len(mean), np.argmax(scores.mean(axis=1)))
        sign = 1 if self._search.correlates else -1
        return FittedRidge(
            options=self,
            alphas=np.asarray(self.alphas)[chosen],
            scores=sign * scores[chosen, np.arange(len(mean))],
            mean=mean,
            scale=scale,
            ids=given.ids,
            subject=given.subject,
            features=features,
            spectrum=spectrum,
            loads=loads,
        )

    @property
    def _search(self) -> PenaltySearch:
        names = ("alphas", "select", "screen", "folds", "seed", "per_unit")
        return PenaltySearch(owner="Ridge", **{name: getattr(self, name) for name in names})
