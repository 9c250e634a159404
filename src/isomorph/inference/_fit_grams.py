"""Inner products of many RDMs with each other on many weighted subsets of the stimuli."""

from __future__ import annotations

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.inference._comparison import GRAMS, KENDALL, dual
from isomorph.inference._deletion import LEAST_STIMULI, subset
from isomorph.inference._moments import pair_sums
from isomorph.inference._ranks import midranks
from isomorph.inference._whitened import WHITENED, whitened_products

RANKED = ("spearman", "rho-a", *KENDALL)
_FLAT = 1e-14


def centred(comparison: str) -> bool:
    """Whether fits for `comparison` take the mean from predictors and target."""
    return comparison not in ("cosine", "cosine_cov", *GRAMS)


def grams(rows: FloatArray, weights: IntArray, comparison: str, sigma_k: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    """Inner products `[subset, rdm, rdm]` and plain variances `[subset, rdm]` (mean squares where nothing is centred).

    Args:
        rows: `[rdm, pair]`, scaled to about 1.
        weights: `[subset, stimulus]`: how often each stimulus stands; the pair (i, j), i ≠ j, stands w_i · w_j times.
        comparison: Inner products are those of this comparison: centred, whitened, or neither.
        sigma_k: The covariance of the patterns; a subset then holds each stimulus once.

    Returns:
        NaN where an RDM does not vary on the subset.
    """
    if comparison in WHITENED and sigma_k is not None:
        return _by_subset(rows, weights, comparison, sigma_k)
    count = len(rows)
    first, second = np.triu_indices(count)
    if comparison in WHITENED:
        product, own, spread = whitened_products(rows, first, second, weights, centred=centred(comparison))
        product = np.where(np.isfinite(own[:, first] * own[:, second]), product, np.nan)
    else:
        product = _plain(rows, weights, centred(comparison))
        spread = product[:, first == second]
    result = np.empty((len(weights), count, count))
    result[:, first, second] = product
    result[:, second, first] = product
    return result, spread


def pooled_shares(rows: FloatArray, comparison: str) -> FloatArray:
    """What is averaged to a pool, as in `noise_ceiling`."""
    if comparison in RANKED:
        return midranks(rows)
    if comparison == "neg_riem_dist":
        return rows
    with np.errstate(invalid="ignore", divide="ignore"):
        if comparison == "bures":
            return np.asarray(rows / rows.mean(axis=1, keepdims=True))
        if comparison == "corr_cov":
            rows = rows - rows.mean(axis=1, keepdims=True)
        return np.asarray(rows / np.sqrt(np.square(rows).mean(axis=1, keepdims=True)))


def _plain(rows: FloatArray, weights: IntArray, centre: bool) -> FloatArray:
    """Mean products `[subset, k]` of all pairs of RDMs in the order of the upper triangle with its diagonal."""
    count = len(rows)
    first, second = np.triu_indices(count)
    shifted = rows - rows.mean(axis=1, keepdims=True) if centre else rows

    def moments(part: slice) -> FloatArray:
        values = shifted[:, part]
        return np.concatenate([np.ones((1, values.shape[1])), values, values[first] * values[second]])

    sums = pair_sums(moments, 1 + count + len(first), weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums[1:] / sums[0]
    mean, product = means[:count], means[count:]
    if centre:
        product = product - mean[first] * mean[second]
    flat = product[first == second] < _FLAT
    product[flat[first] | flat[second]] = np.nan
    return np.ascontiguousarray(product.T)


def _by_subset(rows: FloatArray, weights: IntArray, comparison: str, sigma_k: FloatArray) -> tuple[FloatArray, FloatArray]:
    count, n = len(rows), weights.shape[1]
    result, spread = np.full((len(weights), count, count), np.nan), np.full((len(weights), count), np.nan)
    for place, row in enumerate(weights):
        drawn = np.flatnonzero(row)
        if len(drawn) < LEAST_STIMULI:
            continue
        part, sigma = subset(rows, sigma_k, drawn, n)
        if centred(comparison):
            part = part - part.mean(axis=1, keepdims=True)
        spread[place] = np.square(part).mean(axis=1)
        if (spread[place] > _FLAT).all():
            result[place] = part @ dual(part, comparison, sigma).T
    return result, spread
