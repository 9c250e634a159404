"""Centred kernel alignment with a linear kernel."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import ShapeError
from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.geometry._centre import centre_columns
from isomorph.measures._hsic import Kernel, difference, weighted_hsic
from isomorph.measures._measure import Comparable, Measure, Traits

_NEGLIGIBLE = 0.01


@dataclass(frozen=True, kw_only=True)
class CKA(Measure):
    r"""Linear centred kernel alignment: the cosine between two Gram matrices.

    $$\mathrm{CKA}(x, y) = \frac{\lVert x^\top y \rVert_F^2}{\lVert x^\top x \rVert_F \, \lVert y^\top y \rVert_F}$$

    with the columns of both matrices centred. 1 means the same geometry up to a rotation and one overall scale; 0 means unrelated.
    The plain estimate grows with the number of features: unrelated matrices of widths p and q score about
    \(\sqrt{pq / ((n + p)(n + q))}\). Leave `debiased` on unless you are reproducing a number from a paper. Both estimates are ruled
    by the few directions of largest variance.

    Accepts arrays, `Features` and `Gram`. Sums are formed in float64, over features where both are narrower than the number of
    stimuli, else over stimuli.

    Attributes:
        debiased: Use the U-statistic of Song et al. (2012). It needs at least four stimuli and may fall slightly below zero.

    Raises:
        ShapeError: `x` or `y` does not vary over stimuli, so that CKA is 0/0 (debiased, that is so where all stimuli are equally far
            apart, too); or there are too few stimuli.

    Warns:
        UserWarning: With `debiased=False`, where unrelated matrices of these shapes would score more than 0.01.

    References:
        Kornblith et al., 2019, <https://arxiv.org/abs/1905.00414>. Song et al., 2012, <https://jmlr.org/papers/v13/song12a.html>.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x, noise = rng.normal(size=(50, 8)), rng.normal(size=(50, 400))
        >>> rotation = np.linalg.qr(rng.normal(size=(8, 8)))[0]
        >>> round(CKA()(x, 3 * x @ rotation + 1), 6)
        1.0
        >>> round(CKA()(x, noise), 1)
        0.0
    """

    debiased: bool = True

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    @property
    def traits(self) -> Traits:
        """What CKA claims of itself."""
        return Traits(
            bounds=(-1.0, 1.0) if self.debiased else (0.0, 1.0),
            invariant_to=frozenset({"shift", "scale", "rotation", "permutation"}),
            minimum_stimuli=4 if self.debiased else 3,
            misleads="ruled by the few directions of largest variance" if self.debiased else "near 1 for anything wider than n",
        )

    def relate(self, x: Comparable) -> Comparable:
        """The Gram matrix, where it is smaller than the features."""
        if isinstance(x, Gram | RDM):
            return x
        return Gram.from_features(x) if _width(x) >= len(x) else x

    def _value(self, x: Any, y: Any) -> float:
        if not self.debiased:
            warn_of_bias(len(x), _width(x), _width(y))
        if isinstance(x, np.ndarray) and isinstance(y, np.ndarray) and max(x.shape[1], y.shape[1]) < len(x):
            return float(ratio(*_feature_sums(x, y, debiased=self.debiased), debiased=self.debiased)[0])
        ones = np.ones((1, len(x)), dtype=np.int64)
        return float(ratio(*weighted_hsic(_kernel(x), _kernel(y), ones, debiased=self.debiased), debiased=self.debiased)[0])

    def replicates(self, x: Any, y: Any, weights: IntArray) -> FloatArray:
        """CKA in each bootstrap replicate; a stimulus drawn twice never meets its own copy."""
        sums = weighted_hsic(_kernel(x), _kernel(y), weights, debiased=self.debiased)
        return ratio(*sums, debiased=self.debiased, strict=False)


def ratio(xy: FloatArray, xx: FloatArray, yy: FloatArray, *, debiased: bool, strict: bool = True) -> FloatArray:
    """The normalised alignment `[replicate]`, NaN where a self term is not positive; with `strict` that is a `ShapeError`."""
    for letter, own in (("x", xx), ("y", yy)):
        if strict and not own[0] > 0:
            why = ", or holds all of them equally far apart" if debiased else ""
            raise ShapeError(f"{letter} does not vary over its stimuli{why}, so that CKA is 0/0. Leave it out.")
    with np.errstate(invalid="ignore", divide="ignore"):
        lengths = np.where((xx > 0) & (yy > 0), np.sqrt(xx), np.nan) * np.sqrt(yy)
        return np.asarray(np.clip(xy / lengths, -1 if debiased else 0, 1))


def warn_of_bias(n: int, p: int, q: int) -> None:
    """Warn that biased CKA of unrelated matrices of widths `p` and `q` is not near 0."""
    expected = float(np.sqrt(p * q / ((n + p) * (n + q))))
    if expected > _NEGLIGIBLE:
        warnings.warn(
            f"biased CKA of unrelated features of widths {p} and {q} is about {expected:.2f} with {n} stimuli. Use debiased=True.",
            UserWarning,
            stacklevel=5,
        )


def _width(x: Any) -> int:
    return int(x.width if isinstance(x, Gram | Features) else x.shape[1])


def _kernel(x: Any) -> Kernel:
    if isinstance(x, Gram):
        return Kernel(len(x), lambda part: x.centred[part].copy())
    rows, _ = centre_columns(x)
    return Kernel(len(rows), lambda part: rows[part] @ rows.T)


def _feature_sums(x: FloatArray, y: FloatArray, *, debiased: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The three HSICs in O(n p q): with centred rows and a_i = |x_i|², b_i = |y_i|², from |xᵀy|², Σ a_i b_i, Σ a_i and Σ b_i."""
    x, y = centre_columns(x)[0], centre_columns(y)[0]
    n = len(x)
    lengths = np.einsum("ij,ij->i", x, x), np.einsum("ij,ij->i", y, y)

    def hsic(one: FloatArray, other: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
        total = np.square(one.T @ other).sum(keepdims=True).ravel()
        if not debiased:
            return np.asarray(total)
        return difference(total, -np.atleast_1d(a @ b) * n / (n - 2), np.atleast_1d(a.sum() * b.sum()) / ((n - 1) * (n - 2)))

    return hsic(x, y, *lengths), hsic(x, x, lengths[0], lengths[0]), hsic(y, y, lengths[1], lengths[1])
