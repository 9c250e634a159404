"""What methods read, checked: arrays of logits, passes and features, and the labels beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray, as_floats, check_finite
from isomorph.errors import IdError, InputError, ShapeError
from isomorph.features import Features

Floats: TypeAlias = npt.NDArray[np.float64]
Reads = Literal["logits", "passes", "features"]
_BLOCK_VALUES = 4_000_000


def as_array(values: Any, *, what: Reads) -> FloatArray:
    """Features or an array `[item, feature]`, `[item, class]` or `[pass, item, class]`, finite and not empty.

    Raises:
        ShapeError: It has other axes, no items, or fewer than two classes.
        NonFiniteError: A value is NaN or infinite.
    """
    ids = values.ids if isinstance(values, Features) else None
    name = f"the array of {what}"
    array = as_floats(values.values if isinstance(values, Features) else values, name=name, ndim=3 if what == "passes" else 2)
    if not all(array.shape):
        raise ShapeError(f"{name} is empty; its shape is {array.shape}.")
    if what != "features" and array.shape[-1] < 2:
        raise ShapeError(f"{name} has one class; nothing can be unsure between fewer than two.")
    check_finite(array, name=name, ids=ids, rows="passes" if what == "passes" else "items")
    return array


def check_width(array: FloatArray, width: int, *, owner: str, what: Reads) -> None:
    """Raise unless rows are as long as those the method was fitted to."""
    if array.shape[-1] != width:
        unit = "features" if what == "features" else "classes"
        raise ShapeError(
            f"this {owner} was fitted to {width} {unit} an item; it was given {array.shape[-1]}. Score what the same layer of the same "
            "model says."
        )


def read_labels(labels: Any, values: Any, *, owner: str) -> list[Any]:
    """The label of each row, as they stand; a mapping meets `Features` by id.

    Raises:
        ShapeError: There are not as many labels as rows.
        IdError: An item has no label.
        InputError: Labels are named and rows are not, or a label is None or NaN.
    """
    if isinstance(labels, Mapping):
        if not isinstance(values, Features):
            raise InputError(f"{owner} was given labels by name and rows without names. Pass Features, or labels in the order of the rows.")
        missing = [each for each in values.ids if each not in labels]
        if missing:
            raise IdError(f"{len(missing)} of {len(values)} items have no label; the first is {missing[0]!r}.")
        labels = [labels[each] for each in values.ids]
    found = list(labels.tolist() if hasattr(labels, "tolist") else labels)
    if len(found) != len(values):
        raise ShapeError(f"{owner} needs one label an item; it was given {len(found)} labels for {len(values)} items.")
    for row, each in enumerate(found):
        if each is None or each != each:  # noqa: PLR0124 - NaN alone differs from itself
            raise InputError(f"{owner} was given no label for row {row}. Leave that item out.")
    return found


def class_numbers(labels: list[Any], classes: int, *, owner: str) -> IntArray:
    """Labels that are columns of the logits.

    Raises:
        InputError: A label is no whole number from 0 to classes − 1.
    """
    for row, each in enumerate(labels):
        if isinstance(each, bool) or not isinstance(each, int | np.integer) or not 0 <= each < classes:
            raise InputError(
                f"{owner} reads labels as columns of the logits, whole numbers from 0 to {classes - 1}; row {row} has {each!r}."
            )
    return np.array(labels, dtype=np.intp)


def check_choice(owner: Any, **choices: tuple[str, ...]) -> None:
    """Raise unless each of these options has one of the values that it may have."""
    for name, known in choices.items():
        value = getattr(owner, name)
        if value not in known:
            raise InputError(f"{type(owner).__name__}'s {name} is {' or '.join(map(repr, known))}; got {value!r}.")


def check_number(owner: Any, name: str, *, above: float | None = None, least: float | None = None, most: float = np.inf) -> None:
    """Raise unless an option is a finite number in its range."""
    value = getattr(owner, name)
    fits = isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value) and value <= most
    if fits and (above is None or value > above) and (least is None or value >= least):
        return
    floor = f"above {above:g}" if above is not None else f"of at least {least:g}"
    ceiling = f" and at most {most:g}" if np.isfinite(most) else ""
    raise InputError(f"{type(owner).__name__}'s {name} must be a number {floor}{ceiling}; got {value!r}.")


def row_blocks(rows: int, width: int) -> Iterator[slice]:
    """Slices of rows, each of about four million values."""
    step = max(16, _BLOCK_VALUES // max(width, 1))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def score_rows(array: FloatArray, score: Callable[[FloatArray], Any], *, width: int = 0) -> Floats:
    """`score` of each block of rows, joined; `width` is that of the widest array that it makes."""
    out = np.empty(len(array))
    for part in row_blocks(len(array), max(width, array.shape[1])):
        out[part] = score(array[part])
    return out
