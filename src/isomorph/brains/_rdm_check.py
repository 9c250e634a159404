"""Whether the parts of a recording of RDMs fit together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import as_floats
from isomorph.errors import InputError, NonFiniteError, ShapeError

Doubles = npt.NDArray[np.float64]
_TOLERANCE = 1e-5


def check_regions(
    rdms: Mapping[str, Any], subjects: Mapping[str, Sequence[str]] | Sequence[str], ids: tuple[str, ...]
) -> tuple[dict[str, Doubles], dict[str, tuple[str, ...]]]:
    """`[subject, repeat, pair]` of each region, and its subjects; or the error that says why there is none."""
    if not isinstance(rdms, Mapping) or not rdms:
        raise InputError('a recording of RDMs needs at least one region: rdms={"IT": array}.')
    if len(ids) < 2:
        raise ShapeError(f"RDMs need at least 2 stimuli; got {len(ids)}.")
    if isinstance(subjects, str):
        raise InputError(f"subjects must be a list of names; got the text {subjects!r}.")
    values = {str(region): _condensed(each, region=str(region), stimuli=len(ids)) for region, each in rdms.items()}
    given = subjects if isinstance(subjects, Mapping) else dict.fromkeys(values, subjects)
    if strangers := [each for each in given if each not in values]:
        raise InputError(f"there are subjects of {strangers[0]!r}, but no RDMs of it; there are RDMs of {', '.join(map(repr, values))}.")
    return values, {region: _names(region, given.get(region, ()), len(each)) for region, each in values.items()}


def by_region(entries: Sequence[tuple[str, str, Any]]) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
    """`[subject, repeat, …]` of each region from RDMs with their regions and subjects; several of one subject are repeats.

    Raises:
        InputError: Subjects of a region have different numbers of RDMs.
    """
    rdms, subjects = {}, {}
    for region in dict.fromkeys(region for region, _, _ in entries):
        rows: dict[str, list[Any]] = {}
        for where, who, values in entries:
            if where == region:
                rows.setdefault(who, []).append(values)
        if len({len(each) for each in rows.values()}) > 1:
            listed = ", ".join(f"{who!r} has {len(each)}" for who, each in rows.items())
            raise InputError(f"subjects of {region!r} have different numbers of RDMs: {listed}. Average those of each first.")
        rdms[region], subjects[region] = np.array(list(rows.values())), tuple(rows)
    return rdms, subjects


def _names(region: str, names: Sequence[str], count: int) -> tuple[str, ...]:
    result = tuple(map(str, names)) or tuple(str(number) for number in range(1, count + 1))
    if len(result) != count:
        raise ShapeError(f"{region!r} has RDMs of {count} subject{'s' * (count != 1)}, but {len(result)} names of subjects.")
    for name in result:
        if result.count(name) > 1:
            raise InputError(f"{region!r} has {result.count(name)} subjects called {name!r}. Put repeats of one on the axis of repeats.")
    return result


def _condensed(rdms: Any, *, region: str, stimuli: int) -> Doubles:
    """`[subject, repeat, pair]` in float64, whatever form it was given in."""
    name = f"the RDMs of {region!r}"
    values = as_floats(rdms, name=name).astype(np.float64)
    if not values.size:
        raise ShapeError(f"{name} have shape {values.shape}: an axis is empty.")
    if _is_square(values, stimuli):
        values = _triangles(values, name)
    if values.ndim not in (1, 2, 3):
        raise ShapeError(f"{name} need the axes [subject, pair] or [subject, repeat, pair]; got shape {np.shape(rdms)}.")
    pairs = math.comb(stimuli, 2)
    if pairs in values.shape[:-1] and values.shape[-1] != pairs:
        raise ShapeError(f"{name} have shape {values.shape}, and {stimuli} stimuli make {pairs:,} pairs: transpose them, pairs come last.")
    values = values.reshape(len(values) if values.ndim > 1 else 1, -1, values.shape[-1])
    if values.shape[2] != pairs:
        raise ShapeError(f"{name} have {values.shape[2]:,} pairs, but {stimuli} stimuli make {pairs:,}{_fitting(values.shape)}")
    if not np.isfinite(values).all():
        bad = ~np.isfinite(values)
        raise NonFiniteError(
            f"{name} have {int(bad.sum())} of {bad.size} distances that are NaN or infinite, of {int(bad.any(axis=(1, 2)).sum())} of "
            f"{len(values)} subjects. Leave out those stimuli, or those subjects."
        )
    return values


def _fitting(shape: tuple[int, ...]) -> str:
    """What number of stimuli would do."""
    pairs = shape[2]
    n = round((1 + math.sqrt(1 + 8 * pairs)) / 2)
    if math.comb(n, 2) == pairs:
        return f"; {n} would make {pairs:,}. Give the ids of those {n}."
    if shape[1] == shape[2]:
        return f"; these are matrices of {pairs} stimuli. Give the ids of those {pairs}."
    return ", and no number of stimuli makes that many. Give the strict upper triangles, row by row, or square matrices."


def _is_square(values: Doubles, stimuli: int) -> bool:
    """Whether the last two axes are stimuli. Three of them make three pairs: then zeros on the diagonal decide."""
    if values.ndim < 2 or values.shape[-2:] != (stimuli, stimuli):
        return False
    return stimuli != 3 or not np.diagonal(values, axis1=-2, axis2=-1).any()


def _triangles(values: Doubles, name: str) -> Doubles:
    """The strict upper triangles of symmetric matrices with zeros on their diagonals."""
    scale = float(np.nanmax(np.abs(values), initial=0.0))
    gap = np.abs(values - values.swapaxes(-1, -2))
    if np.nanmax(gap, initial=0.0) > _TOLERANCE * scale:
        *_, row, column = np.unravel_index(int(np.nanargmax(gap)), gap.shape)
        raise InputError(
            f"{name} must be symmetric, but entries ({row}, {column}) and ({column}, {row}) differ by {np.nanmax(gap):.6g}. Average each "
            "matrix with its transpose if that is what you mean."
        )
    diagonal = np.abs(np.diagonal(values, axis1=-2, axis2=-1))
    if np.nanmax(diagonal, initial=0.0) > _TOLERANCE * scale:
        raise InputError(
            f"{name} must have zeros on their diagonals, but one is {np.nanmax(diagonal):.6g}. A matrix of similarities becomes an RDM as "
            "1 − similarity."
        )
    triangles: Doubles = values[(..., *np.triu_indices(values.shape[-1], 1))]
    return triangles
