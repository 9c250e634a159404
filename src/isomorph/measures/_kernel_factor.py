"""Features of at most as many columns as stimuli that have the geometry of wider ones, and nuclear norms between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.linalg

from isomorph.arrays import FloatArray
from isomorph.errors import ShapeError
from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.geometry._centre import centre_columns
from isomorph.measures._measure import Comparable


def narrowed(x: Comparable) -> Comparable:
    """`x` itself, or where it is wider than the stimuli are many (or a `Gram`) an array of the same inner products after centring.

    Wide features become the triangle of a QR decomposition, which keeps all digits; a Gram matrix its scaled eigenvectors.
    """
    if isinstance(x, RDM):
        return x
    if isinstance(x, Gram):
        values, vectors = np.linalg.eigh(x.centred)
        kept = values > len(x) * np.finfo(np.float64).eps * values.max(initial=0.0)
        return np.asarray(vectors[:, kept] * np.sqrt(values[kept]))
    values = x.values if isinstance(x, Features) else x
    if values.shape[1] <= len(values):
        return values
    (triangle,) = scipy.linalg.qr(centre_columns(values)[0].T, mode="r", overwrite_a=True, check_finite=False)
    return np.asarray(triangle[: len(values)].T)


def shapes(things: Sequence[FloatArray], names: Sequence[str], *, measure: str) -> list[tuple[FloatArray, float]]:
    """Each thing centred, with its Frobenius norm.

    Raises:
        ShapeError: A thing does not vary, or there are different numbers of stimuli.
    """
    result = []
    for thing, name in zip(things, names, strict=True):
        if len(thing) != len(things[0]):
            raise ShapeError(f"{measure} compares row by row, but {names[0]} has {len(things[0])} stimuli and {name} has {len(thing)}.")
        values = centre_columns(thing)[0]
        norm = float(np.linalg.norm(values))
        if not norm > 0:
            raise ShapeError(f"{name} does not vary over its stimuli, so that {measure} is 0/0. Leave it out.")
        result.append((values, norm))
    return result


def nuclear_norm(x: FloatArray, y: FloatArray) -> float:
    """The sum of the singular values of xᵀy."""
    return float(scipy.linalg.svdvals(x.T @ y, check_finite=False).sum())
