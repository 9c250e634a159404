"""The axes that arrays may have, and the few checks every room shares.

Axis vocabulary: `stimulus` (rows, always first and always named by ids), `feature`, `pair` (the strict upper triangle of stimulus ×
stimulus, row by row), `subject`, `repeat`, `replicate` (of a bootstrap), `layer`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from isomorph.errors import IdError, NonFiniteError, ShapeError

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
IntArray: TypeAlias = npt.NDArray[np.integer[Any]]


def as_floats(values: Any, *, name: str, ndim: int | None = None) -> FloatArray:
    """Return `values` as float32 or float64 (integers and booleans become float64, float16 becomes float32).

    Raises:
        ShapeError: `values` is not numeric or has another number of axes than `ndim`.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise ShapeError(f"{name} must hold numbers; got an array of type {array.dtype}.")
    if ndim is not None and array.ndim != ndim:
        raise ShapeError(f"{name} needs {ndim} axes; got shape {array.shape}.")
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        return array.astype(np.float64)
    return array.astype(np.float32) if array.dtype == np.float16 else array


def check_finite(values: FloatArray, *, name: str, ids: Sequence[str] | None = None, rows: str = "stimuli") -> None:
    """Raise `NonFiniteError` naming the first row (`rows` says what they are) that holds NaN or infinity."""
    if np.isfinite(values.sum(dtype=np.float64)):
        return
    bad = ~np.isfinite(values)
    if not bad.any():
        return
    at = np.flatnonzero(bad.reshape(len(values), -1).any(axis=1))
    first = repr(ids[int(at[0])]) if ids is not None else f"row {int(at[0])}"
    raise NonFiniteError(
        f"{name} has {int(bad.sum())} values that are NaN or infinite, in {len(at)} of {len(values)} {rows}; the first is {first}."
    )


def unique_ids(ids: Sequence[str], *, name: str) -> tuple[str, ...]:
    """Return `ids` as a tuple of strings; raise `IdError` if one stands twice."""
    result = tuple(str(each) for each in ids)
    if len(set(result)) != len(result):
        doubled = [each for each, count in Counter(result).items() if count > 1]
        raise IdError(f"{name} has {len(doubled)} ids that stand more than once; the first is {doubled[0]!r}. Ids must be unique.")
    return result


def positions(ids: Sequence[str], wanted: Sequence[str], *, name: str) -> npt.NDArray[np.intp]:
    """Where each of `wanted` stands in `ids`; raise `IdError` naming the first that is missing."""
    index = {each: position for position, each in enumerate(ids)}
    missing = [each for each in wanted if each not in index]
    if missing:
        raise IdError(f"{name} was not shown {len(missing)} of {len(wanted)} stimuli; the first is {missing[0]!r}.")
    return np.array([index[each] for each in wanted], dtype=np.intp)


def array_digest(values: npt.NDArray[Any]) -> str:
    """32 hexadecimal digits of the numbers, their shape and type (XXH3, 128 bits); read some rows at a time, so that they may be mapped."""
    import xxhash

    digest = xxhash.xxh3_128(f"{values.shape}{values.dtype.str}".encode())
    for start in range(0, len(values), 1024):
        digest.update(np.ascontiguousarray(values[start : start + 1024]).data)
    return digest.hexdigest()
