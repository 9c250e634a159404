"""Kernel matrices by row stripes, and the HSIC of all pairs of several in two walks over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.geometry import Gram
from isomorph.geometry._centre import centre_columns

Rows: TypeAlias = Callable[[slice], FloatArray]
Estimator: TypeAlias = Literal["song", "biased", "lange"]

ESTIMATORS: tuple[Estimator, ...] = ("song", "biased", "lange")
_STRIPE_VALUES = 4_000_000
_ROUNDING = 64 * float(np.finfo(np.float64).eps)
"""Entries that are a smaller share than this of those they were centred from are rounding."""

TINY = 1e-290
"""Squares below this have lost digits to underflow."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """A symmetric kernel matrix that is given a stripe of rows at a time.

    Attributes:
        n: How many stimuli.
        rows: Returns `[row, stimulus]` for a slice of rows, in float64, free to be written into.
        scale: The size of what its entries were computed from, where that is more than the entries off the diagonal themselves.
    """

    n: int
    rows: Rows
    scale: float = 0.0


def linear_kernel(x: Any) -> Kernel:
    """The inner products of centred features, from an array `[stimulus, feature]` or a `Gram`."""
    if isinstance(x, Gram):
        return Kernel(len(x), lambda part: x.centred[part].copy(), float(np.trace(x.centred)) / len(x))
    rows, _ = centre_columns(x)
    return Kernel(len(rows), lambda part: rows[part] @ rows.T, float(np.square(rows).sum()) / len(rows))


def stripes(n: int, *, width: int | None = None) -> Iterator[slice]:
    """Slices of the n rows of a matrix of `width` columns (default: n) that hold a few million entries each."""
    height = max(1, _STRIPE_VALUES // (width or n))
    return (slice(start, min(start + height, n)) for start in range(0, n, height))


def centred_kernel(kernel: Kernel, *, diagonal: bool = True) -> Kernel:
    """The kernel with row and column means taken away.

    Args:
        kernel: Any.
        diagonal: False where the diagonal is not looked at afterwards: it is made zero first, because a narrow Gaussian's ones there
            would leave nothing of the digits elsewhere.
    """
    if not diagonal:
        kernel = Kernel(kernel.n, lambda part, rows=kernel.rows: _without_diagonal(rows(part), part), kernel.scale)  # type: ignore[misc]
    means = np.concatenate([kernel.rows(part).mean(axis=1) for part in stripes(kernel.n)])
    mean = means.mean()
    return Kernel(kernel.n, lambda part: kernel.rows(part) - means[part, None] - means + mean, kernel.scale)


def prepared(kernel: Kernel, estimator: Estimator) -> tuple[Kernel, float]:
    r"""The kernel whose plain inner products are `estimator`'s HSIC, and the square sum below which its own is rounding.

    Biased: double-centred. Lange: then without its diagonal. Song: without its diagonal, then U-centred (Székely & Rizzo, 2014):
    \(K_{ij} - m_i - m_j\) with \(m_i = \sum_j K_{ij} / (n - 2)\) less half of what is left over, and without its diagonal again.
    """
    n, hollow = kernel.n, estimator == "song"
    sums, squares = np.empty(n), 0.0
    for part in stripes(n):
        rows = _without_diagonal(kernel.rows(part), part) if hollow else kernel.rows(part)
        sums[part] = rows.sum(axis=1)
        squares += float(np.vdot(rows, rows))
    means = sums / (n - 2 if hollow else n)
    means -= means.sum() / (2 * (n - 1) if hollow else 2 * n)

    def result(part: slice) -> FloatArray:
        rows = kernel.rows(part)
        rows -= means[part, None]
        rows -= means
        return rows if estimator == "biased" else _without_diagonal(rows, part)

    return Kernel(n, result, kernel.scale), max(_ROUNDING**2 * max(squares, (n * kernel.scale) ** 2), TINY)


def hsic_matrix(kernels: Sequence[Kernel], estimator: Estimator) -> FloatArray:
    """The HSICs `[thing, thing]` of all pairs; exactly 0 where a thing's own is what rounding leaves of a constant kernel."""
    n, total = kernels[0].n, np.zeros((len(kernels), len(kernels)))
    ready = [prepared(each, estimator) for each in kernels]
    for part in stripes(n, width=n * len(kernels)):
        flat = np.stack([kernel.rows(part).ravel() for kernel, _ in ready])
        total += flat @ flat.T
    dead = np.diagonal(total) <= [floor for _, floor in ready]
    total[dead] = 0
    total[:, dead] = 0
    return total / divisor(n, estimator)


def permuted_hsic(x: Kernel, y: Kernel, orders: IntArray, estimator: Estimator) -> FloatArray:
    """HSIC(x, y) under each reordering `[permutation, stimulus]` of y; centring does not know order, so that it is done once."""
    whole = slice(0, x.n)
    first, second = (prepared(each, estimator)[0].rows(whole) for each in (x, y))
    return np.array([np.vdot(first, second[np.ix_(order, order)]) for order in orders]) / divisor(x.n, estimator)


def divisor(n: int, estimator: Estimator) -> float:
    """What a sum over pairs of stimuli is divided by."""
    return float((n - 1) ** 2 if estimator == "biased" else n * (n - 3))


def _without_diagonal(rows: FloatArray, part: slice) -> FloatArray:
    rows[np.arange(len(rows)), np.arange(part.start, part.stop)] = 0
    return rows
