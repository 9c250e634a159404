"""How far raters agree: Cronbach's α, Fleiss' κ, Krippendorff's α, and intervals for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from isomorph.arrays import as_floats, check_finite
from isomorph.errors import InputError, NonFiniteError, ShapeError
from isomorph.inference import Score, interval
from isomorph.inference._bootstrap import check_draws
from isomorph.perception._distributions import Floats
from isomorph.perception._responses import coded, tallied


def cronbach_alpha(ratings: Any) -> float:
    r"""Cronbach's α of raters over items: \(\frac{m}{m - 1} (1 - \sum_r \mathrm{var}_r / \mathrm{var}(\sum_r))\).

    On right and wrong (1, 0) this is KR-20. 1: raters order the items alike; it may fall below 0.

    Args:
        ratings: `[item, rater]` numbers, none missing.

    Raises:
        ShapeError: There are fewer than two raters or items, or the raters' sums are the same for all items.
        NonFiniteError: A rating is missing.

    Example:
        >>> cronbach_alpha([[1, 1], [2, 2], [3, 3]])
        1.0
    """
    table = as_floats(ratings, name="the ratings", ndim=2).astype(np.float64)
    if min(table.shape) < 2:
        raise ShapeError(f"Cronbach's α needs 2 items and 2 raters or more; got {table.shape[0]} items and {table.shape[1]} raters.")
    check_finite(table, name="the ratings", rows="items")
    total = table.sum(axis=1).var(ddof=1)
    if total <= 0:
        raise ShapeError("the raters' sums are the same for all items, so that Cronbach's α is 0/0.")
    m = table.shape[1]
    return float(m / (m - 1) * (1 - table.var(axis=0, ddof=1).sum() / total))


def fleiss_kappa(counts: Any, *, varying: bool = False) -> float:
    r"""Fleiss' κ for nominal answers: \((\bar P - P_e) / (1 - P_e)\).

    Args:
        counts: `[item, outcome]`, how many raters gave each answer.
        varying: Allow items to have different numbers of raters: items with fewer than two are left out, \(\bar P\) is the mean over
            items, and \(P_e\) comes from the pooled shares, as in the plain form.

    Raises:
        InputError: Numbers of raters differ without `varying`, or no item has two.
        ShapeError: All answers are the same, so that κ is 0/0.

    Example:
        >>> fleiss_kappa([[2, 0], [0, 2]])
        1.0
    """
    table = as_floats(counts, name="the counts", ndim=2).astype(np.float64)
    check_finite(table, name="the counts", rows="items")
    n = table.sum(axis=1)
    if not varying and len(np.unique(n)) > 1:
        raise InputError(
            f"Fleiss' κ is for the same number of raters on every item; there are {n.min():g} to {n.max():g}. varying=True allows that, or "
            "use krippendorff_alpha, which is made for it."
        )
    table, n = table[n >= 2], n[n >= 2]
    if not len(table):
        raise InputError("no item has two raters, so that none can agree.")
    agree = ((table**2).sum(axis=1) - n) / (n * (n - 1))
    expected = ((table.sum(axis=0) / table.sum()) ** 2).sum()
    if expected >= 1:
        raise ShapeError("all answers are the same, so that Fleiss' κ is 0/0.")
    return float((agree.mean() - expected) / (1 - expected))


def krippendorff_alpha(responses: Any, *, level: Literal["nominal", "ordinal", "interval"] = "nominal") -> float:
    r"""Krippendorff's α, \(1 - D_o / D_e\), for any number of raters and any pattern of missing answers.

    Disagreement of two answers c and k is \([c \ne k]\) (nominal), \((c - k)^2\) (interval), or
    \((\sum_{g=c}^{k} n_g - (n_c + n_k)/2)^2\) over answers in their order (ordinal). Items with fewer than two answers take no part.

    Args:
        responses: `[item, rater]` text or numbers; missing: NaN, None or `""`.
        level: How answers are measured.

    Raises:
        InputError: No item has two answers; or text was given for a level that needs numbers.
        ShapeError: All answers are the same, so that α is 0/0.

    Example:
        >>> krippendorff_alpha([["cat", "cat"], ["dog", "dog"], ["cat", ""]])
        1.0
    """
    codes, values = coded(responses)
    if level not in ("nominal", "ordinal", "interval"):
        raise InputError(f"level is 'nominal', 'ordinal' or 'interval'; got {level!r}.")
    if level != "nominal" and values.dtype.kind not in "biuf":
        raise InputError(f"the level {level!r} needs numbers; got text such as {str(values[0])!r}.")
    counts = tallied(codes, len(values)).astype(np.float64)
    n = counts.sum(axis=1)
    counts, n = counts[n >= 2], n[n >= 2]
    if not len(counts):
        raise InputError("no item has two answers, so that none can agree.")
    total = counts.sum(axis=0)
    delta = _disagreement(level, total, values)
    pairs = (counts / (n - 1)[:, None]).T @ counts - np.diag((counts / (n - 1)[:, None]).sum(axis=0))
    expected = (np.outer(total, total) - np.diag(total)) / (total.sum() - 1)
    if (expected * delta).sum() <= 0:
        raise ShapeError("all answers are the same, so that Krippendorff's α is 0/0.")
    return float(1 - (pairs * delta).sum() / (expected * delta).sum())


def _disagreement(level: str, total: Floats, values: Any) -> Floats:
    if level == "nominal":
        return 1 - np.eye(len(total))
    if level == "interval":
        return np.asarray(np.subtract.outer(values.astype(np.float64), values.astype(np.float64)) ** 2)
    ranks = np.cumsum(total) - total / 2  # the sum from c to k less half of both ends is the distance of mid-ranks
    return np.asarray(np.subtract.outer(ranks, ranks) ** 2)


def rater_interval(
    statistic: Callable[[Any], float],
    table: Any,
    *,
    resample: Literal["items", "raters", "both"] = "items",
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Score:
    """A statistic of a table `[item, rater]` with its bootstrap interval.

    Raters who are drawn twice agree with themselves, which raises every coefficient of agreement; replicates over raters are therefore
    centred on the value. A replicate in which the statistic is 0/0 is left out.

    Args:
        statistic: Takes the table, gives one number: `cronbach_alpha`, `krippendorff_alpha`, a lambda.
        table: What it takes; for tables `[item, outcome]` of counts resample items only.
        resample: What is drawn with replacement: rows, columns or both.
        replicates: How often.
        level: The interval's coverage.
        seed: Of the draws.

    Example:
        >>> print(rater_interval(cronbach_alpha, [[1, 1], [2, 2], [3, 3], [4, 4]], replicates=100))
        1.00 [1.00, 1.00], n=4
    """
    check_draws(replicates=replicates, seed=seed, level=level)
    if resample not in ("items", "raters", "both"):
        raise InputError(f"resample is 'items', 'raters' or 'both'; got {resample!r}.")
    values = np.asarray(table)
    rng = np.random.default_rng(seed)
    drawn = np.full(replicates, np.nan)
    for at in range(replicates):
        part = values if resample == "raters" else values[rng.integers(len(values), size=len(values))]
        part = part if resample == "items" else part[:, rng.integers(values.shape[1], size=values.shape[1])]
        try:
            drawn[at] = statistic(part)
        except (InputError, NonFiniteError):
            continue
    value = float(statistic(values))
    if resample != "items" and not np.isnan(drawn).all():
        drawn += value - np.nanmean(drawn)
    low, high = interval(drawn, level) if replicates else (None, None)
    return Score(
        value=value, low=None if low is None else float(low), high=None if high is None else float(high), n=len(values),
        measure=getattr(statistic, "__name__", ""), level=level, seed=seed, replicates=replicates,
    )  # fmt: skip
