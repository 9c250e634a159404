"""Cross-validated squared distances: noise that folds do not share adds nothing on average."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.errors import ShapeError


def fold_means(x: FloatArray, *, stimuli: Sequence[Any], folds: Sequence[Any]) -> tuple[FloatArray, tuple[str, ...]]:
    """Mean pattern of each stimulus in each fold `[fold, stimulus, feature]`, NaN where a fold lacks the stimulus, and the stimuli.

    Stimuli stand in the order in which they first appear.

    Args:
        x: `[measurement, feature]`.
        stimuli: The stimulus of each measurement.
        folds: The fold (run, session) of each measurement.
    """
    for name, labels in (("stimuli", stimuli), ("folds", folds)):
        if len(labels) != len(x):
            raise ShapeError(f"each of the {len(x)} measurements needs one of `{name}`; got {len(labels)}.")
    names, index = _labels(stimuli)
    fold_names, fold = _labels(folds)
    cell = fold * len(names) + index
    counts = np.bincount(cell, minlength=len(fold_names) * len(names))
    sums = np.zeros((len(counts), x.shape[1]))
    np.add.at(sums, cell, x)
    sums[counts == 0] = np.nan
    sums /= np.maximum(counts, 1)[:, None]
    return sums.reshape(len(fold_names), len(names), -1), names


def condensed_crossnobis(patterns: FloatArray, *, ids: Sequence[str], name: str) -> FloatArray:
    r"""Cross-validated squared Euclidean distances of (noise-normalised) patterns, condensed.

    $$d_{ij} = \frac{1}{F_{ij} (F_{ij} - 1)} \sum_{A \ne B} (b_i - b_j)_A \cdot (b_i - b_j)_B$$

    over all ordered pairs of the \(F_{ij}\) folds that hold both stimuli. An offset that all patterns of a fold share cancels.

    Args:
        patterns: `[fold, stimulus, feature]`, float64; NaN in the rows of stimuli that a fold lacks.
        ids: The stimuli.
        name: What messages call the measurements.

    Raises:
        ShapeError: Two stimuli do not share two folds.
    """
    held: npt.NDArray[np.bool_] = np.asarray(~np.isnan(patterns).any(axis=2))
    left, right = np.triu_indices(patterns.shape[1], 1)
    shared = held.astype(np.float64).T @ held
    few = np.flatnonzero(shared[left, right] < 2)
    if len(few):
        pair = f"{ids[left[few[0]]]!r} and {ids[right[few[0]]]!r}"
        raise ShapeError(
            f"a cross-validated distance needs two stimuli in at least 2 folds together, but {len(few)} of {len(left)} pairs of {name} are "
            f"not; the first is {pair}."
        )
    patterns = np.where(held[:, :, None], patterns - np.nanmean(patterns, axis=(0, 1)), 0.0)
    kernel = _complete(patterns) if held.all() else _incomplete(patterns, held)
    return np.asarray(kernel[left, right] / (shared * (shared - 1))[left, right])


def _complete(patterns: FloatArray) -> FloatArray:
    """Σ over A ≠ B of the products of differences, from the sum over folds: Σ_A x_A · Σ_B x_B − Σ_A x_A · x_A."""
    total = patterns.sum(axis=0)
    products = total @ total.T
    for fold in patterns:
        products -= fold @ fold.T
    own = np.diagonal(products)
    return np.asarray(own[:, None] + own - 2 * products)


def _incomplete(patterns: FloatArray, held: npt.NDArray[np.bool_]) -> FloatArray:
    """The same over the pairs of folds that both hold both stimuli."""
    n = patterns.shape[1]
    result = np.zeros((n, n))
    for a in range(len(patterns)):
        for b in range(a + 1, len(patterns)):
            both = np.flatnonzero(held[a] & held[b])
            products = patterns[a, both] @ patterns[b, both].T
            own = np.diagonal(products)
            result[np.ix_(both, both)] += 2 * (own[:, None] + own - products - products.T)
    return result


def _labels(values: Sequence[Any]) -> tuple[tuple[str, ...], npt.NDArray[np.intp]]:
    index: dict[str, int] = {}
    places = np.array([index.setdefault(str(each), len(index)) for each in values], dtype=np.intp)
    return tuple(index), places
