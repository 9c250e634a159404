"""How far answers differ within items, and in all: the two sums of which Krippendorff's α is one less the ratio."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Codes: TypeAlias = npt.NDArray[np.int64]
_CELLS = 2**20  # of a block of pairs of values, 8 MB


def _nominal(codes: Codes, values: npt.NDArray[Any]) -> tuple[float, float]:
    items, raters = np.nonzero(codes >= 0)
    said = codes[items, raters]
    cells, votes = np.unique(items * len(values) + said, return_counts=True)
    n, total = np.bincount(items), np.bincount(said)
    same = np.bincount(cells // len(values), votes.astype(np.float64) ** 2)
    return float(((n**2 - same) / (n - 1)).sum()), float((len(said) ** 2 - (total.astype(np.float64) ** 2).sum()) / (len(said) - 1))


def _squared(codes: Codes, scores: npt.NDArray[np.float64]) -> tuple[float, float]:
    """For squared differences of scores: the sum over all pairs is twice n times the squares about the mean."""
    items, raters = np.nonzero(codes >= 0)
    x, n = scores[codes[items, raters]], np.bincount(items)
    about = x - (np.bincount(items, x) / n)[items]
    observed = (2 * n * np.bincount(items, about**2) / (n - 1)).sum()
    return float(observed), float(2 * len(x) * ((x - x.mean()) ** 2).sum() / (len(x) - 1))


def _ordinal(codes: Codes, values: npt.NDArray[Any]) -> tuple[float, float]:
    total = np.bincount(codes[codes >= 0], minlength=len(values))
    return _squared(codes, np.cumsum(total) - total / 2)  # the sum from c to k less half of both ends is the distance of mid-ranks


def _interval(codes: Codes, values: npt.NDArray[Any]) -> tuple[float, float]:
    return _squared(codes, values.astype(np.float64))


def _ratio(codes: Codes, values: npt.NDArray[Any]) -> tuple[float, float]:
    x = values.astype(np.float64)
    observed, n = 0.0, (codes >= 0).sum(axis=1)
    for first, second in combinations(codes.T, 2):
        both = (first >= 0) & (second >= 0)
        observed += float((2 * _share(x[first[both]], x[second[both]]) / (n[both] - 1)).sum())
    total = np.bincount(codes[codes >= 0], minlength=len(x)).astype(np.float64)
    block = max(1, _CELLS // len(x))
    blocks = [slice(start, start + block) for start in range(0, len(x), block)]
    expected = sum(float(total[rows] @ _share(x[rows, None], x) @ total) for rows in blocks)
    return observed, expected / (total.sum() - 1)


def _share(c: Any, k: Any) -> Any:
    """((c - k) / (c + k))², 0 of two zeros."""
    return (np.subtract(c, k) / np.where(np.add(c, k) > 0, np.add(c, k), 1)) ** 2


DISAGREEMENTS: Mapping[str, Callable[[Codes, npt.NDArray[Any]], tuple[float, float]]] = {
    "nominal": _nominal,
    "ordinal": _ordinal,
    "interval": _interval,
    "ratio": _ratio,
}
"""By the level of measurement; each takes codes `[item, rater]` (-1: none, two or more an item) of sorted distinct values."""
