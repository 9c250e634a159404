"""Differences between two levels within strata, their intervals by bootstrap and their p-values by permutation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.inference import bootstrap_weights, interval

if TYPE_CHECKING:
    import pandas as pd

MANY = 5  # strata that are enough to be drawn anew


@dataclass(frozen=True, eq=False)
class Stratum:
    """The units that agree in everything that is held.

    Attributes:
        name: What they agree in.
        scores: `[unit]`: those of the first level, then those of the second.
        units: Their names.
        first: How many are of the first level.
    """

    name: str
    scores: FloatArray
    units: tuple[str, ...]
    first: int

    @property
    def sides(self) -> tuple[FloatArray, FloatArray]:
        """The scores of each level."""
        return self.scores[: self.first], self.scores[self.first :]

    @property
    def weight(self) -> float:
        """Of its difference: ½ for a pair, more where there are more units; the weight it has in least squares with strata."""
        return self.first * (len(self.scores) - self.first) / len(self.scores)

    @property
    def difference(self) -> float:
        """The mean of the first level less that of the second."""
        first, second = self.sides
        return float(first.mean() - second.mean())

    def relabelled(self, draws: int, rng: np.random.Generator) -> tuple[FloatArray, bool]:
        """The differences that other labels give, and whether these are all labellings there are."""
        n, total = len(self.scores), self.scores.sum()
        if comb(n, self.first) <= draws:
            sums = np.array([self.scores[list(rows)].sum() for rows in combinations(range(n), self.first)])
        else:
            sums = rng.permuted(np.tile(self.scores, (draws, 1)), axis=1)[:, : self.first].sum(axis=1)
        return sums / self.first - (total - sums) / (n - self.first), comb(n, self.first) <= draws


def strata_of(rows: pd.DataFrame) -> list[Stratum]:
    """Units, averaged over subjects, by stratum; strata that lack a level have no difference and are left out."""
    means = rows.groupby(["_stratum", "_first", "_unit"], sort=True)["_score"].mean().reset_index()
    result = []
    for name, part in means.groupby("_stratum", sort=True):
        ordered = part.sort_values("_first", ascending=False, kind="stable")
        first = int(ordered["_first"].sum())
        if 0 < first < len(ordered):
            result.append(Stratum(str(name), ordered["_score"].to_numpy(), tuple(ordered["_unit"]), first))
    return result


def permutation_contrast(strata: list[Stratum], *, replicates: int, permutations: int, seed: int, level: float) -> dict[str, Any]:
    """The weighted mean of the strata's differences, with its interval and two-sided p-value."""
    weights = np.array([each.weight for each in strata])
    observed = float(weights @ [each.difference for each in strata] / weights.sum())
    low, high = _interval(strata, weights, replicates, seed, level)
    p, test = _p_value(strata, weights / weights.sum(), observed, permutations, seed)
    return {"difference": observed, "low": low, "high": high, "p": p, "test": test}


def _p_value(strata: list[Stratum], shares: FloatArray, observed: float, draws: int, seed: int) -> tuple[float, str]:
    """All labellings where these are at most `draws`, else as many drawn at random."""
    if not draws:
        return np.nan, "none"
    rng = np.random.default_rng([seed, 6])
    parts, rounding = [each.relabelled(draws, rng) for each in strata], 1e-12 * sum(np.abs(each.scores).max() for each in strata)
    kind = "signs" if all(len(each.scores) == 2 for each in strata) else "labels"
    if all(whole for _, whole in parts) and prod(len(values) for values, _ in parts) <= draws:
        drawn = np.zeros(1)
        for share, (values, _) in zip(shares, parts, strict=True):
            drawn = (drawn[:, None] + share * values).ravel()
        return float((np.abs(drawn) >= abs(observed) - rounding).mean()), f"{kind}, all {len(drawn):,}"
    drawn = np.zeros(draws)
    for share, (values, _) in zip(shares, parts, strict=True):
        drawn += share * rng.choice(values, draws)
    beyond = int((np.abs(drawn) >= abs(observed) - rounding).sum())
    return (1 + beyond) / (1 + draws), f"{kind}, {draws:,} draws"


def _interval(strata: list[Stratum], weights: FloatArray, replicates: int, seed: int, level: float) -> tuple[float, float]:
    """Over strata where they are pairs, or many; else over the units of each level within each stratum."""
    sides = [len(part) for each in strata for part in each.sides]
    if not replicates or (len(strata) == 1 and max(sides) == 1):
        return np.nan, np.nan
    if max(sides) == 1 or len(strata) >= MANY:
        counts = bootstrap_weights(len(strata), replicates, seed) * weights
        drawn = counts @ [each.difference for each in strata] / counts.sum(axis=1)
    else:
        drawn = np.zeros(replicates)
        for at, (stratum, weight) in enumerate(zip(strata, weights / weights.sum(), strict=True)):
            for sign, part in zip((1, -1), stratum.sides, strict=True):
                drawn += sign * weight * (bootstrap_weights(len(part), replicates, seed + 2 * at + (sign > 0)) @ part) / len(part)
    low, high = interval(drawn, level)
    return float(low), float(high)
