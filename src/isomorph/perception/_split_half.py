"""What people owe to themselves: one random half of them against the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import as_floats
from isomorph.errors import InputError, ShapeError, UnknownNameError
from isomorph.inference import Score
from isomorph.perception._distances import DISTANCES
from isomorph.perception._distributions import Floats
from isomorph.perception._draws import mean_interval


def split_half_ceiling(
    counts: Any, *, metric: str = "hellinger", splits: int = 100, replicates: int = 1000, level: float = 0.95, seed: int = 0
) -> Score:
    """The mean distance between the answers of two random halves of the people: below it, a model is closer to people than they are.

    Halves of an item's n votes have ⌊n/2⌋ each, and both are noisy. Against the whole crowd, another crowd of n would reach about
    0.71 of it (½ for squared distances: Brier's, Jensen–Shannon, Kullback–Leibler), and a model that knew everybody's mind about ½ (¼).

    Args:
        counts: `[item, outcome]` votes; items with fewer than two take no part.
        metric: One of `DISTANCES`.
        splits: How often the votes are halved.
        replicates: Bootstrap replicates over items; 0: no interval.
        level: The interval's coverage.
        seed: Of both.

    Raises:
        InputError: No item has two votes, or there is no split.

    Example:
        >>> split_half_ceiling([[10, 0], [0, 8]]).value
        0.0
    """
    if splits < 1:
        raise InputError(f"a ceiling is the mean over 1 split or more; got {splits}.")
    items = half_distances(counts, metric=metric, splits=splits, seed=seed).mean(axis=0)
    items = items[~np.isnan(items)]
    if not len(items):
        raise InputError("no item has two votes or more, so that there are no halves.")
    low, high = mean_interval(items, replicates=replicates, level=level, seed=seed) if replicates else (None, None)
    return Score(
        value=float(items.mean()), low=low, high=high, n=len(items), measure=f"split-half {metric}", level=level, seed=seed,
        replicates=replicates,
    )  # fmt: skip


def half_distances(counts: Any, *, metric: str = "hellinger", splits: int = 100, seed: int = 0, floor: float = 0.0) -> Floats:
    """`[split, item]` distances between halves of the votes; NaN for items with fewer than two votes."""
    if metric not in DISTANCES:
        raise UnknownNameError("distance", metric, DISTANCES)
    votes = np.asarray(counts)
    if votes.ndim != 2 or votes.dtype.kind not in "iu" or (votes < 0).any():
        raise ShapeError(f"votes are whole numbers of 0 or more with the axes [item, outcome]; got {votes.dtype} of shape {votes.shape}.")
    rng, floored = np.random.default_rng(seed), {"floor": floor} if metric in ("cross_entropy", "kl") else {}
    half = votes.sum(axis=1) // 2
    found = np.full((splits, len(votes)), np.nan)
    rows = half > 0
    for split in range(splits):
        first = _drawn(votes[rows], half[rows], rng)
        second = _drawn(votes[rows] - first, half[rows], rng)
        found[split, rows] = DISTANCES[metric](first / half[rows, None], second / half[rows, None], **floored)
    return found


def _drawn(votes: npt.NDArray[np.integer[Any]], size: npt.NDArray[np.integer[Any]], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """`size` of each row's votes without replacement: one hypergeometric draw after another."""
    drawn = np.zeros(votes.shape, dtype=np.int64)
    left, rest = size.astype(np.int64), votes.sum(axis=1).astype(np.int64)
    for outcome in range(votes.shape[1]):
        rest = rest - votes[:, outcome]
        drawn[:, outcome] = rng.hypergeometric(votes[:, outcome], rest, left)
        left = left - drawn[:, outcome]
    return drawn


def split_half_reliability(ratings: Any, *, splits: int = 1000, seed: int = 0) -> float:
    r"""Correlation over items between the means of two random halves of the raters, Spearman–Brown corrected: \(2r / (1 + r)\).

    Args:
        ratings: `[item, rater]` numbers (ratings, or 1 for right answers); NaN where a rater did not answer.
        splits: Random halves whose corrected correlations are averaged.
        seed: Of the splits.

    Raises:
        ShapeError: There are fewer than two raters or three items, or a half varies over no item.

    Example:
        >>> round(split_half_reliability([[1, 1, 1, 1], [2, 2, 2, 2], [4, 4, 4, 5]], splits=10), 2)
        1.0
    """
    table = as_floats(ratings, name="the ratings", ndim=2).astype(np.float64)
    if table.shape[1] < 2 or len(table) < 3:
        raise ShapeError(f"split halves need 2 raters and 3 items or more; got {table.shape[1]} raters and {len(table)} items.")
    rng = np.random.default_rng(seed)
    sides = np.argsort(rng.random((splits, table.shape[1])), axis=1)
    members = [np.zeros((splits, table.shape[1])) for _ in range(2)]
    half = table.shape[1] // 2
    for side, columns in zip(members, (sides[:, :half], sides[:, half:]), strict=True):
        np.put_along_axis(side, columns, 1, axis=1)
    known, filled = (~np.isnan(table)).astype(np.float64), np.nan_to_num(table)
    with np.errstate(invalid="ignore", divide="ignore"):
        first, second = (side @ filled.T / (side @ known.T) for side in members)
        both = ~np.isnan(first) & ~np.isnan(second)
        n = both.sum(axis=1, keepdims=True)
        a, b = (np.where(both, each - np.where(both, each, 0).sum(axis=1, keepdims=True) / n, 0) for each in (first, second))
        r = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    if np.isnan(r).any():
        raise ShapeError("one half of the raters gives every item the same rating, so that its correlation is 0/0.")
    return float(np.mean(2 * r / (1 + r)))
