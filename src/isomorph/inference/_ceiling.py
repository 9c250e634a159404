"""How well the best possible model could score, given how much the subjects differ."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError
from isomorph.inference._comparison import GRAMS, KENDALL, check_comparison, check_rdms, compare_rdms, dual, standardised
from isomorph.inference._deletion import LEAST_STIMULI, scaled_deviations, subset
from isomorph.inference._kendall import kendall
from isomorph.inference._moments import pair_weights
from isomorph.inference._ranks import RankTable, sorted_midranks
from isomorph.inference._score import Ceiling
from isomorph.inference._weighted import weighted_similarities
from isomorph.inference._whitened import WHITENED, weighted_whitened


def noise_ceiling(subjects: FloatArray, *, comparison: str = "pearson", sigma_k: FloatArray | None = None) -> Ceiling:
    """The noise ceiling of a group of subjects.

    upper = mean over subjects of the comparison of each with the pool of all; lower = the same with the pool of the others. Before RDMs
    are averaged to a pool they are z-scored (`"pearson"`, `"corr_cov"`), divided by their root mean square (`"cosine"`, `"cosine_cov"`)
    or by their mean (`"bures"`: Gram matrices of equal trace), ranked (`"spearman"`, `"rho-a"`, `"tau-a"`, `"tau-b"`), or left as they
    are (`"neg_riem_dist"`). That is the best pool for Pearson, cosine, Spearman and ρ_a, and close to it for the others.

    Args:
        subjects: `[subject, pair]`, or `[subject, repeat, pair]`: repeats are averaged first.
        comparison: As in `compare_rdms`.
        sigma_k: As in `compare_rdms`.

    Raises:
        InputError: There are fewer than two subjects.
        NonFiniteError: A distance is NaN or infinite.

    References:
        Nili et al., 2014, <https://doi.org/10.1371/journal.pcbi.1003553>.

    Example:
        >>> import numpy as np
        >>> print(noise_ceiling(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.5]])))
        ceiling 0.99 … 1.00
    """
    check_comparison(comparison, sigma_k)
    subjects = np.asarray(subjects)
    rows = check_rdms(subjects.mean(axis=1, dtype=np.float64) if subjects.ndim == 3 else subjects, name="the group of subjects")
    if len(rows) < 2:
        raise InputError(f"a noise ceiling needs at least 2 subjects; got {len(rows)}.")
    equal = np.ones(len(rows))
    if comparison in GRAMS:
        bounds = _pooled_ceiling(rows.astype(np.float64), sigma_k, equal, comparison)
    elif comparison in ("spearman", "rho-a", *KENDALL):
        bounds = _rank_ceiling(rows, RankTable(rows).ranks(), np.ones(rows.shape[1]), equal, comparison)
    else:
        unit = standardised(rows, comparison, sigma_k=sigma_k, name="the RDM of subject")
        lengths = 1 / np.sqrt(np.einsum("sp,sp->s", unit, unit) / unit.shape[1])
        bounds = _linear_ceilings((unit @ dual(unit, comparison, sigma_k).T)[None], equal[None], lengths[None])[0]
    return Ceiling(lower=float(bounds[0]), upper=float(bounds[1]))


def replicate_ceilings(
    rows: FloatArray, weights: IntArray, people_weights: FloatArray, *, comparison: str, sigma_k: FloatArray | None = None
) -> FloatArray:
    """Lower and upper ceilings `[replicate, 2]`, pools made anew in every replicate; NaN where only one subject was drawn.

    Args:
        rows: `[subject, pair]`, at least two.
        weights: `[replicate, stimulus]`, or one row for all replicates.
        people_weights: `[replicate, subject]`: how often each subject was drawn. A subject's own copies never pool against it.
        comparison: As in `compare_rdms`.
        sigma_k: As in `compare_rdms`.
    """
    if comparison in GRAMS or sigma_k is not None:
        return _deletion_ceilings(rows, weights, people_weights, comparison, sigma_k)
    if comparison in ("spearman", "rho-a", *KENDALL):
        return _rank_ceilings(rows, weights, people_weights, comparison)
    people = len(rows)
    first, second = np.triu_indices(people)
    if comparison in WHITENED:
        similar, lengths = weighted_whitened(rows, first, second, weights, centred=comparison == "corr_cov")
    else:
        similar = weighted_similarities(rows, first, second, weights, comparison=comparison)
        lengths = np.ones((len(weights), people))
    products = np.empty((len(weights), people, people))
    products[:, first, second] = similar
    products[:, second, first] = similar
    return _linear_ceilings(products, people_weights, lengths)


def _linear_ceilings(products: FloatArray, weights: FloatArray, lengths: FloatArray) -> FloatArray:
    """Lower and upper ceilings `[replicate, 2]` from the subjects' similarities to each other.

    The pool is a weighted sum of unit vectors, so that its similarity to each is a ratio of sums of `products`.

    Args:
        products: `[replicate, subject, subject]`.
        weights: `[replicate, subject]`: how often each subject was drawn.
        lengths: `[replicate, subject]`: how long each subject's share in the pool is.
    """
    own = np.diagonal(products, axis1=1, axis2=2)
    shares = weights * lengths
    to_all = np.matmul(products, shares[:, :, None])[:, :, 0]
    total = np.einsum("rs,rs->r", shares, to_all)[:, None]
    size = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = total - 2 * shares * to_all + shares**2 * own
        alone = size[:, None] - weights <= 0
        to_others = np.where(alone, np.nan, (to_all - shares * own) / np.sqrt(rest))
        lower = np.where(weights > 0, weights * to_others, 0.0).sum(axis=1) / size
        upper = np.einsum("rs,rs->r", weights, to_all) / np.sqrt(total[:, 0]) / size
    return np.stack([lower, upper], axis=1)


def _rank_ceilings(rows: FloatArray, weights: IntArray, people_weights: FloatArray, comparison: str) -> FloatArray:
    ranker = RankTable(rows)
    result = np.empty((len(people_weights), 2))
    fixed = len(weights) == 1
    pairs = next(pair_weights(weights))
    ranks: FloatArray = np.empty(0)
    for replicate, w in enumerate(people_weights):
        if replicate == 0 or not fixed:
            if not fixed:
                pairs = next(pair_weights(weights[replicate : replicate + 1]))
            ranks = ranker.ranks(pairs)
        result[replicate] = _rank_ceiling(rows, ranks, pairs, w, comparison)
    return result


def _rank_ceiling(rows: FloatArray, ranks: FloatArray, pairs: FloatArray, weights: FloatArray, comparison: str) -> FloatArray:
    """Lower and upper ceiling of one replicate, from its ranks `[subject, pair]`."""
    drawn, present = np.flatnonzero(weights), np.flatnonzero(pairs)
    if not len(present):
        return np.full(2, np.nan)
    ranks, pairs, weights = ranks[drawn][:, present], pairs[present], weights[drawn]
    pools = np.concatenate([(weights @ ranks)[None], weights @ ranks - weights[:, None] * ranks])
    if comparison in KENDALL:
        own, against = np.tile(ranks, (2, 1)), np.concatenate([np.broadcast_to(pools[:1], ranks.shape), pools[1:]])
        similar = kendall(own, against, np.broadcast_to(pairs, own.shape), comparison=comparison)
    else:
        own = _ranked_unit(ranks, pairs, comparison)
        order, pooled = sorted_midranks(pools, pairs)
        pooled = _ranked_unit(pooled, pairs[order], comparison)
        similar = np.concatenate(
            [own[:, order[0]] @ pooled[0], np.einsum("sp,sp->s", np.take_along_axis(own, order[1:], axis=1), pooled[1:])]
        )
    upper, lower = similar.reshape(2, -1) @ weights / weights.sum()
    return np.array([lower if len(drawn) > 1 else np.nan, upper])


def _ranked_unit(ranks: FloatArray, pairs: FloatArray, comparison: str) -> FloatArray:
    """Ranks `[vector, pair]`, centred and scaled so that plain inner products are Spearman's ρ or ρ_a of the weighted sample."""
    total = pairs.sum(axis=-1, keepdims=True)
    centred = (ranks - (total + 1) / 2) * np.sqrt(pairs)
    with np.errstate(invalid="ignore", divide="ignore"):
        if comparison == "rho-a":
            return np.asarray(centred * np.sqrt(12 / (total**3 - total)))
        return np.asarray(centred / np.sqrt(np.einsum("rp,rp->r", centred, centred))[:, None])


def _deletion_ceilings(
    rows: FloatArray, weights: IntArray, people_weights: FloatArray, comparison: str, sigma_k: FloatArray | None
) -> FloatArray:
    n = weights.shape[1]
    weights = np.broadcast_to(weights, (len(people_weights), n))
    result = np.full((len(people_weights), 2), np.nan)
    for replicate, (row, people) in enumerate(zip(weights, people_weights, strict=True)):
        drawn = np.flatnonzero(row)
        if len(drawn) >= LEAST_STIMULI:
            with suppress(InputError):  # a constant RDM among the few that were drawn
                result[replicate] = _pooled_ceiling(*subset(rows, sigma_k, drawn, n), people, comparison)
    if (weights > 0).all():
        return result
    return scaled_deviations(_pooled_ceiling(rows, sigma_k, np.ones(len(rows)), comparison), result, weights)


def _pooled_ceiling(rows: FloatArray, sigma_k: FloatArray | None, weights: FloatArray, comparison: str) -> FloatArray:
    """Lower and upper ceiling, comparing each subject that was drawn with pools that are formed."""
    drawn = np.flatnonzero(weights)
    rows, weights = rows[drawn], weights[drawn]
    shares = rows
    if comparison == "bures":
        shares = rows / rows.mean(axis=1, keepdims=True)
    elif comparison == "cosine_cov":
        shares = rows / np.sqrt(np.square(rows).mean(axis=1, keepdims=True))
    elif comparison == "corr_cov":
        shares = (rows - rows.mean(axis=1, keepdims=True)) / rows.std(axis=1, keepdims=True)
    everyone = weights @ shares
    upper = compare_rdms(everyone[None] / weights.sum(), rows, comparison=comparison, sigma_k=sigma_k)[0]
    lower = np.full(len(drawn), np.nan)
    if len(drawn) > 1:
        for place, (share, weight) in enumerate(zip(shares, weights, strict=True)):
            others = (everyone - weight * share) / (weights.sum() - weight)
            lower[place] = compare_rdms(others[None], rows[place : place + 1], comparison=comparison, sigma_k=sigma_k)[0, 0]
    return np.asarray(np.array([weights @ lower, weights @ upper]) / weights.sum())
