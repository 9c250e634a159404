"""Least squares on the first principal components of the features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from isomorph.encoding._fitted_components import FittedComponents, check_components, check_rank
from isomorph.encoding._paired import Paired
from isomorph.encoding._spectrum import Spectrum
from isomorph.features import Features
from isomorph.geometry import Gram


@dataclass(frozen=True, kw_only=True)
class PrincipalRegression:
    r"""Ordinary least squares from the first principal components of the features onto responses, an intercept included.

    With the centred Gram matrix \(K = Q \Lambda Q^\top\), its c largest eigenvalues and k the inner products of a new stimulus with the
    training stimuli, \(\hat y = \bar y + k^\top Q_c \Lambda_c^{-1} Q_c^\top (y - \bar y)\): what scikit-learn's `PCA` and then
    `LinearRegression` predict, whatever the number of features. Everything is float64.

    Attributes:
        components: How many.
        standardise: Divide each feature by its standard deviation (ddof 0) over the training stimuli first.

    Raises:
        InputError: An option is out of range.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> layer = rng.normal(size=(60, 200))
        >>> PrincipalRegression(components=20).fit(layer[:50], layer[:50, :3]).predict(layer[50:]).shape
        (10, 3)
    """

    method: ClassVar[str] = "principal-regression"

    components: int = 100
    standardise: bool = False

    def __post_init__(self) -> None:
        check_components("PrincipalRegression", self.components)

    def fit(self, x: Features | Gram | npt.ArrayLike, y: Features | npt.ArrayLike) -> FittedComponents:
        """Fit the map from features `x` `[stimulus, feature]` (or a `Gram`, as in `Ridge.fit`) to responses `y` `[stimulus, unit]`.

        Raises:
            IdError: `x` lacks a stimulus of `y`.
            ShapeError: There are fewer features or stimuli than components need, a unit is constant, or rows are not the same stimuli.
            NonFiniteError: A value is NaN or infinite.
            InputError: A `Gram` was to be standardised.
        """
        paired = Paired.of(x, y)
        features = paired.source(standardise=self.standardise, dtype=np.dtype(np.float64))
        spectrum = Spectrum.of(features.gram())
        check_rank("PrincipalRegression", self.components, features, spectrum)
        values, vectors = spectrum.values[-self.components :][::-1], spectrum.vectors[:, -self.components :][:, ::-1]
        responses = paired.responses
        mean = responses.values.mean(axis=0, dtype=np.float64)
        return FittedComponents(
            options=self,
            directions=vectors / values,
            loads=vectors.T @ (responses.values - mean),
            mean=mean,
            ids=responses.ids,
            subject=responses.subject,
            features=features,
        )
