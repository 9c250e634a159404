"""Linear measures from cross-covariances of features: cheaper than relations of stimuli where features are few."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.engine import Progress
from isomorph.pairwise._arithmetic import BLOCK_TERMS, Arithmetic
from isomorph.pairwise._rows import Rows, release


def cross_products(
    sums: MutableMapping[str, Any],
    key: str,
    rows: Sequence[Rows],
    arithmetic: Arithmetic,
    *,
    part: tuple[int, int],
    progress: Progress | None,
) -> None:
    r"""Σ over ordered pairs i ≠ j of (x_i·x_j)(y_i·y_j) = |XᵀY|² − Σ |x_i|²|y_i|², for this part's share of the pairs of things.

    Args:
        sums: Where the products and a mask of the finished pairs are kept.
        key: What they are called there.
        rows: Centred rows of each thing.
        arithmetic: The precision.
        part: `(i, N)`: every N-th pair from the i-th on.
        progress: Shows the pairs that are done.
    """
    things = len(rows)
    products, done = sums.setdefault(f"{key}/products", np.zeros((things, things))), sums.setdefault("pairs", np.zeros((things, things)))
    pairs = [(a, b) for a in range(things) for b in range(a, things)][part[0] :: part[1]]
    with progress.task("cross-covariances", len(pairs), unit="pairs") if progress else nullcontext() as shown:
        for a, b in pairs:
            value = _squared_norm(rows[a].values, rows[b].values, arithmetic) - float(rows[a].squares @ rows[b].squares)
            products[a, b] = products[b, a] = value
            done[a, b] = done[b, a] = 1
            if shown:
                shown.advance(1)


def _squared_norm(x: FloatArray, y: FloatArray, arithmetic: Arithmetic) -> float:
    total: Any = 0.0
    for start in range(0, len(x), BLOCK_TERMS):
        part = slice(start, start + BLOCK_TERMS)
        first = arithmetic.put(x[part])
        other = first if y is x else arithmetic.put(y[part])
        total = total + arithmetic.get(first.T @ other)
    for each in (x, y):
        release(each)
    return float(np.einsum("ij,ij->", total, total))
