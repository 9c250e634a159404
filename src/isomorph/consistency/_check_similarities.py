"""What similarity matrices must be, and the sentence for each way in which they are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.arrays import FloatArray, as_floats, unique_ids
from isomorph.errors import IdError, InputError, NonFiniteError, ShapeError

if TYPE_CHECKING:
    import pandas

TOLERANCE = 1e-6
"""The largest gap between S[f, g] and S[g, f], in units of the largest |S|, that passes for rounding."""


def checked_values(values: Any, *, datasets: tuple[str, ...], measures: tuple[str, ...], models: tuple[str, ...]) -> FloatArray:
    """`[dataset, measure, model, model]` as float64, exactly symmetric, NaN only in rows and columns of missing models."""
    array = as_floats(values, name="similarities", ndim=4).astype(np.float64)
    if array.shape[2] != array.shape[3]:
        raise ShapeError(f"similarities need as many rows as columns of models; got {array.shape[2]} × {array.shape[3]}.")
    expected = (len(datasets), len(measures), len(models), len(models))
    if array.shape != expected:
        raise ShapeError(
            f"similarities have the shape {array.shape}, but {len(datasets)} data sets, {len(measures)} measures and {len(models)} "
            f"models need {expected}: [dataset, measure, model, model]."
        )
    for d, dataset in enumerate(datasets):
        for k, measure in enumerate(measures):
            array[d, k] = checked_matrix(array[d, k], f"{dataset!r} ({measure})", models)
    return array


def checked_matrix(matrix: FloatArray, name: str, models: Sequence[str]) -> FloatArray:
    """One matrix, symmetric up to rounding, made so exactly."""
    missing = np.isnan(np.diagonal(matrix))
    allowed = missing[:, None] | missing[None, :]
    wrong = ~np.isfinite(matrix) & ~(allowed & np.isnan(matrix))
    if wrong.any():
        f, g = np.argwhere(wrong)[0]
        what = "the diagonal holds" if f == g else f"{models[f]!r} – {models[g]!r} is"
        raise NonFiniteError(
            f"the similarity matrix of {name}: {what} {matrix[f, g]}, one of {int(wrong.sum())} such values. A model that is missing on a "
            "data set must be NaN in its whole row and column there; compute the others again."
        )
    half = allowed & ~np.isnan(matrix)
    if half.any():
        f, g = np.argwhere(half)[0]
        absent = models[f] if missing[f] else models[g]
        raise NonFiniteError(
            f"the similarity matrix of {name}: {absent!r} has NaN on the diagonal, as a missing model has, but {models[f]!r} – "
            f"{models[g]!r} is {matrix[f, g]:.6g}. Set the diagonal to the similarity to itself, or the whole row and column to NaN."
        )
    gap = np.where(allowed, 0.0, np.abs(np.where(allowed, 0.0, matrix) - np.where(allowed, 0.0, matrix).T))
    largest = np.abs(np.where(allowed, 0.0, matrix)).max(initial=0.0)
    if gap.max(initial=0.0) > TOLERANCE * largest:
        f, g = (int(each) for each in np.unravel_index(int(gap.argmax()), gap.shape))
        raise InputError(
            f"the similarity matrix of {name} is not symmetric: {models[f]!r} – {models[g]!r} is {matrix[f, g]:.6g}, but "
            f"{models[g]!r} – {models[f]!r} is {matrix[g, f]:.6g}, a gap of {gap[f, g]:.2g}. Use a symmetric measure, or give the mean "
            "of the matrix and its transpose if both estimate one thing."
        )
    return np.asarray((matrix + matrix.T) / 2)


def checked_table(values: Any, name: str, shape: tuple[int, ...], *, least: float = -np.inf) -> FloatArray | None:
    """An optional array of known shape; NaN says unknown."""
    if values is None:
        return None
    array = as_floats(values, name=name, ndim=len(shape)).astype(np.float64)
    if array.shape != shape:
        raise ShapeError(f"{name} has the shape {array.shape}; the similarities need {shape}.")
    if np.isinf(array).any() or (array < least).any():
        bad = np.isinf(array) | (array < least)
        raise NonFiniteError(
            f"{name} holds {int(bad.sum())} values that are infinite or negative; the first is {array[bad][0]}. Write NaN for unknown."
        )
    return array


def checked_metadata(metadata: pandas.DataFrame | None, models: tuple[str, ...]) -> pandas.DataFrame | None:
    """The rows of `models`, in their order."""
    if metadata is None:
        return None
    table = metadata.copy()
    table.index = table.index.map(str)
    unique_ids(list(table.index), name="the metadata")
    missing = [name for name in models if name not in table.index]
    if missing:
        raise IdError(
            f"the metadata has no row for {len(missing)} of {len(models)} models; the first is {missing[0]!r}. Its rows are named "
            f"{', '.join(map(repr, table.index[:3]))}{', …' if len(table) > 3 else ''}: names must be equal on both sides."
        )
    table = table.loc[list(models)]
    table.index.name = "model"
    return table


def labels(values: Sequence[Any] | None, name: str, of: tuple[str, ...], kind: str, convert: Callable[[Any], Any]) -> Any:
    """An optional tuple with one entry for each of `of`."""
    if values is None:
        return None
    if len(values) != len(of):
        raise ShapeError(f"{name} has {len(values)} entries for {len(of)} {kind}.")
    converted = tuple(convert(each) for each in values)
    if convert is int and any(each < 1 for each in converted):
        at = next(at for at, each in enumerate(converted) if each < 1)
        raise InputError(f"{name} counts from 1; {of[at]!r} has {converted[at]}.")
    return converted
