"""From inner products to kernels and distances, a block at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.pairwise._arithmetic import Arithmetic
from isomorph.pairwise._recipe import View
from isomorph.pairwise._rows import Rows


@dataclass(frozen=True, eq=False)
class Relations:
    r"""A view of all things: \(k_{ij} = f(\alpha\, z_i \cdot z_j - u_i - u_j) - g_i - g_j\).

    Statistics do not change, or change in a known way, when g is added to a kernel's rows and columns or a constant to all distances: so
    both are brought near mean 0, where float32 products keep their digits.

    Attributes:
        view: Which.
        factor: α, `[thing]`.
        inner: u, `[thing, stimulus]`.
        outer: g, `[thing, stimulus]`; 0 where f is the identity.
        functions: f of each thing: `""` (none), `"exp"`, `"expm1"` (of at most 0) or `"sqrt"` (of at least 0).
        offset: What was taken from every distance, `[thing]`.
        rows: Sums of the rows without the diagonal, `[thing, stimulus]`, where they are known beforehand.
        diagonal: \(k_{ii}\), `[thing, stimulus]`.
        scale: What the features were divided by, `[thing]`.
    """

    view: View
    factor: FloatArray
    inner: FloatArray
    outer: FloatArray
    functions: tuple[str, ...]
    offset: FloatArray
    rows: FloatArray | None
    diagonal: FloatArray
    scale: FloatArray

    def facts(self) -> dict[str, FloatArray]:
        """What the statistics need to know beside the sums; the same for every part of the work."""
        key = self.view.key
        facts = {f"{key}/offset": self.offset, f"{key}/diagonal": self.diagonal, f"{key}/scale": self.scale}
        return facts if self.rows is None else facts | {f"{key}/rows": self.rows}


class Transform:
    """Writes blocks of relations."""

    def __init__(self, relations: Relations, arithmetic: Arithmetic) -> None:
        self._xp, self._functions = arithmetic.xp, relations.functions
        self._factor = [float(each) for each in relations.factor]
        self._inner, self._outer = arithmetic.put(relations.inner), arithmetic.put(relations.outer)
        self.trivial = not any(relations.functions) and not relations.inner.any() and bool((relations.factor == 1).all())

    def __call__(self, thing: int, products: Any, rows: slice, columns: slice, out: Any) -> None:
        """Turn inner products `[row, column]` of one thing into relations, in `out`."""
        xp, inner, outer = self._xp, self._inner[thing], self._outer[thing]
        xp.multiply(products, self._factor[thing], out=out)
        out -= inner[rows, None]
        out -= inner[None, columns]
        if not self._functions[thing]:
            return
        if self._functions[thing] == "sqrt":
            xp.clip(out, 0, None, out=out)
            xp.sqrt(out, out=out)
        else:
            xp.clip(out, None, 0, out=out)
            (xp.exp if self._functions[thing] == "exp" else xp.expm1)(out, out=out)
        out -= outer[rows, None]
        out -= outer[None, columns]


def relations(view: View, rows: Sequence[Rows], *, sigma: FloatArray | None = None, sums: FloatArray | None = None) -> Relations:
    """The view of `rows`.

    Args:
        view: Which.
        rows: Of each thing.
        sigma: Each thing's σ in the units of its features, for an RBF kernel.
        sums: The sums of the rows of the uncentred RBF kernel, as `Relations.rows`; needed to centre it.
    """
    squares = np.stack([each.squares for each in rows])
    scale = np.array([each.scale for each in rows])
    n = squares.shape[1]
    mean = squares.sum(axis=1, keepdims=True) / (n - 1)
    products, mean_square = np.stack([each.mean_product for each in rows]), np.array([[each.mean_square] for each in rows])
    if view.kind == "rbf":
        return _rbf(view, squares, scale, np.ones(len(rows)) if sigma is None else sigma, sums)
    if view.kind == "linear":
        inner = _u_centring(-squares) if view.centring == "U" else np.zeros_like(squares)
        return _affine(view, 1.0, inner, squares, scale, offset=0 * mean)
    if view.kind == "dot":
        return _affine(view, 1.0, -products - mean_square / 2, squares, scale, offset=0 * mean)
    if view.kind == "sqeuclidean":
        return _affine(view, -2.0, mean - squares, squares, scale, offset=2 * mean)
    if view.kind == "euclidean":
        typical = np.sqrt(2 * mean)
        outer = np.broadcast_to(typical / 2, squares.shape).copy()
        factor = np.full(len(rows), -2.0)
        return Relations(view, factor, -squares, outer, ("sqrt",) * len(rows), typical[:, 0], None, -2 * outer, scale)
    return _affine(view, -1.0, products + mean / (2 * n), squares, scale, offset=1 - mean_square + mean / n)


def _affine(view: View, factor: float, inner: FloatArray, squares: FloatArray, scale: FloatArray, *, offset: FloatArray) -> Relations:
    """Centred rows have Σ_j z_i·z_j = 0, so that all row sums are known."""
    n = squares.shape[1]
    sums = -factor * squares - (n - 2) * inner - inner.sum(axis=1, keepdims=True)
    factors, diagonal = np.full(len(squares), factor), factor * squares - 2 * inner
    return Relations(view, factors, inner, np.zeros_like(inner), ("",) * len(squares), offset[:, 0], sums, diagonal, scale)


def _rbf(view: View, squares: FloatArray, scale: FloatArray, sigma: FloatArray, sums: FloatArray | None) -> Relations:
    width = 2 * (sigma / scale)[:, None] ** 2
    average = squares.mean(axis=1, keepdims=True)
    # A wide Gaussian is nearly 1 everywhere, and keeps its digits only with 1 taken away.
    wide = width > 4 * squares.max(axis=1, keepdims=True)
    own = np.where(wide, 0.0, 1.0)
    outer = np.where(wide, np.expm1(-(squares + average) / width), np.exp(-(squares + average) / width))
    outer -= np.where(wide, np.expm1(-2 * average / width), np.exp(-2 * average / width)) / 2
    rows = None
    if sums is not None:
        outer = outer + (_u_centring(sums) if view.centring == "U" else _double_centring(sums, own - 2 * outer))
        rows = np.zeros_like(outer) if view.centring == "U" else 2 * outer - own
    functions = tuple("expm1" if each else "exp" for each in wide[:, 0])
    return Relations(view, 2 / width[:, 0], squares / width, outer, functions, np.zeros(len(squares)), rows, own - 2 * outer, scale)


def _u_centring(sums: FloatArray) -> FloatArray:
    """What to take from rows and columns so that all rows sum to 0 without the diagonal."""
    n = sums.shape[1]
    return np.asarray(sums / (n - 2) - sums.sum(axis=1, keepdims=True) / (2 * (n - 1) * (n - 2)))


def _double_centring(sums: FloatArray, diagonal: FloatArray) -> FloatArray:
    """The same with the diagonal."""
    means = (sums + diagonal) / sums.shape[1]
    return np.asarray(means - means.mean(axis=1, keepdims=True) / 2)
