"""Triplets from a matrix of similarities."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from isomorph.arrays import FloatArray, IntArray, as_floats, check_finite
from isomorph.errors import InputError, ShapeError
from isomorph.geometry import RDM
from isomorph.judgments._check import canonicalise
from isomorph.judgments._triplets import PAIRS, Triplets


def triplets_from_similarities(
    matrix: FloatArray | RDM,
    objects: Sequence[str] | None = None,
    *,
    trials: int | None = 10_000,
    items: IntArray | None = None,
    seed: int = 0,
) -> Triplets:
    """The choices that a matrix of similarities would make, with the similarities of the pairs.

    Args:
        matrix: `[object, object]` similarities, or an RDM (then similarity is minus dissimilarity).
        objects: The ids of the rows; an RDM has its own.
        trials: How many random triplets (with repeats between them possible); None for all n(n − 1)(n − 2)/6.
        items: These triplets instead of random ones.
        seed: Of the random triplets.

    Raises:
        ShapeError: The matrix is not square, or has fewer than three objects.
        NonFiniteError: It holds NaN or infinity.

    Example:
        >>> trials = triplets_from_similarities(np.array([[1, 0.1, 0.2], [0.1, 1, 0.9], [0.2, 0.9, 1]]), ["a", "b", "c"], trials=None)
        >>> trials.items.tolist(), trials.similarities.tolist()
        ([[1, 2, 0]], [[0.9, 0.1, 0.2]])
    """
    if isinstance(matrix, RDM):
        objects, matrix = matrix.ids, -matrix.square()
    square = as_floats(matrix, name="similarities", ndim=2)
    n = len(square)
    if square.shape != (n, n) or n < 3:
        raise ShapeError(f"similarities need a square matrix of at least 3 objects; got shape {square.shape}.")
    names = tuple(map(str, range(n))) if objects is None else tuple(objects)
    if len(names) != n:
        raise ShapeError(f"the matrix has {n} rows but {len(names)} objects are named.")
    check_finite(square, name="the similarities", ids=names, rows="objects")
    if items is None:
        items = np.array(list(combinations(range(n), 3)), dtype=np.int32) if trials is None else _random(n, trials, seed)
    values = np.stack([square[items[:, one], items[:, other]] for one, other in PAIRS], axis=1)
    return canonicalise(Triplets(items=items, objects=names, similarities=values, source="similarities"))


def _random(n: int, trials: int, seed: int) -> IntArray:
    """Three different rows each, uniformly: the second and third are drawn from what is left."""
    if trials < 1:
        raise InputError(f"at least 1 triplet must be drawn; got {trials}.")
    rng = np.random.default_rng(seed)
    first, second, third = (rng.integers(n - each, size=trials) for each in range(3))
    second += second >= first
    low, high = np.minimum(first, second), np.maximum(first, second)
    third += third >= low
    third += third >= high
    return np.stack([first, second, third], axis=1).astype(np.int32)
