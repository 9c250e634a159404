"""The distances an RDM may hold, from features in row blocks or from a Gram matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np

from isomorph.arrays import FloatArray, check_finite
from isomorph.errors import InputError, ShapeError, UnknownNameError
from isomorph.geometry._centre import centre_columns

Distance: TypeAlias = Literal["correlation", "cosine", "euclidean", "sqeuclidean", "gaussian", "mahalanobis", "crossnobis", "poisson"]
DISTANCES: tuple[str, ...] = get_args(Distance)
PLAIN_DISTANCES = ("correlation", "cosine", "euclidean", "sqeuclidean")
SQUARED_DISTANCES = ("sqeuclidean", "mahalanobis", "crossnobis", "poisson")
SIGMA_UNITS = ("median", "absolute")

_BLOCK_ROWS = 1024


def check_distance(distance: str) -> None:
    """Raise `UnknownNameError` unless `distance` is one of `DISTANCES`."""
    if distance not in DISTANCES:
        raise UnknownNameError("distance", distance, DISTANCES)


def check_sigma_unit(sigma: float, sigma_unit: str) -> None:
    """Raise unless these set the width of a Gaussian."""
    if sigma_unit not in SIGMA_UNITS:
        raise UnknownNameError("unit of sigma", sigma_unit, SIGMA_UNITS)
    if not sigma > 0:
        raise InputError(f"sigma must be above 0; got {sigma}.")


def gaussian_distances(squared: FloatArray, *, sigma: float, sigma_unit: str, name: str) -> FloatArray:
    """1 − exp(−d² / 2σ²) of squared distances, σ in units of the median distance or absolute."""
    check_sigma_unit(sigma, sigma_unit)
    if sigma_unit == "median":
        unit = float(np.sqrt(np.median(squared))) if len(squared) else 1.0
        if unit <= 0:
            raise ShapeError(
                f"the median distance between stimuli of {name} is 0, which leaves a Gaussian no width. Use sigma_unit='absolute'."
            )
        sigma = sigma * unit
    return np.asarray(-np.expm1(squared / (-2 * sigma**2)))


def poisson_distances(rates: FloatArray, *, prior_rate: float, prior_weight: float, ids: Sequence[str], name: str) -> FloatArray:
    r"""Symmetrised Kullback-Leibler divergences \(\sum_f (a_f - b_f)(\log a_f - \log b_f)\) of Poisson rates drawn towards a prior."""
    if prior_rate < 0 or prior_weight < 0:
        raise InputError(f"prior_rate and prior_weight must be 0 or more; got {prior_rate} and {prior_weight}.")
    check_finite(rates, name=name, ids=ids)
    low = np.flatnonzero((rates < 0).any(axis=1))
    if len(low):
        raise InputError(
            f"a poisson distance is between rates, which are 0 or more, but {len(low)} of {len(rates)} stimuli of {name} have negative "
            f"features; the first is {ids[int(low[0])]!r}."
        )
    a = (rates.astype(np.float64) + prior_rate * prior_weight) / (1 + prior_weight)
    if (a <= 0).any():
        raise InputError(f"{name} has rates of 0, whose logarithm is infinite. Use a prior_rate and a prior_weight above 0.")
    logs = np.log(a)
    products = a @ logs.T
    own = np.diagonal(products)
    left, right = np.triu_indices(len(a), 1)
    return np.maximum(own[left] + own[right] - products[left, right] - products[right, left], 0)


def condensed_distances(values: FloatArray, distance: str, *, ids: Sequence[str], name: str) -> FloatArray:
    """Distances between all rows of `values`, as the strict upper triangle row by row, in the precision of `values`.

    Blocks of rows are multiplied with what lies to the right of the diagonal, so that half of the full product is computed and
    nothing of size n × n is held but the result. Euclidean products of float32 rows are formed in float64, because they cancel.

    Args:
        values: `[stimulus, feature]`.
        distance: One of `PLAIN_DISTANCES`.
        ids: The stimuli.
        name: What messages call the features.
    """
    check_finite(values, name=name, ids=ids)
    euclidean = distance in ("euclidean", "sqeuclidean")
    rows = centre_columns(values)[0] if euclidean else _unit_rows(values, distance, ids=ids, name=name)
    squares = np.einsum("ij,ij->i", rows, rows) if euclidean else None
    n = len(rows)
    out = np.empty(n * (n - 1) // 2, dtype=values.dtype)
    buffer = np.empty(min(_BLOCK_ROWS, n) * n, dtype=rows.dtype)
    position = 0
    for start in range(0, n, _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, n)
        block = buffer[: (stop - start) * (n - start)].reshape(stop - start, n - start)
        np.matmul(rows[start:stop], rows[start:].T, out=block)
        for offset in range(stop - start):
            products = block[offset, offset + 1 :]
            row = out[position : position + len(products)]
            position += len(products)
            if squares is None:
                np.subtract(1, products, out=row)
            else:
                products *= -2
                products += squares[start + offset]
                np.add(products, squares[start + offset + 1 :], out=row, casting="same_kind")
            np.maximum(row, 0, out=row)
            if distance == "euclidean":
                np.sqrt(row, out=row)
    return out


def _unit_rows(values: FloatArray, distance: str, *, ids: Sequence[str], name: str) -> FloatArray:
    lengths = np.sqrt(np.einsum("ij,ij->i", values, values, dtype=np.float64))
    rows = values
    if distance == "correlation":
        rows = values - values.mean(axis=1, dtype=np.float64)[:, None].astype(values.dtype)
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    check_lengths(norms, floor=4 * np.finfo(values.dtype).eps * lengths, distance=distance, ids=ids, name=name)
    return np.asarray(rows / norms[:, None].astype(values.dtype))


def check_lengths(lengths: FloatArray, *, floor: FloatArray, distance: str, ids: Sequence[str], name: str) -> None:
    """Raise `ShapeError` naming the first stimulus whose row has no direction for a correlation or cosine distance."""
    flat = np.flatnonzero(lengths <= floor)
    if not len(flat):
        return
    what = "the same number in every feature" if distance == "correlation" else "zero in every feature"
    raise ShapeError(
        f"a {distance} distance needs rows that vary, but {len(flat)} of {len(lengths)} stimuli of {name} have {what}; "
        f"the first is {ids[int(flat[0])]!r}. Leave them out, or use distance='euclidean'."
    )
