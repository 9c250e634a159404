"""Is there any relation at all? Stimulus labels are permuted, for all models alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.inference._comparison import GRAMS, KENDALL, compare_rdms, dual, standardised
from isomorph.inference._whitened import squares

PERMUTATIONS_AT_ONCE = 64


def permutation_null(
    models: FloatArray,
    subjects: FloatArray,
    *,
    n: int,
    comparison: str,
    permutations: range,
    seed: int,
    sigma_k: FloatArray | None = None,
    score: Callable[[FloatArray], FloatArray] | None = None,
) -> FloatArray:
    """Mean similarities to the subjects under permuted labels, `[permutation, model]`.

    The rows and columns of all subjects' RDMs are permuted together. Where the comparison is an inner product that does not depend on
    the order of the stimuli, the mean over subjects is one product with the mean standardised RDM, so that a permutation is one gather
    for all models and subjects. With `score` (subjects' RDMs → `[model]`) the null is what that gives, fits and folds included.

    `permutations` are those of `range(all)` that are wanted, from a multiple of `PERMUTATIONS_AT_ONCE` on, so that products have the
    shapes, and with them the last digits, that they have among all.
    """
    rng = np.random.default_rng([seed, 1])
    left, right = np.triu_indices(n, 1)
    linear = comparison not in (*KENDALL, *GRAMS) and sigma_k is None and score is None
    pool = dual(standardised(subjects, comparison), comparison).mean(axis=0, keepdims=True) if linear else subjects
    rows = standardised(models, comparison) if linear else models
    matrices = squares(pool, n)
    for _ in range(permutations.start):
        rng.permutation(n)
    found = []
    for start in permutations[::PERMUTATIONS_AT_ONCE]:
        size = min(PERMUTATIONS_AT_ONCE, permutations.stop - start)
        shuffled = np.stack([matrices[:, order[left], order[right]] for order in (rng.permutation(n) for _ in range(size))])
        if score is not None:
            found.append(np.stack([score(each) for each in shuffled]))
        elif linear:
            found.append(shuffled[:, 0] @ rows.T)
        else:
            similar = (compare_rdms(rows, each, comparison=comparison, sigma_k=sigma_k) for each in shuffled)
            found.append(np.stack([each.mean(axis=1) for each in similar]))
    return np.concatenate(found)


def permutation_p(null: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """One-sided p-values `[model]`, (1 + count of null ≥ value) / (1 + permutations), and null means.

    What is undefined under a permutation counts against the model.
    """
    count, total, defined = np.zeros(len(values)), np.zeros(len(values)), np.zeros(len(values))
    for start in range(0, len(null), PERMUTATIONS_AT_ONCE):  # sums in this order
        part = null[start : start + PERMUTATIONS_AT_ONCE]
        count += (~(part < values - 1e-12)).sum(axis=0)
        total += np.nansum(part, axis=0)
        defined += np.isfinite(part).sum(axis=0)
    return np.asarray((1 + count) / (1 + len(null))), np.asarray(total / np.maximum(defined, 1))
