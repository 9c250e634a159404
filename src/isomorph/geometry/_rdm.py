"""Dissimilarities between all pairs of stimuli."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, as_floats, check_finite, positions, unique_ids
from isomorph.errors import InputError, NonFiniteError, ShapeError
from isomorph.features import Features
from isomorph.geometry._crossnobis import condensed_crossnobis, fold_means
from isomorph.geometry._distance import (
    PLAIN_DISTANCES,
    SQUARED_DISTANCES,
    check_distance,
    condensed_distances,
    gaussian_distances,
    poisson_distances,
)
from isomorph.geometry._noise import precision_root


@dataclass(frozen=True, eq=False)
class RDM:
    """A representational dissimilarity matrix, held as its strict upper triangle, row by row.

    Attributes:
        values: `[pair]`: the distances (0, 1), (0, 2) … (1, 2) …; float32 or float64.
        ids: The stimuli; n of them make n(n − 1)/2 pairs.
        distance: Which distance it holds: one of `DISTANCES`, or a word of the caller's for a stored matrix.
        layer: Where in the subject it was read.
        subject: Whose geometry it is.

    Raises:
        ShapeError: The number of values is not n(n − 1)/2.
        NonFiniteError: A value is NaN or infinite.
        IdError: An id stands twice.

    Example:
        >>> import numpy as np
        >>> rdm = RDM.from_features(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]), distance="euclidean", ids=["a", "b", "c"])
        >>> rdm.values.round(6).tolist()
        [5.0, 1.0, 4.242641]
        >>> rdm.take(["b", "a"]).values.tolist()
        [5.0]
    """

    values: FloatArray
    ids: tuple[str, ...]
    distance: str = ""
    layer: str = ""
    subject: str = ""

    def __post_init__(self) -> None:
        values = as_floats(self.values, name=self.name, ndim=1)
        ids = unique_ids(self.ids, name=self.name)
        wanted = len(ids) * (len(ids) - 1) // 2
        if len(values) != wanted:
            raise ShapeError(f"{self.name} has {len(values)} pairs, but {len(ids)} stimuli make {wanted}.")
        _check_pairs(values, ids, self.name)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "ids", ids)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"the RDM of {(self.subject or self.layer)!r}" if self.subject or self.layer else "the RDM"

    @classmethod
    def from_features(
        cls,
        x: Features | Any,
        distance: str = "correlation",
        *,
        ids: Sequence[str] | None = None,
        layer: str = "",
        subject: str = "",
        precision: FloatArray | None = None,
        per_feature: bool = False,
        sigma: float = 1.0,
        sigma_unit: str = "median",
        prior_rate: float = 1.0,
        prior_weight: float = 0.1,
    ) -> RDM:
        r"""Distances between the rows of `x`, in the precision of `x` (float64 where a noise precision, repeats or logarithms come in).

        - `"correlation"`: 1 − Pearson over features, 0 … 2. `"cosine"`: 1 − cosine, 0 … 2.
        - `"euclidean"`; `"sqeuclidean"`: its square.
        - `"gaussian"`: \(1 - \exp(-d^2 / 2 \sigma^2)\) with the Euclidean d, 0 … 1: tells near from far, and far no more.
        - `"mahalanobis"`: \((x_i - x_j)^\top P\, (x_i - x_j)\) with the noise `precision` P: squared, as `"sqeuclidean"` is.
        - `"crossnobis"`: that, cross-validated between repeats: unbiased, and below 0 where two stimuli do not differ; see
          `from_repeats`, which knows uneven folds.
        - `"poisson"`: the symmetrised divergence \(\sum_f (a_f - b_f)(\log a_f - \log b_f)\) of rates
          a = (x + `prior_rate` · `prior_weight`) / (1 + `prior_weight`).

        Distances never fall below 0 by rounding: they are clipped there, all but crossnobis.

        Args:
            x: `Features`, an array `[stimulus, feature]`, or `[stimulus, repeat, feature]`. Repeats are averaged, but for
                `"crossnobis"`, where each is a fold.
            distance: One of `DISTANCES`.
            ids: The stimuli of an array.
            layer: Where the features were read.
            subject: Whose they are.
            precision: `[feature, feature]`, as `noise_precision` estimates it; None is the identity.
            per_feature: Divide the squared distances (`"sqeuclidean"`, `"mahalanobis"`, `"crossnobis"`, `"poisson"`) by the number of
                features, as rsatoolbox always does.
            sigma: The width of the Gaussian.
            sigma_unit: `"median"` (times the median distance) or `"absolute"`.
            prior_rate: What Poisson rates are drawn towards.
            prior_weight: How strongly.

        Raises:
            ShapeError: A row has no variance (correlation) or no length (cosine); the message names the stimulus. Or there are no
                repeats to cross-validate.
            InputError: An option lies outside its range, or belongs to another distance.
            NonFiniteError: `x` holds NaN or infinity.
        """
        check_distance(distance)
        features = x if isinstance(x, Features) else _named(x, ids, each_repeat=distance == "crossnobis")
        if not isinstance(features, Features):
            array, names = features
            return cls.from_repeats(array, ids=names, precision=precision, per_feature=per_feature, layer=layer, subject=subject)
        layer, subject = layer or features.layer, subject or features.subject
        _check_options(distance, precision, per_feature)
        name = repr(subject or layer) if subject or layer else "features"
        values, names = features.values, features.ids
        if distance == "crossnobis":
            raise ShapeError(
                f"a crossnobis distance needs repeats, but {name} has one row a stimulus. Give an array [stimulus, repeat, feature], or "
                "measurements with their folds to RDM.from_repeats."
            )
        if distance == "poisson":
            result = poisson_distances(values, prior_rate=prior_rate, prior_weight=prior_weight, ids=names, name=name)
        else:
            if precision is not None:
                values = values.astype(np.float64) @ precision_root(precision, values.shape[1])
            plain = distance if distance in PLAIN_DISTANCES else "sqeuclidean"
            result = condensed_distances(values, plain, ids=names, name=name)
        if distance == "gaussian":
            result = gaussian_distances(result, sigma=sigma, sigma_unit=sigma_unit, name=name)
        return cls(result / values.shape[1] if per_feature else result, names, distance, layer, subject)

    @classmethod
    def from_repeats(
        cls,
        x: Any,
        *,
        stimuli: Sequence[Any] | None = None,
        folds: Sequence[Any] | None = None,
        ids: Sequence[str] | None = None,
        precision: FloatArray | None = None,
        per_feature: bool = False,
        layer: str = "",
        subject: str = "",
    ) -> RDM:
        r"""Crossnobis: squared Mahalanobis distances, cross-validated between folds, so that noise adds nothing on average.

        $$d_{ij} = \frac{1}{F (F - 1)} \sum_{A \ne B} (b_i - b_j)_A^\top P \, (b_i - b_j)_B$$

        over all ordered pairs of the F folds that hold both stimuli, where b is a stimulus's mean in a fold. Unbiased if folds share no
        noise; 0 on average, and negative as often as positive, where two stimuli do not differ.

        Args:
            x: `[stimulus, repeat, feature]`, each repeat a fold; or `[measurement, feature]` with `stimuli` and `folds`.
            stimuli: The stimulus of each measurement. The RDM has them in the order of their first appearance.
            folds: The fold of each measurement (its run or session). Folds may lack stimuli and hold some several times.
            ids: The stimuli of a three-dimensional `x`.
            precision: `[feature, feature]`, as `noise_precision` estimates it; None is the identity.
            per_feature: Divide by the number of features, as rsatoolbox always does.
            layer: Where the features were read.
            subject: Whose they are.

        Raises:
            ShapeError: Two stimuli do not share two folds; the message names them.
            NonFiniteError: `x` holds NaN or infinity.

        References:
            Walther et al., 2016, <https://doi.org/10.1016/j.neuroimage.2015.12.012>.

        Example:
            >>> import numpy as np
            >>> rng = np.random.default_rng(0)
            >>> truth = rng.normal(size=(5, 1, 200)) * np.array([0, 0, 1, 1, 1])[:, None, None]
            >>> rdm = RDM.from_repeats(truth + rng.normal(size=(5, 4, 200)), per_feature=True)
            >>> bool(abs(rdm.values[0]) < 0.2 < rdm.values[1])
            True
        """
        name = repr(subject or layer) if subject or layer else "the measurements"
        array: FloatArray = as_floats(x, name=name).astype(np.float64)
        if array.ndim == 3 and stimuli is None and folds is None:
            check_finite(array, name=name, ids=ids)
            patterns, names = array.transpose(1, 0, 2), tuple(ids) if ids is not None else _row_ids(len(array))
        elif array.ndim == 2 and stimuli is not None and folds is not None:
            check_finite(array, name=name, rows="measurements")
            patterns, names = fold_means(array, stimuli=stimuli, folds=folds)
        else:
            raise ShapeError(
                "repeats come as [stimulus, repeat, feature], or as [measurement, feature] with `stimuli` and `folds`, one a measurement; "
                f"got shape {array.shape}{'' if stimuli is None else ' with stimuli'}{'' if folds is None else ' with folds'}."
            )
        if precision is not None:
            patterns = patterns @ precision_root(precision, array.shape[-1])
        values = condensed_crossnobis(patterns, ids=names, name=name)
        return cls(values / array.shape[-1] if per_feature else values, names, "crossnobis", layer, subject)

    @classmethod
    def from_condensed(
        cls, values: Any, ids: Sequence[str] | None = None, *, distance: str = "", layer: str = "", subject: str = ""
    ) -> RDM:
        """An RDM from its strict upper triangle, row by row (the order of `numpy.triu_indices(n, 1)` and SciPy's `squareform`)."""
        array = as_floats(values, name="a condensed RDM")
        flat = array.reshape(-1) if array.ndim == 2 and 1 in array.shape else array
        n = round((1 + np.sqrt(1 + 8 * flat.size)) / 2)
        if flat.ndim != 1 or n * (n - 1) // 2 != flat.size:
            raise ShapeError(f"a condensed RDM has n(n − 1)/2 values on one axis, such as 3, 6, 10 …; got shape {array.shape}.")
        return cls(flat, tuple(ids) if ids is not None else _row_ids(n), distance, layer, subject)

    @classmethod
    def from_square(cls, matrix: Any, ids: Sequence[str] | None = None, *, distance: str = "", layer: str = "", subject: str = "") -> RDM:
        """An RDM from a symmetric matrix `[stimulus, stimulus]` with a zero diagonal; integers are turned into floats first.

        Raises:
            ShapeError: The matrix is not square.
            InputError: It is not symmetric, or its diagonal is not zero.
        """
        array = as_floats(matrix, name="a square RDM", ndim=2)
        if array.shape[0] != array.shape[1]:
            raise ShapeError(f"a square RDM needs as many rows as columns; got shape {array.shape}.")
        _check_square(array)
        rows, columns = np.triu_indices(len(array), 1)
        return cls(array[rows, columns], tuple(ids) if ids is not None else _row_ids(len(array)), distance, layer, subject)

    def square(self) -> FloatArray:
        """The symmetric matrix `[stimulus, stimulus]` with zeros on the diagonal."""
        n = len(self.ids)
        matrix = np.zeros((n, n), dtype=self.values.dtype)
        rows, columns = np.triu_indices(n, 1)
        matrix[rows, columns] = self.values
        matrix[columns, rows] = self.values
        return matrix

    def take(self, ids: Sequence[str]) -> RDM:
        """The RDM of `ids`, in that order.

        Raises:
            IdError: An id is unknown or stands twice.
        """
        if tuple(ids) == self.ids:
            return self
        at = positions(self.ids, ids, name=self.name)
        rows, columns = np.triu_indices(len(at), 1)
        first, second = np.minimum(at[rows], at[columns]), np.maximum(at[rows], at[columns])
        n = len(self.ids)
        unique_ids(ids, name="the wanted stimuli")
        values = self.values[first * (2 * n - first - 1) // 2 + second - first - 1]
        return RDM(values, tuple(ids), self.distance, self.layer, self.subject)


def _check_pairs(values: FloatArray, ids: tuple[str, ...], name: str) -> None:
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        rows, columns = np.triu_indices(len(ids), 1)
        first = f"{ids[rows[bad[0]]]!r} with {ids[columns[bad[0]]]!r}"
        raise NonFiniteError(f"{name} has {len(bad)} of {len(values)} pairs that are NaN or infinite; the first is {first}.")


def _row_ids(n: int) -> tuple[str, ...]:
    return tuple(str(row) for row in range(n))


def _named(x: Any, ids: Sequence[str] | None, *, each_repeat: bool) -> Features | tuple[FloatArray, tuple[str, ...]]:
    """`Features`; or, where each repeat counts and there are any, the array and its stimuli."""
    array = as_floats(x, name="features")
    names = tuple(ids) if ids is not None else _row_ids(len(array) if array.ndim else 0)
    if array.ndim == 3 and each_repeat:
        return array, names
    if array.ndim == 3:
        check_finite(array, name="features", ids=names)
        array = array.mean(axis=1, dtype=np.float64).astype(array.dtype)
    if array.ndim != 2:
        raise ShapeError(f"features need the axes [stimulus, feature] or [stimulus, repeat, feature]; got shape {array.shape}.")
    return Features(array, names)


def _check_options(distance: str, precision: FloatArray | None, per_feature: bool) -> None:
    if precision is not None and distance not in ("mahalanobis", "crossnobis"):
        raise InputError(f"a noise precision belongs to the distances 'mahalanobis' and 'crossnobis', not to {distance!r}.")
    if per_feature and distance not in SQUARED_DISTANCES:
        raise InputError(f"per_feature divides a squared distance ({', '.join(SQUARED_DISTANCES)}); {distance!r} is none.")


def _check_square(array: FloatArray) -> None:
    scale = float(np.abs(array).max(initial=0.0))
    tolerance = 1e-5 * scale
    gap = np.abs(array - array.T)
    if gap.max(initial=0.0) > tolerance:
        row, column = divmod(int(gap.argmax()), len(gap))
        raise InputError(
            f"a square RDM must be symmetric, but entry ({row}, {column}) is {array[row, column]:.6g} and entry ({column}, {row}) is "
            f"{array[column, row]:.6g}. Average it with its transpose if that is what you mean."
        )
    diagonal = np.abs(np.diagonal(array))
    if diagonal.max(initial=0.0) > tolerance:
        row = int(diagonal.argmax())
        raise InputError(
            f"a square RDM must have zeros on its diagonal, but entry ({row}, {row}) is {array[row, row]:.6g}. "
            "A matrix of similarities becomes an RDM as 1 − similarity."
        )
