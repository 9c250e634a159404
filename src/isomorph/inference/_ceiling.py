"""How well the best possible model could score, given how much the subjects differ."""

from __future__ import annotations

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError
from isomorph.inference._comparison import check_comparison, check_rdms, standardised
from isomorph.inference._kendall import tau_a
from isomorph.inference._ranks import Ranker
from isomorph.inference._score import Ceiling
from isomorph.inference._weighted import ranked_unit, replicate_chunks


def noise_ceiling(subjects: FloatArray, *, comparison: str = "pearson") -> Ceiling:
    """The noise ceiling of a group of subjects.

    upper = mean over subjects of the comparison of each with the pool of all; lower = the same with the pool of the others. To pool,
    RDMs are z-scored (Pearson) or divided by their root mean square (cosine) and averaged; for `"spearman"`, `"rho-a"` and `"tau-a"`
    their ranks are averaged, which for τ_a is an approximation to the best pool.

    Args:
        subjects: `[subject, pair]`, or `[subject, repeat, pair]`: repeats are averaged first.
        comparison: As in `compare_rdms`.

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
    check_comparison(comparison)
    subjects = np.asarray(subjects)
    rows = check_rdms(subjects.mean(axis=1, dtype=np.float64) if subjects.ndim == 3 else subjects, name="the group of subjects")
    if len(rows) < 2:
        raise InputError(f"a noise ceiling needs at least 2 subjects; got {len(rows)}.")
    equal = np.ones((1, len(rows)))
    if comparison in ("pearson", "cosine"):
        unit = standardised(rows, comparison, name="the RDM of subject")
        bounds = linear_ceilings((unit @ unit.T)[None], equal)
    else:
        bounds = _rank_ceiling([Ranker(row) for row in rows], rows, np.ones((1, rows.shape[1])), equal[0], comparison)[None]
    return Ceiling(lower=float(bounds[0, 0]), upper=float(bounds[0, 1]))


def linear_ceilings(products: FloatArray, weights: FloatArray) -> FloatArray:
    """Lower and upper ceilings from the subjects' similarities to each other.

    The pool of unit vectors z is their weighted sum, so that its similarity to each is a ratio of sums of `products`.

    Args:
        products: `[replicate, subject, subject]`.
        weights: `[replicate, subject]`: how often each subject was drawn. A subject's own copies never pool against it.

    Returns:
        `[replicate, 2]`; NaN where only one subject was drawn.
    """
    own = np.diagonal(products, axis1=1, axis2=2)
    to_all = np.einsum("rst,rt->rs", products, weights)
    total = np.einsum("rs,rs->r", weights, to_all)[:, None]
    size = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = total - 2 * weights * to_all + weights**2 * own
        alone = size[:, None] - weights <= 0
        to_others = np.where(alone, np.nan, (to_all - weights * own) / np.sqrt(rest))
        lower = np.where(weights > 0, weights * to_others, 0.0).sum(axis=1) / size
        upper = np.sqrt(total[:, 0]) / size
    return np.stack([lower, upper], axis=1)


def rank_ceilings(rows: FloatArray, stimulus_weights: IntArray, subject_weights: FloatArray, comparison: str) -> FloatArray:
    """Lower and upper ceilings `[replicate, 2]` of a rank comparison; ranks and pools are made anew in every replicate."""
    rankers = [Ranker(row) for row in rows]
    result = np.empty((len(stimulus_weights), 2))
    for part, pairs in replicate_chunks(stimulus_weights, values_each=rows.size):
        for offset in range(len(pairs)):
            replicate = part.start + offset
            result[replicate] = _rank_ceiling(rankers, rows, pairs[offset : offset + 1], subject_weights[replicate], comparison)
    return result


def _rank_ceiling(rankers: list[Ranker], rows: FloatArray, pairs: FloatArray, weights: FloatArray, comparison: str) -> FloatArray:
    drawn = [int(subject) for subject in np.flatnonzero(weights > 0)]
    present = pairs[0] > 0
    if not present.any():
        return np.full(2, np.nan)
    ranks = np.stack([ranker.ranks(pairs)[0] for ranker in rankers])
    everyone = weights @ ranks

    def similarity(subject: int, pool: FloatArray) -> float:
        if comparison == "tau-a":
            return float(tau_a(rows[subject, present], pool[present], pairs[:, present])[0])
        own = ranked_unit(ranks[subject][None], pairs, comparison)[0]
        return float(own @ ranked_unit(Ranker(pool).ranks(pairs), pairs, comparison)[0])

    share = weights[drawn] / weights.sum()
    upper = share @ np.array([similarity(s, everyone) for s in drawn])
    if len(drawn) < 2:
        return np.array([np.nan, upper])
    lower = share @ np.array([similarity(s, everyone - weights[s] * ranks[s]) for s in drawn])
    return np.array([lower, upper])
