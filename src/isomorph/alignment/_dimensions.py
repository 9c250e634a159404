"""What each dimension of an embedding is about, and how much of people's choices it explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isomorph.alignment._posterior import choice_surprise
from isomorph.arrays import FloatArray, IntArray

_BLOCK_ENTRIES = 1 << 23


@dataclass(frozen=True)
class Dimension:
    """One dimension of an odd-one-out embedding.

    Attributes:
        index: Its column.
        top: The objects that have most of it, with their weights, heaviest first.
        total: The sum of its weights.
        objects: How many objects have a weight above a tenth of its largest.
        share: Of the trials whose kept pair the embedding finds most similar, the share in which this dimension speaks most for that pair
            against its best rival; the shares of all dimensions sum to 1. None without trials.
        gain: Nats a trial that are lost when the dimension is set to 0; None without trials.
        reproducibility: Its mean correlation with its best match in the other runs; None with one run.
    """

    index: int
    top: tuple[tuple[str, float], ...]
    total: float
    objects: int
    share: float | None
    gain: float | None
    reproducibility: float | None = None

    def __str__(self) -> str:
        names = ", ".join(f"{name} {weight:.2f}" for name, weight in self.top[:5])
        return f"dimension {self.index}: {'' if self.share is None else f'{self.share:.1%} of explained choices; '}{names}"


def dimensions(
    weights: FloatArray, names: tuple[str, ...], items: IntArray | None, soft: FloatArray | None, *, top: int, found: FloatArray | None
) -> list[Dimension]:
    """Describe each column of `weights` by its top objects and, with trials, by the choices (the kept pair first) that it explains."""
    shares = None if items is None else explained_shares(weights, items)
    gains = None if items is None else _gains(weights, items, soft)
    result = []
    for index, column in enumerate(weights.T):
        best = np.argsort(-column, kind="stable")[:top]
        result.append(
            Dimension(
                index=index,
                top=tuple((names[row], float(column[row])) for row in best),
                total=float(column.sum()),
                objects=int((column > column.max() / 10).sum()),
                share=None if shares is None else float(shares[index]),
                gain=None if gains is None else gains[index],
                reproducibility=None if found is None else float(found[index]),
            )
        )
    return result


def _gains(weights: FloatArray, items: IntArray, soft: FloatArray | None) -> list[float]:
    loss = choice_surprise(weights, items, soft)
    if weights.shape[1] == 1:
        return [float(np.log(3) - loss)]
    return [float(choice_surprise(np.delete(weights, index, axis=1), items, soft) - loss) for index in range(weights.shape[1])]


def explained_shares(weights: FloatArray, items: IntArray) -> FloatArray:
    """`[dimension]`: the share of rightly foretold trials in which each dimension favours the kept pair most over its best rival."""
    counts = np.zeros(weights.shape[1])
    step = max(1, _BLOCK_ENTRIES // max(1, weights.shape[1]))
    for start in range(0, len(items), step):
        one, two, odd = (weights[items[start : start + step, column]] for column in range(3))
        kept, rivals = one * two, (one * odd, two * odd)
        totals = [each.sum(axis=1) for each in rivals]
        rival = np.where((totals[0] >= totals[1])[:, None], *rivals)
        right = kept.sum(axis=1) > np.maximum(*totals)
        counts += np.bincount((kept - rival)[right].argmax(axis=1), minlength=len(counts))
    shares: FloatArray = counts / max(1.0, counts.sum())
    return shares
