"""Which dimensions are found again when the fit starts elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isomorph.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class Reproducibility:
    """How well the dimensions of one embedding are found again in others.

    Attributes:
        values: `[dimension]`: the correlation with the best match in another embedding, averaged over the others.
        per_other: `[other, dimension]`.
        threshold: From where on a dimension counts as found again.

    Example:
        >>> result = Reproducibility(np.array([0.95, 0.4]), np.array([[0.95, 0.4]]), 0.8)
        >>> result.share, str(result)
        (0.5, '1 of 2 dimensions found again (r > 0.8 in 1 other)')
    """

    values: FloatArray
    per_other: FloatArray
    threshold: float

    @property
    def share(self) -> float:
        """The share of dimensions above the threshold; NaN without dimensions."""
        return float((self.values > self.threshold).mean()) if len(self.values) else float("nan")

    def __str__(self) -> str:
        found, others = int((self.values > self.threshold).sum()), len(self.per_other)
        return f"{found} of {len(self.values)} dimensions found again (r > {self.threshold:g} in {others} other{'s' * (others > 1)})"


def reproducibility(weights: FloatArray, others: Sequence[FloatArray], *, threshold: float = 0.8, seed: int = 0) -> Reproducibility:
    """Match dimensions on one random half of the objects and correlate the matches on the other half, both ways round.

    The best match among many is best partly by chance; on objects that had no say in the choice it no longer is. A dimension that is
    constant on a half has no correlation there, which counts as 0.

    Args:
        weights: `[object, dimension]`.
        others: The same objects in other embeddings, of any number of dimensions.
        threshold: From where on a dimension counts as found again.
        seed: Of the halves.
    """
    order = np.random.default_rng(seed).permutation(len(weights))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    rows = np.zeros((len(others), weights.shape[1]))
    for at, other in enumerate(others):
        if other.shape[1] == 0:
            continue
        for choose, judge in (halves, halves[::-1]):
            match = _correlations(weights[choose], other[choose]).argmax(axis=1)
            rows[at] += _correlations(weights[judge], other[judge])[np.arange(len(match)), match] / 2
    return Reproducibility(rows.mean(axis=0), rows, threshold)


def _correlations(x: FloatArray, y: FloatArray) -> FloatArray:
    """Pearson correlations `[column of x, column of y]`; 0 where a column is constant."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    norms = np.linalg.norm(x, axis=0)[:, None] * np.linalg.norm(y, axis=0)
    result: FloatArray = np.divide(x.T @ y, norms, out=np.zeros(norms.shape), where=norms > 0)
    return result
