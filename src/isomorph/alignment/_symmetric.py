"""Symmetric products with each pair counted once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from isomorph.arrays import FloatArray

_ROWS = 128  # a stripe of them beside a thousand columns stays in a core's cache


def stripes(n: int) -> Iterator[tuple[slice, slice]]:
    """Rows, and the columns from the first of those rows on: together the upper triangle of n × n, and a little of the lower."""
    for start in range(0, n, _ROWS):
        yield slice(start, min(start + _ROWS, n)), slice(start, n)


def upper_products(values: FloatArray) -> FloatArray:
    """`values @ values.T`, of which the upper triangle alone is filled: half the multiplications."""
    products = np.empty((len(values), len(values)), dtype=values.dtype)
    for rows, onwards in stripes(len(values)):
        np.matmul(values[rows], values[onwards].T, out=products[rows, onwards])
    return products


def add_transpose(upper: FloatArray) -> FloatArray:
    """`upper + upper.T`, in place, of a matrix whose lower triangle is zero within the stripes and anything outside them."""
    for rows, onwards in stripes(len(upper)):
        corner = upper[rows, rows]
        corner += corner.T.copy()
        upper[rows.stop :, rows] = upper[rows, onwards][:, rows.stop - rows.start :].T
    return upper
