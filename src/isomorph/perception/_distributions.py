"""What a table of distributions must be, said once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from isomorph.arrays import as_floats
from isomorph.errors import InputError, NonFiniteError, ShapeError

Floats: TypeAlias = npt.NDArray[np.float64]
_TOLERANCE = 1e-3  # float16 softmaxes and tables rounded to four digits stay within it


def check_weights(values: Any, *, name: str, ids: Sequence[str] | None = None) -> Floats:
    """`values` [item, outcome] as float64, finite, none negative, each row with something in it.

    Raises:
        ShapeError: There are not two axes of numbers.
        NonFiniteError: A number is NaN or infinite.
        InputError: A number is negative, or a row sums to zero.
    """
    table = as_floats(values, name=name, ndim=2).astype(np.float64)
    if ids is not None and len(table) != len(ids):
        raise ShapeError(f"{name} has {len(table)} rows for {len(ids)} items; each item has one row.")
    bad = ~np.isfinite(table)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise NonFiniteError(
            f"{name} has {table[row, column]} for {_which(row, ids)} (outcome {column}), and {int(bad.any(axis=1).sum())} of {len(table)} "
            "items hold NaN or infinity. Leave them out, or give them an answer."
        )
    if (table < 0).any():
        row, column = np.argwhere(table < 0)[0]
        raise InputError(f"{name} has {table[row, column]:g} for {_which(row, ids)} (outcome {column}); no answer has a share below 0.")
    empty = np.flatnonzero(table.sum(axis=1) <= 0)
    if len(empty):
        raise InputError(
            f"{name} has nothing but zeros for {_which(empty[0], ids)}, and for {len(empty)} of {len(table)} items: nobody answered there. "
            "Leave these items out, or give the outcome that stands for no answer its share."
        )
    return table


def check_distributions(values: Any, *, name: str, ids: Sequence[str] | None = None) -> Floats:
    """As `check_weights`, and each row sums to one within 0.001; what rounding left over is then divided out.

    Raises:
        InputError: A row sums to something else.
    """
    table = check_weights(values, name=name, ids=ids)
    sums = table.sum(axis=1, keepdims=True)
    off = np.flatnonzero(np.abs(sums[:, 0] - 1) > _TOLERANCE)
    if len(off):
        raise InputError(
            f"{name} sums to {sums[off[0], 0]:.6g} for {_which(off[0], ids)}, and {len(off)} of {len(table)} items do not sum to 1. "
            "Probabilities are wanted: softmax of logits, or Answers.from_weights to divide by the sum, or Answers.from_counts for votes."
        )
    return np.asarray(table / np.where(np.abs(sums - 1) > 1e-12, sums, 1.0))  # rows that sum to 1 stay as they are, bit for bit


def check_pair(p: Any, q: Any) -> tuple[Floats, Floats]:
    """Two tables of distributions of one shape, or two single distributions as tables of one row.

    Raises:
        ShapeError: Their shapes differ.
    """
    first, second = (check_distributions(np.atleast_2d(each), name=name) for each, name in ((p, "p"), (q, "q")))
    if first.shape != second.shape:
        raise ShapeError(f"p has the shape {first.shape} and q {second.shape}; both are [item, outcome], row by row the same items.")
    return first, second


def _which(row: int, ids: Sequence[str] | None) -> str:
    return f"row {int(row)}" if ids is None else repr(ids[int(row)])
