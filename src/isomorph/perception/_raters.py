"""How far raters agree: Cronbach's α, Fleiss' κ, Krippendorff's α, and intervals for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from isomorph.arrays import as_floats, check_finite
from isomorph.errors import InputError, NonFiniteError, ShapeError
from isomorph.inference import Score, interval
from isomorph.inference._bootstrap import check_draws
from isomorph.perception._disagreements import DISAGREEMENTS
from isomorph.perception._distributions import Floats
from isomorph.perception._responses import coded


def cronbach_alpha(ratings: Any, *, missing: Literal["raise", "listwise", "pairwise"] = "raise") -> float:
    r"""Cronbach's α of raters over items: \(\frac{m}{m - 1} (1 - \sum_r \mathrm{var}_r / \mathrm{var}(\sum_r))\).

    On right and wrong (1, 0) this is KR-20. 1: raters order the items alike; it may fall below 0.

    Args:
        ratings: `[item, rater]` numbers.
        missing: What is done about NaN: `"raise"`; `"listwise"`: items that lack a rating are left out; `"pairwise"`: the covariance of two
            raters, of which the sum's variance is the total, comes from the items that both rated.

    Raises:
        ShapeError: There are fewer than two raters or items (with two raters each, where pairwise), or the raters' sums are the same for
            all items.
        NonFiniteError: A rating is missing, or infinite.

    Example:
        >>> cronbach_alpha([[1, 1], [2, 2], [3, 3]])
        1.0
    """
    table = as_floats(ratings, name="the ratings", ndim=2).astype(np.float64)
    if missing not in ("raise", "listwise", "pairwise"):
        raise InputError(f"missing is 'raise', 'listwise' or 'pairwise'; got {missing!r}.")
    if missing == "listwise":
        table = table[~np.isnan(table).any(axis=1)]
    if min(table.shape) < 2:
        raise ShapeError(f"Cronbach's α needs 2 items and 2 raters or more; got {table.shape[0]} items and {table.shape[1]} raters.")
    absent = np.isnan(table)
    if missing == "raise" and absent.any():
        raise NonFiniteError(
            f"{int(absent.sum())} of {table.size} ratings are missing; the first is of item {int(absent.any(axis=1).argmax())}. "
            "missing='listwise' leaves such items out, missing='pairwise' takes for each two raters what both rated."
        )
    check_finite(np.where(absent, 0, table), name="the ratings", rows="items")
    covariance = _pairwise_covariance(table)
    total = covariance.sum()
    if total <= 1e-12 * np.trace(covariance):
        raise ShapeError("the raters' sums are the same for all items, so that Cronbach's α is 0/0.")
    m = table.shape[1]
    return float(m / (m - 1) * (1 - np.trace(covariance) / total))


def _pairwise_covariance(table: Floats) -> Floats:
    """`[rater, rater]`, each from the items that both rated."""
    known = (~np.isnan(table)).astype(np.float64)
    n = known.T @ known
    if n.min() < 2:
        first, second = np.argwhere(n < 2)[0]
        raise ShapeError(f"raters {first} and {second} rated {int(n[first, second])} of the same items; pairwise, 2 or more are needed.")
    filled = np.nan_to_num(table - np.nansum(table, axis=0) / known.sum(axis=0))
    sums = filled.T @ known
    return np.asarray((filled.T @ filled - sums * sums.T / n) / (n - 1))


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


def krippendorff_alpha(responses: Any, *, level: Literal["nominal", "ordinal", "interval", "ratio"] = "nominal") -> float:
    r"""Krippendorff's α, \(1 - D_o / D_e\), for any number of raters and any pattern of missing answers.

    Disagreement of two answers c and k is \([c \ne k]\) (nominal), \((c - k)^2\) (interval), \(((c - k) / (c + k))^2\) (ratio), or
    \((\sum_{g=c}^{k} n_g - (n_c + n_k)/2)^2\) over answers in their order (ordinal). Items with fewer than two answers take no part.

    Args:
        responses: `[item, rater]` text or numbers; missing: NaN, None or `""`.
        level: How answers are measured.

    Raises:
        InputError: No item has two answers; or text was given for a level that needs numbers, or numbers below 0 for ratios.
        NonFiniteError: An answer is infinite, where numbers are needed.
        ShapeError: All answers are the same, so that α is 0/0.

    Example:
        >>> krippendorff_alpha([["cat", "cat"], ["dog", "dog"], ["cat", ""]])
        1.0
    """
    codes, values = coded(responses)
    if level not in DISAGREEMENTS:
        raise InputError(f"level is {', '.join(map(repr, DISAGREEMENTS))}; got {level!r}.")
    if level != "nominal":
        _check_numbers(values, level)
    codes = codes[(codes >= 0).sum(axis=1) >= 2]
    if not len(codes):
        raise InputError("no item has two answers, so that none can agree.")
    observed, expected = DISAGREEMENTS[level](codes, values)
    if expected <= 0:
        raise ShapeError("all answers are the same, so that Krippendorff's α is 0/0.")
    return 1 - observed / expected


def _check_numbers(values: Any, level: str) -> None:
    if values.dtype.kind not in "biuf":
        raise InputError(f"the level {level!r} needs numbers; got text such as {str(values[0])!r}.")
    check_finite(values.astype(np.float64), name="the responses", rows="different answers")
    if level == "ratio" and values.min() < 0:
        raise InputError(f"the level 'ratio' is for amounts of 0 or more; got {values.min():g}. Use level='interval'.")


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
