"""How many directions a representation uses, and how fast its variance falls from one to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, as_floats, check_finite
from isomorph.errors import InputError, ShapeError
from isomorph.features import Features
from isomorph.geometry._centre import centre_columns
from isomorph.geometry._gram import Gram


def effective_dimensionality(x: Gram | Features | npt.ArrayLike) -> float:
    r"""The participation ratio of the eigenvalues of the covariance of features, from 1 to the least of n − 1 and p.

    $$\frac{(\sum_k \lambda_k)^2}{\sum_k \lambda_k^2} = \frac{\mathrm{tr}(K)^2}{\lVert K \rVert_F^2}$$

    with K the centred Gram matrix, or the covariance where features are fewer than stimuli: no eigendecomposition.

    Args:
        x: `[stimulus, feature]`, or the Gram matrix of stimuli.

    Raises:
        ShapeError: Stimuli do not differ.
        NonFiniteError: A value is NaN or infinite.

    References:
        Elmoznino and Bonner, 2024, <https://doi.org/10.1371/journal.pcbi.1011792>.

    Example:
        >>> effective_dimensionality(np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]]))
        2.0
    """
    products = _products(x)
    return float(np.trace(products) ** 2 / np.einsum("ij,ij->", products, products))


@dataclass(frozen=True)
class PowerLaw:
    """What `power_law` returns.

    Attributes:
        exponent: a in λ ∝ rank^−a.
        r2: The share of the variance of log λ that this explains.
        first: The first rank that was fitted.
        last: The last.
        ranks: How many eigenvalues there are that are not rounding.
    """

    exponent: float
    r2: float
    first: int
    last: int
    ranks: int


def power_law(x: Gram | Features | npt.ArrayLike, *, first: int = 11, last: int | None = 500) -> PowerLaw:
    r"""The exponent a of the eigenspectrum \(\lambda_k \propto k^{-a}\) of the covariance of features: least squares of log λ on log k.

    The least rank is 1. The first ranks are often off the line, and the last ones are noise.

    Args:
        x: `[stimulus, feature]`, or the Gram matrix of stimuli.
        first: The first rank of the fit.
        last: The last; fewer where there are fewer. None: all.

    Raises:
        InputError: Fewer than 3 ranks are left.
        ShapeError: Stimuli do not differ.
        NonFiniteError: A value is NaN or infinite.

    References:
        Stringer, Pachitariu, Steinmetz, Carandini and Harris, 2019, <https://doi.org/10.1038/s41586-019-1346-5>.

    Example:
        >>> rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(50, 50)))[0]
        >>> round(power_law(rotation * np.arange(1.0, 51.0) ** -0.6, first=2, last=40).exponent, 1)
        1.2
    """
    products = _products(x)
    values = np.linalg.eigvalsh(products)[::-1]
    ranks = int((values > np.finfo(np.float64).eps * len(values) * values[0]).sum())
    end = ranks if last is None else min(last, ranks)
    if first < 1 or end - first < 2:
        raise InputError(
            f"a power law needs 3 ranks or more; from first={first} to last={last} there are {max(0, end - max(first, 1) + 1)}, "
            f"as {ranks} eigenvalues are not 0. Choose first and last within 1 to {ranks}."
        )
    rank, value = np.log(np.arange(first, end + 1)), np.log(values[first - 1 : end])
    rank -= rank.mean()
    value -= value.mean()
    slope = float(rank @ value / (rank @ rank))
    total = float(value @ value)
    return PowerLaw(-slope, 1 - float(np.sum((value - slope * rank) ** 2)) / total if total > 0 else 1.0, first, end, ranks)


def _products(x: Gram | Features | npt.ArrayLike) -> FloatArray:
    """Centred products, of stimuli or of features, whichever are fewer."""
    products: FloatArray
    if not isinstance(x, Gram):
        values = x.values if isinstance(x, Features) else as_floats(x, name="features", ndim=2)
        if values.shape[1] > len(values):
            x = Gram.from_features(x)
        else:
            check_finite(values, name="features", ids=x.ids if isinstance(x, Features) else None)
            centred, _ = centre_columns(values)
            products = centred.T @ centred
    if isinstance(x, Gram):
        check_finite(x.centred, name=x.name, ids=x.ids)
        products = x.centred
    if not np.trace(products) > 0:
        raise ShapeError(f"the {len(x)} stimuli do not differ; there are no directions to count.")  # type: ignore[arg-type]
    return products
