"""Dot products of gathered rows, on the cores there are."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from isomorph.alignment._teacher_triplets import nearest_first
from isomorph.arrays import FloatArray, IntArray
from isomorph.judgments import PAIRS
from isomorph.judgments._blocks import cores

_TRIPLETS = 64  # at a time: three rows of each, as float32, stay in a core's second cache
_dots: Any = getattr(np, "vecdot", None) or partial(np.einsum, "ij,ij->i")  # vecdot: since NumPy 2.0


@contextmanager
def labeller(values: FloatArray) -> Iterator[Any]:
    """A function from items `[triplet, 3]` (rows of `values`) to labelled ones: items and similarities by falling similarity.

    float16 becomes float32 in torch, whose conversion is some twenty times faster than NumPy's; each of our threads does that alone.
    """
    import torch

    before, count = torch.get_num_threads(), cores()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(count) as pool:
            yield lambda items: _in_threads(values, items, pool, count)
    finally:
        torch.set_num_threads(before)


def _in_threads(values: FloatArray, items: IntArray, pool: ThreadPoolExecutor, count: int) -> tuple[IntArray, FloatArray]:
    order = np.argsort(items[:, 0])  # neighbours in memory are read one after another
    sorted_items = items[order]
    edges = np.linspace(0, len(items), 8 * count + 1).astype(int)  # small parts: a core that is busy elsewhere holds up little
    parts = pool.map(lambda one: _labelled(values, sorted_items[one]), map(slice, edges[:-1], edges[1:]))
    out_items = np.empty_like(items)
    out = np.empty((len(items), 3), dtype=_precision(values))
    for at, (labelled, similarities) in zip(map(slice, edges[:-1], edges[1:]), parts, strict=True):
        out_items[order[at]], out[order[at]] = labelled, similarities
    return out_items, out


def _labelled(values: FloatArray, items: IntArray) -> tuple[IntArray, FloatArray]:
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is told of by name
        return nearest_first(items, products(values, items))


def products(values: FloatArray, items: IntArray) -> FloatArray:
    """`[triplet, 3]`: dot products of the pairs 01, 02, 12, in float32 (float64 of float64 features)."""
    import torch

    width, precision = values.shape[1], _precision(values)
    rows = np.empty((3, _TRIPLETS, width), dtype=precision)
    flat = rows.reshape(3 * _TRIPLETS, width)
    half = np.empty((3 * _TRIPLETS, width), dtype=np.float16) if values.dtype == np.float16 else flat
    converted, raw = torch.from_numpy(flat), torch.from_numpy(half)
    found = np.empty((3, len(items)), dtype=precision)
    for start in range(0, len(items), _TRIPLETS):
        block = items[start : start + _TRIPLETS]
        for column, into in zip(block.T, half.reshape(3, _TRIPLETS, width), strict=True):
            np.take(values, column, axis=0, out=into[: len(block)], mode="clip")
        if half is not flat:
            converted.copy_(raw)
        for pair, (one, other) in enumerate(PAIRS):
            _dots(rows[one, : len(block)], rows[other, : len(block)], out=found[pair, start : start + len(block)])
    return found.T


def _precision(values: FloatArray) -> np.dtype[Any]:
    return np.dtype(np.float64 if values.dtype == np.float64 else np.float32)
