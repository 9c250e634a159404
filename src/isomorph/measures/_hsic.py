"""Sums over products of two kernels, for all bootstrap replicates in one walk over row stripes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from isomorph.arrays import FloatArray, IntArray

Rows: TypeAlias = Callable[[slice], FloatArray]

_Margins: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]

_STRIPE_VALUES = 4_000_000
_NOISE = 1e-14
"""A statistic below this share of the terms that it is the difference of is rounding."""

_TINY = 1e-290
"""Squares below this have lost digits to underflow."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """A symmetric kernel matrix that is given a stripe of rows at a time.

    Attributes:
        n: How many stimuli.
        rows: Returns `[row, stimulus]` for a slice of rows, in float64, free to be written into.
    """

    n: int
    rows: Rows


def centred_kernel(kernel: Kernel, *, diagonal: bool = True) -> Kernel:
    """The kernel with row and column means taken away.

    Args:
        kernel: Any.
        diagonal: False where the diagonal is not looked at afterwards: it is made zero first, because a narrow Gaussian's ones there
            would leave nothing of the digits elsewhere.
    """
    if not diagonal:
        kernel = _hollow(kernel)
    stripe = max(1, _STRIPE_VALUES // kernel.n)
    parts = (slice(start, min(start + stripe, kernel.n)) for start in range(0, kernel.n, stripe))
    means = np.concatenate([kernel.rows(part).mean(axis=1) for part in parts])

    def rows(part: slice) -> FloatArray:
        return np.asarray(kernel.rows(part) - means[part, None] - means + means.mean())

    return Kernel(kernel.n, rows)


def _hollow(kernel: Kernel) -> Kernel:
    def rows(part: slice) -> FloatArray:
        values = kernel.rows(part)
        values[np.arange(len(values)), np.arange(part.start, part.stop)] = 0
        return values

    return Kernel(kernel.n, rows)


def weighted_hsic(x: Kernel, y: Kernel, weights: IntArray, *, debiased: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
    r"""HSIC(x, y), HSIC(x, x) and HSIC(y, y), each `[replicate]`, up to a factor they share.

    Debiased, it is the U-statistic of Song et al. (2012) with weights: the mean, over all 4-tuples of *different* stimuli, weighted
    \(w_i w_j w_q w_r\), of \(K_{ij} L_{ij} - 2 K_{ij} L_{iq} + K_{ij} L_{qr}\). A stimulus and its own copy never stand in one tuple.
    With all weights 1 it is Song's estimator.

    Biased, it is the mean over all pairs with their margins taken out; a stimulus meets itself once for each time it is drawn,
    and its copies not at all.

    Args:
        x: The first kernel; centred kernels keep more digits, the value is the same.
        y: The second.
        weights: `[replicate, stimulus]`.
        debiased: Which estimator.
    """
    w = np.ascontiguousarray(weights.T, dtype=np.float64)
    w2 = w**2
    stripe = max(1, _STRIPE_VALUES // x.n)
    sums = [_Sums(w, w2) for _ in range(3)]
    for start in range(0, x.n, stripe):
        part = slice(start, min(start + stripe, x.n))
        k, l = x.rows(part), y.rows(part)  # noqa: E741
        at = np.arange(part.start, part.stop)
        k_own, l_own = k[at - start, at], l[at - start, at]
        k[at - start, at] = 0
        l[at - start, at] = 0
        margins = tuple((stripe @ w, stripe @ w2, diagonal[:, None]) for stripe, diagonal in ((k, k_own), (l, l_own)))
        for each, product, a, b in zip(sums, (k * l, k * k, l * l), (0, 0, 1), (1, 0, 1), strict=True):
            each.add(part, product, margins[a], margins[b])
    xy, xx, yy = (each.u_statistic() if debiased else each.v_statistic() for each in sums)
    return xy, xx, yy


def difference(*terms: FloatArray) -> FloatArray:
    """The sum of `terms`, exactly 0 where it is what rounding leaves of terms that cancel."""
    total = np.sum(terms, axis=0)
    return np.asarray(np.where(np.abs(total) <= np.maximum(_NOISE * np.abs(terms).max(axis=0), _TINY), 0.0, total))


class _Sums:
    """The sums over stripes from which both statistics follow; rows are stimuli, columns replicates."""

    def __init__(self, w: FloatArray, w2: FloatArray) -> None:
        self.w, self.w2, self.w3 = w, w2, w2 * w
        self.total = w.sum(axis=0)
        self.squares, self.cubes, self.fourths = w2.sum(axis=0), self.w3.sum(axis=0), (w2 * w2).sum(axis=0)
        self.of: dict[str, FloatArray] = defaultdict(lambda: np.zeros(w.shape[1]))

    def add(self, part: slice, product: FloatArray, left: _Margins, right: _Margins) -> None:
        """Add a stripe: its kernels' product without the diagonal, and K w, K w² and the diagonal of either."""
        w, w2, w3 = self.w[part], self.w2[part], self.w3[part]
        m1, m2 = product @ self.w, product @ self.w2
        (a1, a2, a_own), (b1, b2, b_own) = left, right
        for name, value in (
            ("m11", w * m1), ("m12", w2 * m1), ("m13", w3 * m1), ("m22", w2 * m2),
            ("rows1", w * a1 * b1), ("rows2", w2 * a1 * b1), ("cross12", w * (a1 * b2 + a2 * b1)),
            ("left", w * a1), ("right", w * b1), ("left_own", w2 * a_own), ("right_own", w2 * b_own),
            ("own", w * a_own * b_own), ("own_rows", w * (a1 + w * a_own) * (b1 + w * b_own)),
        ):  # fmt: skip
            self.of[name] += value.sum(axis=0)

    def u_statistic(self) -> FloatArray:
        """The weighted mean over 4-tuples of different stimuli."""
        of, n, p2, p3, p4 = self.of, self.total, self.squares, self.cubes, self.fourths
        pairs = (n**2 - p2) * of["m11"] - 4 * n * of["m12"] + 4 * of["m13"] + 2 * of["m22"]
        triples = n * of["rows1"] - of["rows2"] - of["cross12"] - n * of["m12"] + of["m22"] + 2 * of["m13"]
        fours = of["left"] * of["right"] - 4 * of["rows2"] + 2 * of["m22"]
        tuples = n**4 - 6 * n**2 * p2 + 8 * n * p3 + 3 * p2**2 - 6 * p4
        return np.asarray(np.divide(difference(pairs, -2 * triples, fours), tuples, out=np.full_like(tuples, np.nan), where=tuples > 0))

    def v_statistic(self) -> FloatArray:
        """The weighted mean over all pairs, margins taken out."""
        of, n = self.of, self.total
        margins = (of["left"] + of["left_own"]) * (of["right"] + of["right_own"]) / n**4
        return np.asarray((of["m11"] + of["own"]) / n**2 - 2 * of["own_rows"] / n**3 + margins)
