"""What labelled triplets look like, counted block by block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True)
class LabelReport:
    """Facts about labels; shares of all triplets.

    Attributes:
        n: Triplets.
        odd_last: In how many the pair 01 has the largest similarity, alone: what losses, metrics and readers of AligNet's files go by.
        third_smallest: In how many the pair 12 has the smallest: the words of AligNet's README. It decides nothing between the other two.
        tied: In how many the largest similarity is shared.
        moved: In how many the images were re-ordered.
        entropy: Nats: the mean entropy of the soft targets; ln 3 ≈ 1.099 would say nothing, 0 is a hard choice.
    """

    n: int
    odd_last: float
    third_smallest: float
    tied: float
    moved: float
    entropy: float

    @classmethod
    def of(cls, totals: Mapping[str, float]) -> LabelReport:
        """The report on counts that `add_counts` gathered."""
        n = int(totals["n"])
        return cls(n=n, **{name: totals[name] / n for name in ("odd_last", "third_smallest", "tied", "moved", "entropy")})


def add_counts(
    totals: Mapping[str, float], similarities: FloatArray, before: IntArray | None = None, after: IntArray | None = None
) -> dict[str, float]:
    """`totals` and the counts of one block, whose items were `before` and are `after`."""
    values = np.asarray(similarities, dtype=np.float32)
    s01, s02, s12 = values.T
    largest = values.max(axis=1)
    shifted = values - largest[:, None]
    weights = np.exp(shifted)
    total = weights.sum(axis=1)
    found: dict[str, Any] = {
        "n": len(values),
        "odd_last": np.count_nonzero(s01 > np.maximum(s02, s12)),
        "third_smallest": np.count_nonzero(s12 <= np.minimum(s01, s02)),
        "tied": np.count_nonzero((shifted == 0).sum(axis=1) > 1),
        "moved": 0 if before is None or after is None else np.count_nonzero((before != after).any(axis=1)),
        "entropy": float((np.log(total) - (weights * shifted).sum(axis=1) / total).sum(dtype=np.float64)),
    }
    return added(totals, found)


def added(totals: Mapping[str, float], counts: Mapping[str, float]) -> dict[str, float]:
    """`totals` and the counts of one block."""
    return {name: totals.get(name, 0) + float(value) for name, value in counts.items()}
