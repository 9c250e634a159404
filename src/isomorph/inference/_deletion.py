"""Bootstrap replicates of comparisons that cannot weigh copies: without the stimuli that were not drawn."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError
from isomorph.inference._comparison import compare_rdms

LEAST_STIMULI = 3


def scaled_deviations(full: FloatArray, drawn: FloatArray, weights: IntArray) -> FloatArray:
    """Delete-d jackknife: deviations of `drawn` `[replicate, k]` from their mean, times √((n − d) / d), set around `full` `[k]`.

    References:
        Shao & Wu, 1989, <https://doi.org/10.1214/aos/1176347263>.
    """
    kept = (weights > 0).sum(axis=1)
    factor = np.sqrt(kept / np.maximum(weights.shape[1] - kept, 1))
    usable = np.isfinite(drawn)
    mean = np.where(usable, drawn, 0.0).sum(axis=0) / np.maximum(usable.sum(axis=0), 1)
    return np.asarray(full + (drawn - mean) * factor[:, None])


def subset(rows: FloatArray, sigma_k: FloatArray | None, drawn: npt.NDArray[np.intp], n: int) -> tuple[FloatArray, FloatArray | None]:
    """RDMs and covariance of the stimuli `drawn`, in rising order."""
    left, right = (drawn[each] for each in np.triu_indices(len(drawn), 1))
    sigma = None if sigma_k is None else np.asarray(sigma_k)
    if sigma is not None:
        sigma = sigma[drawn] if sigma.ndim == 1 else sigma[np.ix_(drawn, drawn)]
    return rows[:, left * (2 * n - left - 1) // 2 + right - left - 1], sigma


def deletion_similarities(
    rows: FloatArray,
    first: npt.NDArray[np.intp],
    second: npt.NDArray[np.intp],
    weights: IntArray,
    *,
    comparison: str,
    sigma_k: FloatArray | None,
) -> FloatArray:
    """`rows[first[k]]` against `rows[second[k]]` in every replicate, `[replicate, k]`; NaN where too few stimuli were drawn."""
    (left, a), (right, b) = (np.unique(each, return_inverse=True) for each in (first, second))

    def similarities(part: FloatArray, sigma: FloatArray | None) -> FloatArray:
        return compare_rdms(part[left], part[right], comparison=comparison, sigma_k=sigma)[a, b]

    n = weights.shape[1]
    result = np.full((len(weights), len(first)), np.nan)
    for replicate, row in enumerate(weights):
        drawn = np.flatnonzero(row)
        if len(drawn) >= LEAST_STIMULI:
            with suppress(InputError):  # a constant RDM among the few that were drawn
                result[replicate] = similarities(*subset(rows, sigma_k, drawn, n))
    return scaled_deviations(similarities(rows, sigma_k), result, weights)
