r"""Whitened comparisons of RDMs, after Diedrichsen et al. (2021), <https://arxiv.org/abs/2007.02789>.

Distances that share a stimulus are correlated. With Σ the covariance of the stimuli's patterns and C the pairwise contrasts, the
covariance of squared distances is proportional to V = Ξ∘Ξ, Ξ = C Σ Cᵀ, and distances d and e are compared by d ᵀV⁻¹ e. V has m² entries
for m = n(n − 1)/2 pairs, but it is never formed: on the n − 1 dimensions of contrasts, d is linear in a symmetric matrix G with
covariance Σ⊗Σ, so that

    V⁻¹ d = ½ (P D P)_{i<j},    P = Σ⁻¹ − Σ⁻¹ 1 1ᵀ Σ⁻¹ / (1ᵀ Σ⁻¹ 1)

with D the square matrix of d: O(n³), and O(n²) for Σ = I, where P is the centring matrix.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray, as_floats
from isomorph.errors import InputError, ShapeError
from isomorph.inference._moments import pair_sums

WHITENED = ("corr_cov", "cosine_cov")
_CHUNK_VALUES = 4_000_000

Indices = npt.NDArray[np.intp]


def stimulus_count(pairs: int, *, comparison: str) -> int:
    """How many stimuli make that many pairs."""
    n = round((1 + float(np.sqrt(1 + 8 * pairs))) / 2)
    if n * (n - 1) // 2 != pairs:
        raise ShapeError(f"the comparison {comparison!r} needs whole RDMs, of n(n − 1)/2 pairs such as 3, 6, 10 …; got {pairs} pairs.")
    return n


def squares(rows: FloatArray, n: int) -> FloatArray:
    """`[rdm, pair]` as symmetric matrices `[rdm, stimulus, stimulus]` with zeros on the diagonal."""
    left, right = np.triu_indices(n, 1)
    result = np.zeros((len(rows), n, n))
    result[:, left, right] = rows
    result[:, right, left] = rows
    return result


def check_sigma(sigma_k: FloatArray | None, n: int) -> FloatArray | None:
    """The covariance of patterns `[stimulus, stimulus]` (a vector: their variances), or None for the identity.

    Raises:
        ShapeError: It is not of n stimuli.
        InputError: It is not symmetric and positive definite.
    """
    if sigma_k is None:
        return None
    sigma = as_floats(sigma_k, name="sigma_k").astype(np.float64)
    sigma = np.diag(sigma) if sigma.ndim == 1 else sigma
    if sigma.shape != (n, n):
        raise ShapeError(f"sigma_k is the covariance of {n} stimuli's patterns: {n} variances or [{n}, {n}]; got shape {sigma.shape}.")
    least = np.linalg.eigvalsh(sigma)[0] if np.isfinite(sigma).all() and np.allclose(sigma, sigma.T) else np.nan
    if not least > 0:
        raise InputError(f"sigma_k must be symmetric and positive definite; its smallest eigenvalue is {least:.3g}.")
    return sigma


def unwhitened(rows: FloatArray, sigma_k: FloatArray | None, *, comparison: str) -> FloatArray:
    """V⁻¹ d for each row d of `[rdm, pair]`."""
    n = stimulus_count(rows.shape[1], comparison=comparison)
    left, right = np.triu_indices(n, 1)
    sigma = check_sigma(sigma_k, n)
    if sigma is None:
        result = np.empty(rows.shape)
        for row, out in zip(rows, result, strict=True):
            means = (np.bincount(left, row, n) + np.bincount(right, row, n)) / n
            means -= means.mean() / 2
            np.divide(row - means[left] - means[right], 2, out=out)
        return result
    inverse = np.linalg.inv(sigma)
    sums = inverse.sum(axis=1)
    projection = inverse - np.outer(sums, sums) / sums.sum()
    return np.stack([0.5 * (projection @ squares(row[None], n)[0] @ projection)[left, right] for row in rows])


def weighted_whitened(
    rows: FloatArray, first: Indices, second: Indices, weights: IntArray, *, centred: bool
) -> tuple[FloatArray, FloatArray]:
    r"""Whitened similarities (Σ = I) of `rows[first[k]]` and `rows[second[k]]` in every replicate, without forming a sample.

    The copies of a stimulus are stimuli of their own; pairs of copies of one stimulus are left out. Since copies are exchangeable, V⁻¹ d
    is the same for all copies of a pair: with N = Σ w, c_i = N + 2 − 2 w_i and s_i = Σ_j w_j d_ij,

    $$d^\top V^{-1} e = \tfrac12 \Bigl[\sum_{i<j} w_i w_j d_{ij} e_{ij} - \sum_i \tfrac{w_i}{c_i} s_i(d) s_i(e)
    + \frac{\sum_i \frac{w_i}{c_i} s_i(d) \sum_i \frac{w_i}{c_i} s_i(e)}{1 + \sum_i w_i / c_i}\Bigr]$$

    Returns:
        The similarities `[replicate, k]`, and for each RDM `[replicate, rdm]` its whitened length over its root mean square (`centred`:
        over its standard deviation). NaN where an RDM has no whitened length.
    """
    product, own, spread = whitened_products(rows / _scales(rows), first, second, weights, centred=centred)
    with np.errstate(invalid="ignore", divide="ignore"):
        return product / np.sqrt(own[:, first] * own[:, second]), np.sqrt(own / spread)


def whitened_products(
    rows: FloatArray, first: Indices, second: Indices, weights: IntArray, *, centred: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What similarities are made of: inner products `[replicate, k]`, those of each RDM with itself and its variance `[replicate, rdm]`."""
    count, n = len(rows), weights.shape[1]
    values = rows - rows.mean(axis=1, keepdims=True) if centred else rows
    values = np.concatenate([values, np.ones((1, rows.shape[1]))])
    every = np.arange(count)
    a, b = np.concatenate([first, every, every, [count]]), np.concatenate([second, every, np.full(count, count), [count]])
    plain = pair_sums(lambda part: values[a, part] * values[b, part], len(a), weights).T
    inner = (plain - _shared_stimuli(squares(values, n), a, b, weights)) / 2
    k = len(first)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = plain[:, k + count : -1] / plain[:, -1:]
        spread = plain[:, k : k + count] / plain[:, -1:]
        product, own = inner[:, :k], inner[:, k : k + count]
        if centred:
            with_ones, ones = inner[:, k + count : -1], inner[:, -1:]
            spread = spread - mean**2
            product = product - mean[:, first] * with_ones[:, second] - mean[:, second] * with_ones[:, first]
            product += mean[:, first] * mean[:, second] * ones
            own = own - 2 * mean * with_ones + mean**2 * ones
        return product, np.where(own > 1e-13 * plain[:, k : k + count], own, np.nan), spread


def _scales(rows: FloatArray) -> FloatArray:
    scale = np.abs(rows).max(axis=1, keepdims=True, initial=0.0).astype(np.float64)
    return np.where(scale == 0, 1.0, scale)


def _shared_stimuli(matrices: FloatArray, a: Indices, b: Indices, weights: IntArray) -> FloatArray:
    """What V⁻¹ takes away of the plain product for stimuli that pairs share, `[replicate, k]`."""
    count, n = len(matrices), weights.shape[1]
    result = np.empty((len(weights), len(a)))
    step = max(1, _CHUNK_VALUES // (count * (n + count) + len(a)))
    for start in range(0, len(weights), step):
        w = weights[start : start + step].astype(np.float64)
        c = w.sum(axis=1, keepdims=True) + 2 - 2 * w
        sums = (matrices.reshape(count * n, n) @ w.T).reshape(count, n, -1).transpose(2, 0, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = w / c
            totals = np.einsum("rmi,ri->rm", sums, ratio)
            shared = (sums * ratio[:, None]) @ sums.transpose(0, 2, 1)
            shared -= totals[:, :, None] * (totals / (1 + ratio.sum(axis=1))[:, None])[:, None]
        for odd in np.flatnonzero((c == 0).any(axis=1)):  # one stimulus makes just more than half of the sample
            shared[odd] = (sums[odd] * w[odd]) @ np.linalg.solve(np.diag(c[odd]) + w[odd], sums[odd].T)
        result[start : start + step] = shared[:, a, b]
    return result
