"""Rank correlations of all pairs: every thing's entries are ranked once, then a pair is one dot product."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import ShapeError
from isomorph.pairwise._arithmetic import BLOCK_TERMS, Arithmetic
from isomorph.pairwise._rows import release

_BLOCK = 2**20
_STEP = 4 * BLOCK_TERMS


def rank_products(entries: Mapping[int, npt.NDArray[Any]], arithmetic: Arithmetic, *, names: Sequence[str], scratch: Path) -> FloatArray:
    r"""\(\sum_p (r_p - \bar r)(s_p - \bar r)\) of mid-ranks, for all pairs of things.

    Args:
        entries: Pieces `[thing, entry]` by where they begin; together without gaps.
        arithmetic: The precision of the products.
        names: The things.
        scratch: A folder for the ranks, 4 bytes an entry and thing (8 from 2³⁰ entries on).

    Raises:
        ShapeError: All entries of a thing are equal.
    """
    pieces = [entries[start] for start in sorted(entries)]
    m = sum(piece.shape[1] for piece in pieces)
    kind: Any = np.int32 if m < 2**30 else np.int64
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        ranks = []
        for thing, name in enumerate(names):
            row = doubled_ranks(_without_rounding(np.concatenate([piece[thing] for piece in pieces])))
            for piece in pieces:
                release(piece, shared=True)
            if row[0] == m + 1 and (row == m + 1).all():
                raise ShapeError(
                    f"{name!r} has the same distance between all its stimuli, so that a rank correlation is 0/0. Leave it out."
                )
            file = Path(folder) / f"ranks-{thing}"
            row.astype(kind, copy=False).tofile(file)
            ranks.append(np.memmap(file, kind, "r"))
        return _products(ranks, m, arithmetic)


def _without_rounding(entries: FloatArray) -> FloatArray:
    """Entries on a grid of a few times their rounding, in place: those that are told apart by rounding alone should tie."""
    grid = float(np.abs(entries).max(initial=0.0)) * (2.0**-40 if entries.dtype == np.float64 else 2.0**-21)
    # Distances lie near 1, and are kept as what they differ from their mean.
    grid = max(grid, 4 * float(np.finfo(entries.dtype).eps))
    entries /= grid
    return np.rint(entries, out=entries)


def rank_correlations(products: FloatArray, m: int, *, expected: bool) -> FloatArray:
    """Spearman's ρ, or with `expected` ρ_a, from the products of ranks of `m` entries."""
    if expected:
        return np.asarray(products * (12 / (float(m) ** 3 - m)))
    lengths = np.sqrt(np.diagonal(products))
    return np.asarray(np.clip(products / np.outer(lengths, lengths), -1, 1))


def doubled_ranks(values: FloatArray) -> IntArray:
    """Twice the mid-ranks from 1, as whole numbers; one sort, and not much memory beside it.

    Example:
        >>> import numpy as np
        >>> doubled_ranks(np.array([10.0, 30.0, 10.0])).tolist()
        [3, 6, 3]
    """
    m = len(values)
    if values.dtype == np.float32 and m < 2**32:  # value and place in one number: a plain sort is several times faster than argsort
        keys = np.empty(m, dtype=np.uint64)
        for start in range(0, m, _BLOCK):
            bits = _ordered_bits(values[start : start + _BLOCK])
            keys[start : start + _BLOCK] = bits << np.uint64(32) | np.arange(start, start + len(bits), dtype=np.uint64)
        keys.sort()
        return _group(lambda part: keys[part] >> np.uint64(32), lambda part: keys[part] & np.uint64(2**32 - 1), m)
    order = np.argsort(values)
    return _group(lambda part: values[order[part]], lambda part: order[part], m)


def rank_bytes(m: int, things: int, itemsize: int) -> int:
    """The memory that `rank_products` needs at its peak for `m` entries of some things."""
    return m * (itemsize + 8 + (8 if itemsize == 8 else 4)) + 64 * _BLOCK + things * _STEP * itemsize


def _ordered_bits(values: FloatArray) -> npt.NDArray[np.uint64]:
    """Whole numbers in the order of float32 values; 0 and −0 are one."""
    bits = (values + np.float32(0)).view(np.uint32)
    negative = bits >> np.uint32(31) == 1
    np.bitwise_xor(bits, np.where(negative, np.uint32(0xFFFFFFFF), np.uint32(0x80000000)), out=bits)
    return bits.astype(np.uint64)


def _group(ordered: Any, places: Any, m: int) -> IntArray:
    """Twice the mid-ranks, given values and places in sorted order; block by block, ties in one block."""
    result: IntArray = np.empty(m, dtype=np.int32 if m < 2**30 else np.int64)
    low = 0
    while low < m:
        high = min(low + _BLOCK, m)
        last = ordered(slice(high - 1, high))[0]
        while high < m and ordered(slice(high, high + 1))[0] == last:
            more = ordered(slice(high, min(high + _BLOCK, m)))
            high += int(np.searchsorted(more, last, side="right"))
        block = ordered(slice(low, high))
        starts = np.flatnonzero(np.r_[True, block[1:] != block[:-1]])
        sizes = np.diff(np.r_[starts, len(block)])
        result[places(slice(low, high)).astype(np.intp)] = np.repeat(2 * (low + starts) + sizes + 1, sizes)
        low = high
    return result


def _products(ranks: Sequence[npt.NDArray[Any]], m: int, arithmetic: Arithmetic) -> FloatArray:
    total = np.zeros((len(ranks), len(ranks)))
    step = _STEP
    block = np.empty((len(ranks), min(step, m)), arithmetic.dtype)
    for start in range(0, m, step):
        part = block[:, : min(step, m - start)]
        for thing, each in enumerate(ranks):
            np.multiply(each[start : start + step] - (m + 1), 1 / m, out=part[thing], casting="unsafe")
            release(each)
        total += arithmetic.squares(arithmetic.put(part))
    return np.asarray(total * (m / 2) ** 2)
