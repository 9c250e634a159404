"""The median distance between stimuli, which is the unit of an RBF kernel's width: a first pass, thing by thing."""

from __future__ import annotations

from typing import Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import ShapeError
from isomorph.pairwise._rows import Rows, release

_BLOCK_VALUES = 2**21
_BINS = 2**20


def median_distance(rows: Rows, *, unit: str, memory: int, name: str) -> float:
    """The median distance between different stimuli, in the units of the features, over all pairs.

    Exact where the distances fit into `memory`; else from a histogram of 2²⁰ bins, right to a millionth of twice the longest row.

    Args:
        rows: Centred.
        unit: `"median"` of the distances, or `"root-median"`: the root of the median squared distance that is not 0.
        memory: In bytes.
        name: What messages call the thing.

    Raises:
        ShapeError: The median is 0.
    """
    n = len(rows.squares)
    pairs = n * (n - 1) // 2
    exact = pairs * rows.values.dtype.itemsize <= memory
    highest = 4 * float(rows.squares.max())
    kept = np.empty(pairs if exact else 0, rows.values.dtype)
    counts = np.zeros(0 if exact else _BINS, dtype=np.int64)
    at = 0
    for squares in _squared_distances(rows):
        if exact:
            kept[at : at + len(squares)] = squares
            at += len(squares)
        else:
            bins = np.minimum(np.sqrt(squares / highest) * _BINS, _BINS - 1).astype(np.int64)
            bins[squares <= 0] = 0
            counts += np.bincount(bins, minlength=_BINS)
    result = _selected(kept, unit) if exact else _from_counts(counts, float(np.sqrt(highest)), unit)
    if not result > 0:
        raise ShapeError(f"the median distance between the stimuli of {name!r} is 0, so that sigma has no unit. Use sigma_unit='absolute'.")
    return result * rows.scale


def _squared_distances(rows: Rows) -> Any:
    n = len(rows.squares)
    squares = rows.squares.astype(rows.values.dtype)
    height = max(1, _BLOCK_VALUES // n)
    for start in range(0, n, height):
        stop = min(start + height, n)
        block = rows.values[start:stop] @ rows.values[start:].T
        block *= -2
        block += squares[start:stop, None]
        block += squares[start:]
        np.maximum(block, 0, out=block)
        release(rows.values)
        yield block[np.arange(n - start) > np.arange(stop - start)[:, None]]


def _selected(squares: FloatArray, unit: str) -> float:
    if unit == "root-median":
        squares = squares[squares > 0]
    if not len(squares):
        return 0.0
    middle = [(len(squares) - 1) // 2, len(squares) // 2]
    squares.partition(middle)
    two = squares[middle].astype(np.float64)
    return float(np.sqrt(two).mean() if unit == "median" else np.sqrt(two.mean()))


def _from_counts(counts: Any, highest: float, unit: str) -> float:
    if unit == "root-median":
        counts = counts.copy()
        counts[0] = 0
    if not counts.sum():
        return 0.0
    found = int(np.searchsorted(np.cumsum(counts), (counts.sum() + 1) // 2))
    return 0.0 if found == 0 else (found + 0.5) / len(counts) * highest
