"""Partial least squares: least squares on the few components of the features that vary most with the responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.encoding._fitted_components import FittedComponents, check_components, check_rank
from isomorph.encoding._paired import Paired
from isomorph.encoding._spectrum import Spectrum
from isomorph.features import Features
from isomorph.geometry import Gram

_DENSE = 64  # up to this size all singular vectors are as fast as the first alone


@dataclass(frozen=True, kw_only=True)
class PLS:
    r"""Partial least squares of all units together (PLS2), as scikit-learn's `PLSRegression`.

    Component by component, with features X and responses Y centred: w is the first left singular vector of \(X^\top Y\), the component
    is \(t = X w\), and \(X \leftarrow X - t t^\top X / t^\top t\); responses are then regressed on the components. The answer of the NIPALS
    iteration run to convergence, without the iteration.

    PLS does not change when features, or responses, are rotated. Features therefore come as the at most n − 1 coordinates in which the
    stimuli differ, out of their Gram matrix, and responses as at most n: time depends on neither number. Everything is float64.

    Attributes:
        components: How many.
        standardise: Divide each feature and each unit by its standard deviation over the training stimuli (scikit-learn's `scale`).

    Raises:
        InputError: An option is out of range.

    References:
        Wold, Sjöström and Eriksson, 2001, <https://doi.org/10.1016/S0169-7439(01)00155-1>.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> layer = rng.normal(size=(60, 200))
        >>> fitted = PLS(components=5).fit(layer[:50], layer[:50, :3])
        >>> fitted
        FittedComponents(50 stimuli, 200 features, 3 units, pls, 5 components)
        >>> fitted.predict(layer[50:]).shape
        (10, 3)
    """

    method: ClassVar[str] = "pls"

    components: int = 25
    standardise: bool = False

    def __post_init__(self) -> None:
        check_components("PLS", self.components)

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
        rank = check_rank("PLS", self.components, features, spectrum)
        values, vectors = np.sqrt(spectrum.values[-rank:]), spectrum.vectors[:, -rank:]
        responses = paired.responses.values
        mean = responses.mean(axis=0, dtype=np.float64)
        centred = responses - mean
        scores, rotations = _components(vectors * values, centred / centred.std(axis=0) if self.standardise else centred, self.components)
        return FittedComponents(
            options=self,
            directions=(vectors / values) @ rotations,
            loads=scores.T @ centred,
            mean=mean,
            ids=paired.responses.ids,
            subject=paired.responses.subject,
            features=features,
            notes=self._notes(scores.shape[1]),
        )

    def _notes(self, made: int) -> tuple[str, ...]:
        if made == self.components:
            return ()
        return (f"{made} of {self.components} components explain the training responses without a rest; there are no more.",)


def _components(x: FloatArray, y: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Components T `[stimulus, component]` of unit length, and R with T = x R, of centred x `[stimulus, coordinate]` and y."""
    if y.shape[1] > len(y):
        y = np.asarray(np.linalg.qr(y.T, mode="r")).T  # the same inner products between stimuli
    cross = x.T @ y
    floor = 1e-13 * np.linalg.norm(cross)
    rest = x.copy()
    scores: list[FloatArray] = []
    weights: list[FloatArray] = []
    loadings: list[FloatArray] = []
    while len(scores) < count and np.linalg.norm(cross) > floor:
        weight = _first_left_vector(cross)
        score = rest @ weight
        length = np.linalg.norm(score)
        score /= length
        loading = rest.T @ score
        rest -= np.outer(score, loading)
        cross -= np.outer(loading, score @ y)
        scores.append(score)
        weights.append(weight / length)
        loadings.append(loading)
    w, p = np.array(weights).T, np.array(loadings)
    return np.array(scores).T, w @ np.linalg.inv(p @ w)


def _first_left_vector(matrix: FloatArray) -> FloatArray:
    if min(matrix.shape) <= _DENSE:
        return np.asarray(np.linalg.svd(matrix, full_matrices=False)[0][:, 0])
    from scipy.sparse.linalg import LinearOperator, eigsh

    size = len(matrix)
    squared = LinearOperator((size, size), matvec=lambda v: matrix @ (v @ matrix), dtype=np.float64)
    start = matrix @ matrix[np.argmax(np.einsum("ij,ij->i", matrix, matrix))]
    return np.asarray(eigsh(squared, k=1, v0=start, tol=0)[1][:, 0])
