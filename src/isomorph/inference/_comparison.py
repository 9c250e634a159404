"""How alike two condensed RDMs are: ten comparisons, many against many."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np

from isomorph.arrays import FloatArray, as_floats, check_finite
from isomorph.errors import InputError, ShapeError, UnknownNameError
from isomorph.inference._kendall import kendall_matrix
from isomorph.inference._ranks import midranks
from isomorph.inference._riemannian import bures_similarities, riemannian_similarities
from isomorph.inference._whitened import WHITENED, unwhitened

Comparison: TypeAlias = Literal[
    "pearson", "spearman", "cosine", "tau-a", "tau-b", "rho-a", "corr_cov", "cosine_cov", "neg_riem_dist", "bures"
]
COMPARISONS: tuple[str, ...] = get_args(Comparison)
KENDALL = ("tau-a", "tau-b")
GRAMS = ("neg_riem_dist", "bures")


def check_comparison(comparison: str, sigma_k: FloatArray | None = None) -> None:
    """Raise `UnknownNameError` unless `comparison` is one of `COMPARISONS`, and `InputError` where it has no use for `sigma_k`."""
    if comparison not in COMPARISONS:
        raise UnknownNameError("comparison", comparison, COMPARISONS)
    if sigma_k is not None and comparison not in (*WHITENED, "neg_riem_dist"):
        raise InputError(f"sigma_k is used by 'corr_cov', 'cosine_cov' and 'neg_riem_dist'; the comparison {comparison!r} ignores it.")


def compare_rdms(
    x: FloatArray, y: FloatArray, *, comparison: str = "pearson", sigma_k: FloatArray | None = None, x_name: str = "x", y_name: str = "y"
) -> FloatArray:
    r"""Compare every condensed RDM of `x` with every one of `y`.

    - `"pearson"`: the correlation of the distances. Its textbook p-value is void: distances depend on each other.
    - `"spearman"`: the correlation of their mid-ranks. Flatters RDMs with many ties, such as category models.
    - `"rho-a"`: \(12 \sum (r_x - \bar r)(r_y - \bar r) / (m^3 - m)\), Spearman's ρ expected when ties are broken at random; the fair
      choice when an RDM has ties (Schütt et al., 2023, <https://doi.org/10.7554/eLife.82566>).
    - `"tau-a"`: Kendall's \((C - D) / \binom m 2\); ties count as misses.
    - `"tau-b"`: Kendall's \((C - D) / \sqrt{(\binom m 2 - T_x)(\binom m 2 - T_y)}\), which leaves ties out.
    - `"cosine"`: \(\langle x, y\rangle / (\lVert x\rVert \lVert y\rVert)\); for distances with a meaningful zero. All positive
      distances lie near 1.
    - `"cosine_cov"`, `"corr_cov"`: the cosine and the correlation (distances less their mean) in the inner product \(x^\top V^{-1} y\),
      where V is the covariance of squared distances that share stimuli, for stimuli with the covariance `sigma_k` (Diedrichsen et al.,
      2021, <https://arxiv.org/abs/2007.02789>). `"cosine_cov"` of squared Euclidean distances is biased linear CKA.
    - `"neg_riem_dist"`: \(-\min_{\alpha, \beta > 0} (\sum_i \log^2 \lambda_i(G_y^{-1}(\alpha G_x + \beta \Sigma)))^{1/2}\) with the
      Gram matrices G of the distances: 0 at best, no lower bound, and not symmetric. `y` needs n − 1 independent dimensions.
    - `"bures"`: \(\lVert G_x^{1/2} G_y^{1/2} \rVert_* / \sqrt{\mathrm{tr} G_x \, \mathrm{tr} G_y}\), 0 … 1: the cosine of the
      Procrustes angle.

    Args:
        x: `[x, pair]`; integers of any width are turned into floats first.
        y: `[y, pair]`.
        comparison: One of the ten.
        sigma_k: The covariance of the stimuli's pattern estimates, `[stimulus, stimulus]` (or their variances `[stimulus]`), for the
            whitened comparisons and the Riemannian distance; None: independent with equal variances.
        x_name: What a message calls an RDM of `x`.
        y_name: What a message calls an RDM of `y`.

    Returns:
        `[x, y]`, float64.

    Raises:
        ShapeError: The RDMs have different numbers of pairs; or one is constant, so that a correlation is 0/0 (ρ_a and τ_a are 0 there);
            or the Riemannian distance to a `y` is infinite.
        NonFiniteError: A distance is NaN or infinite.

    Example:
        >>> import numpy as np
        >>> x = np.array([[1.0, 2.0, 3.0]])
        >>> compare_rdms(x, np.array([[1.0, 3.0, 2.0]]), comparison="spearman").round(3).tolist()
        [[0.5]]
    """
    check_comparison(comparison, sigma_k)
    same = x is y
    x = check_rdms(x, name=x_name)
    y = x if same else check_rdms(y, name=y_name)
    if x.shape[1] != y.shape[1]:
        raise ShapeError(f"RDMs are compared pair by pair, but {x_name} has {x.shape[1]} pairs and {y_name} has {y.shape[1]}.")
    if comparison in KENDALL:
        result = kendall_matrix(x, y, comparison=comparison)
    elif comparison == "bures":
        result = bures_similarities(x, y)
    elif comparison == "neg_riem_dist":
        result = riemannian_similarities(x, y, sigma_k)
    else:
        first = standardised(x, comparison, sigma_k=sigma_k, name=x_name)
        second = first if x is y else standardised(y, comparison, sigma_k=sigma_k, name=y_name)
        result = first @ dual(second, comparison, sigma_k).T
    _refuse_undefined(result, comparison, x_name, y_name)
    return result if comparison in ("rho-a", "neg_riem_dist") else np.clip(result, -1, 1)


def check_rdms(rdms: FloatArray, *, name: str) -> FloatArray:
    """`rdms` as floats `[rdm, pair]`, all finite: among ranks a NaN would pass for the largest distance."""
    array = as_floats(rdms, name=name, ndim=2)
    check_finite(array, name=name, rows="RDMs")
    return array


def standardised(rdms: FloatArray, comparison: str, *, sigma_k: FloatArray | None = None, name: str = "an RDM") -> FloatArray:
    """Vectors `[rdm, pair]` whose inner products with the `dual` of others are the comparison, where it is an inner product."""
    rows = midranks(rdms) if comparison in ("spearman", "rho-a") else rdms.astype(np.float64)
    if comparison not in ("cosine", "cosine_cov"):
        rows = rows - rows.mean(axis=1, keepdims=True)
    if comparison == "rho-a":
        m = float(rows.shape[1])
        return np.asarray(rows * np.sqrt(12 / (m**3 - m)))
    norms = np.sqrt(np.maximum(np.einsum("rp,rp->r", rows, dual(rows, comparison, sigma_k)), 0))
    floor = 1e-14 * np.abs(rdms).max(axis=1, initial=0.0) * np.sqrt(rdms.shape[1])
    flat = np.flatnonzero(norms <= floor)
    if len(flat):
        raise ShapeError(
            f"{_which(name, rdms, flat[0])} has the same distance between all its stimuli, so that its {comparison} comparison is 0/0."
        )
    return np.asarray(rows / norms[:, None])


def dual(rows: FloatArray, comparison: str, sigma_k: FloatArray | None = None) -> FloatArray:
    """What inner products are formed with: the rows themselves, or V⁻¹ times them."""
    return unwhitened(rows, sigma_k, comparison=comparison) if comparison in WHITENED else rows


def _refuse_undefined(result: FloatArray, comparison: str, x_name: str, y_name: str) -> None:
    bad = np.isnan(result)
    if not bad.any():
        return
    by_y = np.flatnonzero(bad.all(axis=0))
    name, which = (y_name, by_y) if len(by_y) else (x_name, np.flatnonzero(bad.all(axis=1)))
    place = int(which[0]) if len(which) else 0
    called = name if bad.size == 1 else f"{name} number {place}"
    if comparison == "neg_riem_dist":
        raise ShapeError(
            f"{called} spans fewer than n − 1 dimensions, so that the Riemannian distance to it is infinite. Use distances that span them "
            "('euclidean', 'gaussian'; or more features than stimuli), or the comparison 'bures' or 'cosine_cov'."
        )
    raise ShapeError(f"{called} has the same distance between all its stimuli, so that its {comparison} comparison is 0/0.")


def _which(name: str, rdms: FloatArray, place: int) -> str:
    return name if len(rdms) == 1 else f"{name} number {int(place)}"
