"""Answers of several raters as a table of codes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.errors import InputError, ShapeError


def coded(responses: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """Responses `[item, rater]` as columns of their sorted distinct values, -1 where there is none (NaN, None or `""`).

    Raises:
        ShapeError: There are not two axes.
        InputError: Nobody answered anything.
    """
    table = np.asarray(responses)
    if table.ndim != 2:
        raise ShapeError(f"responses have the axes [item, rater]; got shape {table.shape}.")
    if table.dtype.kind in "biu":
        known = np.ones(table.shape, dtype=bool)
    elif table.dtype.kind == "f":
        known = ~np.isnan(table)
    else:
        known = np.array([_is_answer(each) for each in table.ravel()], dtype=bool).reshape(table.shape)
        table = np.where(known, table, "").astype(str)
    if not known.any():
        raise InputError("nobody answered anything: all responses are missing.")
    values, codes = np.unique(table[known], return_inverse=True)
    found = np.full(table.shape, -1, dtype=np.int64)
    found[known] = codes.ravel()
    return found, values


def _is_answer(value: Any) -> bool:
    return value is not None and value != "" and not (isinstance(value, float) and math.isnan(value))


def tallied(codes: npt.NDArray[np.int64], outcomes: int) -> npt.NDArray[np.int64]:
    """`[item, outcome]`: how many raters gave each response."""
    items, raters = np.nonzero(codes >= 0)
    flat = np.bincount(items * outcomes + codes[items, raters], minlength=len(codes) * outcomes)
    return flat.reshape(len(codes), outcomes).astype(np.int64)
