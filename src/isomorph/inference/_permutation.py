"""Is there any relation at all? Stimulus labels are permuted, for all models alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.inference._comparison import GRAMS, KENDALL, compare_rdms, dual, standardised
from isomorph.inference._whitened import squares

_CHUNK = 64


def permutation_p(
    models: FloatArray,
    subjects: FloatArray,
    values: FloatArray,
    *,
    n: int,
    comparison: str,
    permutations: int,
    seed: int,
    sigma_k: FloatArray | None = None,
    score: Callable[[FloatArray], FloatArray] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """One-sided p-values `[model]` of mean similarities to the subjects, (1 + count of null ≥ value) / (1 + permutations), and null means.

    The rows and columns of all subjects' RDMs are permuted together. Where the comparison is an inner product that does not depend on
    the order of the stimuli, the mean over subjects is one product with the mean standardised RDM, so that a permutation is one gather
    for all models and subjects. With `score` (subjects' RDMs → `[model]`) the null is what that gives, fits and folds included; what
    is undefined there counts against the model.
    """
    rng = np.random.default_rng([seed, 1])
    left, right = np.triu_indices(n, 1)
    linear = comparison not in (*KENDALL, *GRAMS) and sigma_k is None and score is None
    pool = dual(standardised(subjects, comparison), comparison).mean(axis=0, keepdims=True) if linear else subjects
    rows = standardised(models, comparison) if linear else models
    matrices = squares(pool, n)
    count, total, defined = np.zeros(len(values)), np.zeros(len(values)), np.zeros(len(values))
    for start in range(0, permutations, _CHUNK):
        size = min(_CHUNK, permutations - start)
        shuffled = np.stack([matrices[:, order[left], order[right]] for order in (rng.permutation(n) for _ in range(size))])
        if score is not None:
            null = np.stack([score(each) for each in shuffled])
        elif linear:
            null = shuffled[:, 0] @ rows.T
        else:
            null = np.stack([compare_rdms(rows, each, comparison=comparison, sigma_k=sigma_k).mean(axis=1) for each in shuffled])
        count += (~(null < values - 1e-12)).sum(axis=0)
        total += np.nansum(null, axis=0)
        defined += np.isfinite(null).sum(axis=0)
    return np.asarray((1 + count) / (1 + permutations)), np.asarray(total / np.maximum(defined, 1))
