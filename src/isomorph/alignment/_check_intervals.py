"""Before and after on the same stimuli: what changed, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.inference import interval

_BLOCK_VALUES = 4_000_000


@dataclass(frozen=True, kw_only=True)
class Draws:
    """How a bootstrap draws; the same stimuli (and episodes) before and after."""

    replicates: int = 1000
    level: float = 0.95
    seed: int = 0

    def compare(self, before: FloatArray, after: FloatArray) -> dict[str, Any]:
        """Means before and after, their difference, and the intervals of all three.

        Args:
            before: `[stimulus]` or `[episode, stimulus]`, NaN where a stimulus was not tested.
            after: The same.
        """
        values = np.stack([before, after, after - before]).reshape(3, -1, before.shape[-1])  # [quantity, episode, stimulus]
        means, tested = np.nanmean(values, axis=(1, 2)), ~np.isnan(values[0])
        replicates = resampled(np.where(tested, values, 0), tested, self.replicates, self.seed) if self.replicates else None
        return figures(means, replicates, self.level) | {"n": int(tested.any(axis=0).sum())}


def figures(means: FloatArray, replicates: FloatArray | None, level: float) -> dict[str, Any]:
    """A row of the table from before, after and their difference `[3]`, and replicates of these `[replicate, 3]`."""
    row: dict[str, Any] = {name: float(each) for name, each in zip(("before", "after", "difference"), means, strict=True)}
    names = [[f"before_{end}", f"after_{end}", end] for end in ("low", "high")]
    if replicates is None:
        return row | dict.fromkeys((each for of in names for each in of), None) | {"change": ""}
    for of, values in zip(names, interval(replicates, level), strict=True):
        row |= {name: min(float(value), 1.0) for name, value in zip(of, values, strict=True)}  # AUROC's are right to first order only
    return row | {"change": "better" if row["low"] > 0 else "worse" if row["high"] < 0 else "none shown"}


def resampled(values: FloatArray, tested: FloatArray, replicates: int, seed: int) -> FloatArray:
    """Means over the tested of `values` `[quantity, episode, stimulus]` where stimuli, and several episodes, are drawn with replacement.

    Returns:
        `[replicate, quantity]`; quantities share all draws.
    """
    quantities, episodes, n = values.shape
    rng = np.random.default_rng([seed, 23])
    columns = np.concatenate([values.reshape(-1, n), tested]).T.astype(np.float64)
    found, step = np.empty((replicates, quantities)), max(1, _BLOCK_VALUES // n)
    for start in range(0, replicates, step):
        count = min(step, replicates - start)
        drawn = rng.integers(n, size=(count, n)) + np.arange(0, count * n, n)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=count * n).reshape(count, n)
        sums = (weights @ columns).reshape(count, quantities + 1, episodes)
        if episodes > 1:
            sums *= rng.multinomial(episodes, np.full(episodes, 1 / episodes), size=count)[:, None]
        totals = sums.sum(axis=2)
        with np.errstate(invalid="ignore"):  # a draw of nothing that was tested is NaN, and left out
            found[start : start + count] = totals[:, :-1] / totals[:, -1:]
    return found
