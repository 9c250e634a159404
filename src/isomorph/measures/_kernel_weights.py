"""HSIC in all bootstrap replicates, in one walk over row stripes."""

from __future__ import annotations

from collections import defaultdict
from typing import TypeAlias

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.measures._kernel import TINY, Estimator, Kernel, stripes

Margins: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]

_NOISE = 1e-14
"""A statistic below this share of the terms that it is the difference of is rounding."""


def weighted_hsic(x: Kernel, y: Kernel, weights: IntArray, *, estimator: Estimator) -> tuple[FloatArray, FloatArray, FloatArray]:
    r"""HSIC(x, y), HSIC(x, x) and HSIC(y, y), each `[replicate]`.

    Song's is the mean, over all 4-tuples of *different* stimuli, weighted \(w_i w_j w_q w_r\), of
    \(K_{ij} L_{ij} - 2 K_{ij} L_{iq} + K_{ij} L_{qr}\). A stimulus and its own copy never stand in one tuple.

    The biased one is the mean over all pairs with their margins taken out; a stimulus meets itself once for each time it is drawn,
    and its copies not at all. Lange's has the same margins and leaves out what a stimulus makes with itself and its copies.

    With all weights 1 they are the plain estimators.

    Args:
        x: The first kernel; centred kernels keep more digits, the value is the same.
        y: The second.
        weights: `[replicate, stimulus]`.
        estimator: Which.
    """
    w = np.ascontiguousarray(weights.T, dtype=np.float64)
    w2 = w**2
    sums = [WeightedSums(w) for _ in range(3)]
    for part in stripes(x.n):
        k, l = x.rows(part), y.rows(part)  # noqa: E741
        rows, at = np.arange(part.stop - part.start), np.arange(part.start, part.stop)
        k_own, l_own = k[rows, at], l[rows, at]
        k[rows, at] = 0
        l[rows, at] = 0
        margins = tuple((stripe @ w, stripe @ w2, diagonal[:, None]) for stripe, diagonal in ((k, k_own), (l, l_own)))
        for each, product, a, b in zip(sums, (k * l, k * k, l * l), (0, 0, 1), (1, 0, 1), strict=True):
            each.add_products(part, product)
            each.add_margins(part, margins[a], margins[b])
    xy, xx, yy = (each.statistic(estimator) for each in sums)
    return xy, xx, yy


def difference(*terms: FloatArray) -> FloatArray:
    """The sum of `terms`, exactly 0 where it is what rounding leaves of terms that cancel."""
    total = np.sum(terms, axis=0)
    return np.asarray(np.where(np.abs(total) <= np.maximum(_NOISE * np.abs(terms).max(axis=0), TINY), 0.0, total))


class WeightedSums:
    """The sums from which all three statistics follow; rows are stimuli, columns replicates."""

    def __init__(self, w: FloatArray) -> None:
        self.w, self.w2, self.w3, self.w4 = w, w**2, w**3, w**4
        self.total, self.squares, self.cubes, self.fourths = (each.sum(axis=0) for each in (self.w, self.w2, self.w3, self.w4))
        self.of: dict[str, FloatArray] = defaultdict(lambda: np.zeros(w.shape[1]))

    def add_products(self, part: slice, product: FloatArray) -> None:
        """Add a stripe of the kernels' product, without the diagonal."""
        m1, m2 = product @ self.w, product @ self.w2
        for name, weight, value in (("m11", self.w, m1), ("m12", self.w2, m1), ("m13", self.w3, m1), ("m22", self.w2, m2)):
            self.of[name] += np.einsum("ij,ij->j", weight[part], value)

    def add_moments(self, first: FloatArray, second: FloatArray, third: FloatArray, own: FloatArray) -> None:
        """Add all products at once, from Σ w x yᵀ, Σ w² x yᵀ and Σ w³ x yᵀ `[product, replicate]`, and each stimulus's own."""
        for name, one, other, weight in (
            ("m11", first, first, self.w2), ("m12", second, first, self.w3),
            ("m13", third, first, self.w4), ("m22", second, second, self.w4),
        ):  # fmt: skip
            self.of[name] += np.einsum("ij,ij->j", one, other) - own @ weight

    def add_margins(self, part: slice, left: Margins, right: Margins) -> None:
        """Add a stripe of either kernel: K w and K w², without the diagonal, and the diagonal."""
        w, w2 = self.w[part], self.w2[part]
        (a1, a2, a_own), (b1, b2, b_own) = left, right
        # What double-centring leaves on the diagonal, but for the grand mean.
        left_corner, right_corner = (own - 2 * (one + w * own) / np.maximum(self.total, 1) for one, own in ((a1, a_own), (b1, b_own)))
        for name, value in (
            ("rows1", w * a1 * b1), ("rows2", w2 * a1 * b1), ("cross12", w * (a1 * b2 + a2 * b1)),
            ("left", w * a1), ("right", w * b1), ("left_own", w2 * a_own), ("right_own", w2 * b_own),
            ("own", w * a_own * b_own), ("own_rows", w * (a1 + w * a_own) * (b1 + w * b_own)), ("squares_own", w2 * a_own * b_own),
            ("hollow", w2 * left_corner * right_corner), ("left_hollow", w2 * left_corner), ("right_hollow", w2 * right_corner),
        ):  # fmt: skip
            self.of[name] += value.sum(axis=0)

    def statistic(self, estimator: Estimator) -> FloatArray:
        """The HSIC of each replicate."""
        return {"song": self.u_statistic, "biased": self.v_statistic, "lange": self.hollow_statistic}[estimator]()

    def u_statistic(self) -> FloatArray:
        """The weighted mean over 4-tuples of different stimuli."""
        of, n, p2, p3, p4 = self.of, self.total, self.squares, self.cubes, self.fourths
        pairs = (n**2 - p2) * of["m11"] - 4 * n * of["m12"] + 4 * of["m13"] + 2 * of["m22"]
        triples = n * of["rows1"] - of["rows2"] - of["cross12"] - n * of["m12"] + of["m22"] + 2 * of["m13"]
        fours = of["left"] * of["right"] - 4 * of["rows2"] + 2 * of["m22"]
        tuples = n**4 - 6 * n**2 * p2 + 8 * n * p3 + 3 * p2**2 - 6 * p4
        return np.asarray(np.divide(difference(pairs, -2 * triples, fours), tuples, out=np.full_like(tuples, np.nan), where=tuples > 0))

    def v_statistic(self) -> FloatArray:
        """The weighted mean over all pairs, margins taken out, as if the total weight were the number of stimuli."""
        of, n = self.of, self.total
        left, right = of["left"] + of["left_own"], of["right"] + of["right_own"]
        return np.asarray((of["m11"] + of["own"] - 2 * of["own_rows"] / n + left * right / n**2) / (n - 1) ** 2)

    def hollow_statistic(self) -> FloatArray:
        """The weighted mean over pairs of different stimuli, margins of all taken out."""
        of, n = self.of, self.total
        left, right = of["left"] + of["left_own"], of["right"] + of["right_own"]
        means = left / n**2, right / n**2
        whole = of["m11"] + of["squares_own"] - 2 * of["own_rows"] / n + left * right / n**2
        own = of["hollow"] + means[1] * of["left_hollow"] + means[0] * of["right_hollow"] + means[0] * means[1] * self.squares
        pairs = (n**2 - self.squares) * (n - 3) / (n - 1)
        return np.asarray(np.divide(whole - own, pairs, out=np.full_like(pairs, np.nan), where=pairs > 0))
