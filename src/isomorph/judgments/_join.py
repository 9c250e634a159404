"""Where the objects of judgments stand in features: by id, and by position only on request."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from isomorph.errors import IdError
from isomorph.judgments._triplets import Triplets


def rows_of_objects(ids: Sequence[str], triplets: Triplets, *, name: str = "features", positional: bool = False) -> npt.NDArray[np.intp]:
    """`[object]`: the row of each object of `triplets` in `ids`; -1 for an object that no trial shows and `ids` lacks.

    Args:
        ids: The stimulus of each row of the features.
        triplets: The judgments.
        name: What messages call the features.
        positional: Row i is object i, whatever it is called. Where both sides have names, they must agree.

    Raises:
        IdError: A trial shows an object that `ids` lacks; or a join by position meets other names or another number of rows.
    """
    if positional:
        _check_positions(ids, triplets.objects, name)
        return np.arange(len(ids))
    if tuple(ids) == triplets.objects:
        return np.arange(len(ids))
    place = {each: row for row, each in enumerate(ids)}
    rows = np.array([place.get(each, -1) for each in triplets.objects], dtype=np.intp)
    missing = np.flatnonzero((rows < 0) & triplets.shown)
    if len(missing):
        raise IdError(_missing(ids, triplets, missing, name))
    return rows


def are_row_numbers(ids: Sequence[str]) -> bool:
    """Whether ids are "0", "1", …: a file without names."""
    return all(each == str(row) for row, each in enumerate(ids))


def _missing(ids: Sequence[str], triplets: Triplets, missing: npt.NDArray[np.intp], name: str) -> str:
    objects, first = triplets.objects, triplets.objects[int(missing[0])]
    sentence = (
        f"{name}: {len(missing):,} of the {int(triplets.shown.sum()):,} objects that the trials show are missing; the first is {first!r}."
    )
    if are_row_numbers(ids) and are_row_numbers(objects):
        if not triplets.shown[0] and len(objects) == len(ids) + 1:
            return (
                f"{sentence} The trials show objects 1 to {len(ids):,} and there are {len(ids):,} rows: the file counts from 1. "
                "Read it with base=1."
            )
        return f"{sentence} It has {len(ids):,} rows, and the trials go up to object {int(np.flatnonzero(triplets.shown)[-1]):,}."
    if are_row_numbers(ids) or are_row_numbers(objects):
        nameless, named = (name, "the judgments") if are_row_numbers(ids) else ("the judgments", name)
        return (
            f"{sentence} In {nameless} objects are row numbers, in {named} they have names: give the names (ids=… for "
            "features, objects=… for "
            "judgments), or join by position on purpose (positional=True)."
        )
    bare = {each.rpartition(".")[0] for each in ids}
    if first in bare:
        return f"{sentence} There is a row of that name with a file's suffix: take the suffixes away from the ids."
    return f"{sentence} Leave out such trials with triplets.restrict(ids)."


def _check_positions(ids: Sequence[str], objects: tuple[str, ...], name: str) -> None:
    if len(ids) != len(objects):
        raise IdError(f"joined by position, {name} has {len(ids):,} rows but the judgments have {len(objects):,} objects.")
    if are_row_numbers(ids) or are_row_numbers(objects):
        return
    different = [row for row, (one, other) in enumerate(zip(ids, objects, strict=True)) if one != other]
    if different:
        row = different[0]
        raise IdError(
            f"joined by position, {len(different):,} of {len(objects):,} rows are different objects; the first is row {row}, "
            f"{ids[row]!r} in {name} and {objects[row]!r} in the judgments.{_known_order(ids, objects)} "
            "Join by id instead (positional=False)."
        )


def _known_order(ids: Sequence[str], objects: tuple[str, ...]) -> str:
    from isomorph.judgments._things import order_of

    ours, theirs = order_of(ids), order_of(objects)
    return f" The features stand in THINGS {ours} order, the judgments in {theirs} order." if ours and theirs and ours != theirs else ""
