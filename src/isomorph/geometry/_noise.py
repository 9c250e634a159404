"""The noise covariance of features, estimated from residuals, and its inverse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from isomorph.arrays import FloatArray, as_floats, check_finite
from isomorph.errors import InputError, ShapeError, UnknownNameError

Shrinkage: TypeAlias = Literal["diagonal", "identity", "full", "variances"]
SHRINKAGES: tuple[str, ...] = get_args(Shrinkage)


def check_shrinkage(shrinkage: str) -> None:
    """Raise `UnknownNameError` unless `shrinkage` is one of `SHRINKAGES`."""
    if shrinkage not in SHRINKAGES:
        raise UnknownNameError("shrinkage", shrinkage, SHRINKAGES)


def repeat_residuals(x: Any, *, stimuli: Sequence[Any] | None = None) -> tuple[FloatArray, int]:
    """What is left of repeated measurements after each stimulus's mean is taken away, `[measurement, feature]`, and its degrees of freedom.

    Args:
        x: `[stimulus, repeat, feature]`, or `[measurement, feature]` with `stimuli`.
        stimuli: Which stimulus each row of a two-dimensional `x` measured.

    Raises:
        ShapeError: No stimulus was measured twice, so that nothing is known of the noise.

    Example:
        >>> import numpy as np
        >>> repeat_residuals(np.array([[[1.0], [3.0]], [[5.0], [5.0]]]))
        (array([[-1.],
               [ 1.],
               [ 0.],
               [ 0.]]), 2)
    """
    array = as_floats(x, name="the measurements").astype(np.float64)
    check_finite(array, name="the measurements", rows="rows")
    if array.ndim == 3:
        labels = np.repeat(np.arange(len(array)), array.shape[1])
        array = array.reshape(-1, array.shape[2])
    elif array.ndim == 2 and stimuli is not None and len(stimuli) == len(array):
        labels = np.unique(np.asarray([str(each) for each in stimuli]), return_inverse=True)[1]
    else:
        raise ShapeError(
            "noise is estimated from [stimulus, repeat, feature], or from [measurement, feature] with one of `stimuli` a row; got shape "
            f"{array.shape}."
        )
    counts = np.bincount(labels)
    degrees = len(array) - len(counts)
    if degrees < 1:
        raise ShapeError(f"noise is what differs between repeats, but each of the {len(counts)} stimuli was measured once.")
    sums = np.zeros((len(counts), array.shape[1]))
    np.add.at(sums, labels, array)
    return array - (sums / counts[:, None])[labels], degrees


def noise_covariance(residuals: Any, *, shrinkage: str = "diagonal", degrees: int | None = None) -> FloatArray:
    r"""The covariance of noise between features, shrunk so that it can be inverted.

    $$\hat\Sigma = (1 - \lambda) S + \lambda T, \qquad S = R^\top R / \mathrm{degrees}$$

    with λ between 0 and 1 estimated from the residuals R themselves.

    Args:
        residuals: `[measurement, feature]`; their mean is taken away.
        shrinkage: The target T: `"diagonal"` (the features' variances: Schäfer & Strimmer), `"identity"` (their mean variance: Ledoit &
            Wolf); `"full"` is S itself, unshrunk, and `"variances"` its diagonal.
        degrees: Degrees of freedom; default: one less than there are measurements. `repeat_residuals` gives theirs.

    Returns:
        `[feature, feature]`.

    Raises:
        ShapeError: There are fewer than two measurements.
        InputError: A feature does not vary, which leaves its correlations 0/0 (`"diagonal"`).

    References:
        Ledoit & Wolf, 2004, <https://doi.org/10.1016/S0047-259X(03)00096-4>. Schäfer & Strimmer, 2005,
        <https://doi.org/10.2202/1544-6115.1175>.

    Example:
        >>> import numpy as np
        >>> residuals = np.random.default_rng(0).normal(size=(20, 50))
        >>> noise_covariance(residuals).shape, bool(np.linalg.eigvalsh(noise_covariance(residuals))[0] > 0)
        ((50, 50), True)
    """
    check_shrinkage(shrinkage)
    rows = as_floats(residuals, name="the residuals", ndim=2).astype(np.float64)
    check_finite(rows, name="the residuals", rows="rows")
    if len(rows) < 2:
        raise ShapeError(f"a covariance needs at least 2 measurements; got {len(rows)}.")
    degrees = len(rows) - 1 if degrees is None else degrees
    if degrees < 1:
        raise InputError(f"degrees must be 1 or more; got {degrees}.")
    rows = rows - rows.mean(axis=0)
    if shrinkage == "variances":
        return np.diag(np.einsum("mf,mf->f", rows, rows) / degrees)
    sums = rows.T @ rows
    if shrinkage == "identity":
        return _towards_identity(rows, sums) * (len(rows) / degrees)
    return sums / degrees if shrinkage == "full" else _towards_diagonal(rows, sums, degrees)


def noise_precision(residuals: Any, *, shrinkage: str = "diagonal", degrees: int | None = None) -> FloatArray:
    """The inverse of `noise_covariance`, as Mahalanobis and crossnobis distances use it.

    Raises:
        InputError: The covariance is singular.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(6, 4, 30))          # stimulus, repeat, feature
        >>> residuals, degrees = repeat_residuals(x)
        >>> noise_precision(residuals, degrees=degrees).shape
        (30, 30)
    """
    covariance = noise_covariance(residuals, shrinkage=shrinkage, degrees=degrees)
    values = np.linalg.eigvalsh(covariance)
    if not values[0] > 1e-12 * values[-1]:
        empty = int((values <= 1e-12 * max(values[-1], 0)).sum())
        raise InputError(
            f"the noise covariance of {len(values)} features cannot be inverted: {len(np.asarray(residuals))} residuals leave {empty} "
            "dimensions without variance. Use shrinkage='diagonal' or 'identity', and leave out features that never vary."
        )
    return np.asarray(np.linalg.inv(covariance))


def precision_root(precision: Any, width: int) -> FloatArray:
    """L with L Lᵀ = `precision`, so that distances under the precision are Euclidean distances of x L.

    Raises:
        ShapeError: It is not `[feature, feature]` of `width` features.
        InputError: It is not symmetric and positive definite.
    """
    array = as_floats(precision, name="precision", ndim=2).astype(np.float64)
    if array.shape != (width, width):
        raise ShapeError(f"a noise precision of {width} features has the shape [{width}, {width}]; got {array.shape}.")
    check_finite(array, name="precision", rows="features")
    if not np.allclose(array, array.T, rtol=1e-6, atol=1e-8 * np.abs(array).max()):
        raise InputError("a noise precision must be symmetric; average it with its transpose if that is what you mean.")
    try:
        return np.asarray(np.linalg.cholesky((array + array.T) / 2))
    except np.linalg.LinAlgError as error:
        least = np.linalg.eigvalsh(array)[0]
        raise InputError(f"a noise precision must be positive definite, but its smallest eigenvalue is {least:.3g}.") from error


def _towards_identity(rows: FloatArray, sums: FloatArray) -> FloatArray:
    count, width = rows.shape
    sample = sums / count
    fourth = np.square(np.einsum("mf,mf->m", rows, rows)).sum() / count
    target = np.trace(sample) / width * np.eye(width)
    distance = float(np.square(sample - target).sum())
    error = min((fourth - float(np.square(sample).sum())) / count, distance)
    share = error / distance if distance > 0 else 1.0
    return np.asarray(share * target + (1 - share) * sample)


def _towards_diagonal(rows: FloatArray, sums: FloatArray, degrees: int) -> FloatArray:
    count = len(rows)
    covariance = sums / degrees
    variances = np.diagonal(covariance)
    if (variances <= 0).any():
        place = int(np.argmin(variances))
        raise InputError(
            f"feature {place} never varies, so that its noise correlations are 0/0. Leave it out, or use shrinkage='identity'."
        )
    products = np.outer(variances, variances)
    correlation = sums / np.sqrt(products) / (count - 1)
    squared = (rows**2).T @ rows**2 / products / (count - 1)
    other = ~np.eye(len(variances), dtype=bool)
    uncertainty = count / degrees**2 * (squared - correlation**2)[other].sum()
    signal = np.square(correlation[other]).sum()
    share = min(max(uncertainty / signal, 0.0), 1.0) if signal > 0 else 1.0
    return np.asarray(np.where(other, (1 - share) * covariance, covariance))
