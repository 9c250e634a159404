"""What is compared, checked: same stimuli, in one order, without reading their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from isomorph.arrays import positions
from isomorph.errors import IdError, InputError, ShapeError
from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.pairwise._rows import Thing


def is_relational(items: Mapping[str, Any]) -> bool:
    """Whether stripes cannot be multiplied from some of the items: they are relations already, or hold repeats."""
    return any(isinstance(each, Gram | RDM) or np.ndim(getattr(each, "values", each)) == 3 for each in items.values())


def check_things(items: Mapping[str, Any]) -> list[Thing]:
    """The items with their stimuli in the order of the first that names them.

    Raises:
        InputError: There are fewer than two.
        ShapeError: One is no matrix of numbers, or numbers of stimuli differ.
        IdError: Stimuli differ.
    """
    if len(items) < 2:
        raise InputError(f"a comparison needs at least 2 things; got {len(items)}.")
    arrays = {name: _matrix(name, each) for name, each in items.items()}
    named = [name for name, each in items.items() if isinstance(each, Features)]
    first = named[0] if named else next(iter(arrays))
    n = len(arrays[first])
    unequal = [name for name, each in arrays.items() if len(each) != n]
    if unequal:
        raise ShapeError(
            f"things are compared row by row, but {len(unequal)} of {len(arrays)} have another number of stimuli than {first!r} ({n:,}); "
            f"the first is {unequal[0]!r} with {len(arrays[unequal[0]]):,}."
        )
    ids = items[first].ids if named else tuple(str(row) for row in range(n))
    orders = {name: _order(items, name, first) if name in named else None for name in arrays}
    return [Thing(name, array, orders[name], ids) for name, array in arrays.items()]


def _matrix(name: str, item: Any) -> Any:
    values = item.values if isinstance(item, Features) else np.asanyarray(item)
    if values.ndim != 2:
        raise ShapeError(f"{name!r} needs the axes [stimulus, feature]; got shape {values.shape}.")
    if values.dtype.kind not in "fiub":
        raise ShapeError(f"{name!r} must hold numbers; got an array of type {values.dtype}.")
    if not values.shape[1]:
        raise ShapeError(f"{name!r} has no features.")
    return values


def _order(items: Mapping[str, Any], name: str, first: str) -> Any:
    mine, common = items[name].ids, items[first].ids
    if mine == common:
        return None
    if missing := set(common) - set(mine):
        lacking = sum(isinstance(each, Features) and bool(set(common) - set(each.ids)) for each in items.values())
        nearest = next(each for each in common if each in missing)
        raise IdError(
            f"{name!r} was not shown {len(missing)} of the {len(common)} stimuli of {first!r}; the first is {nearest!r}. "
            f"{lacking} of {len(items)} things lack some: choose the shared ones with .take(ids)."
        )
    return positions(mine, common, name=repr(name))
