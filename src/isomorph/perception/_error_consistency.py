"""Error consistency of every pair of observers, and accuracies, data set by data set."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

import numpy as np

from isomorph.errors import InputError
from isomorph.inference import interval
from isomorph.inference._bootstrap import check_draws
from isomorph.perception._agreement import drawn_shares, pairs_of, shares, without_bias
from isomorph.perception._dropped import Dropped, kept
from isomorph.perception._grid import grids
from isomorph.perception._trials import Trials

if TYPE_CHECKING:
    import pandas


def error_consistency(
    trials: Trials,
    *,
    dropped: Dropped = "model-vs-human",
    by: Literal["condition", "dataset"] = "dataset",
    replicates: int = 0,
    level: float = 0.95,
    seed: int = 0,
) -> pandas.DataFrame:
    """Every pair of observers on each data set, conditions averaged unweighted, or condition by condition.

    Args:
        trials: Trials of observers that saw the same images.
        dropped: Which conditions do not count.
        by: One row a pair and data set, or one a pair, data set and condition.
        replicates: Bootstrap replicates over images, for the columns `low` and `high` of κ by data set; 0: none.
        level: The interval's coverage.
        seed: The bootstrap's.

    Returns:
        `dataset`, (`condition`,) `first`, `second`, `error_consistency`, `observed`, `expected`, `accuracy_difference`, `n` (images).

    Raises:
        IdError: Two observers saw different images; the message lists them.
    """
    import pandas

    if by not in ("condition", "dataset"):
        raise InputError(f"by is 'condition' or 'dataset'; got {by!r}.")
    check_draws(replicates=replicates, seed=seed, level=level)
    parts, rng = [], np.random.default_rng(seed)
    for grid in grids(trials, dropped):
        pairs = pairs_of(list(range(len(grid.observers))))
        found = {name: each[:, :, 0] for name, each in zip(_NAMES, shares(grid, pairs).of(pairs), strict=True)}
        n = np.diff(grid.starts)
        names = np.array(grid.observers, dtype=object)
        first, second = names[pairs[:, 0]], names[pairs[:, 1]]
        if by == "dataset":
            columns = {"first": first, "second": second, **{name: found[name].mean(axis=1) for name in _ORDER}, "n": int(n.sum())}
        else:
            columns = {
                "condition": np.tile(np.array(grid.conditions, dtype=object), len(pairs)), "first": np.repeat(first, len(n)),
                "second": np.repeat(second, len(n)), **{name: found[name].ravel() for name in _ORDER}, "n": np.tile(n, len(pairs)),
            }  # fmt: skip
        if by == "dataset" and replicates:
            drawn = drawn_shares(grid, pairs, replicates, rng).averaged(pairs)[2]
            columns["low"], columns["high"] = interval(without_bias(columns["error_consistency"], drawn).T, level)
        parts.append(pandas.DataFrame({"dataset": grid.dataset, **columns}))
    return pandas.concat(parts, ignore_index=True)


_NAMES = ("accuracy_difference", "observed", "expected", "error_consistency")
_ORDER = ("error_consistency", "observed", "expected", "accuracy_difference")


def accuracies(trials: Trials, *, dropped: Dropped = "none") -> pandas.DataFrame:
    """The share of right answers of each observer on each data set, all trials pooled; NaN where an observer saw none.

    With `dropped="none"` these are the published files' top-1 accuracies; the mean over data sets of `dropped="model-vs-human"` is OOD
    accuracy.

    Returns:
        A table observer × data set.
    """
    import pandas

    part = kept(trials, dropped)
    width = len(part.dataset.names)
    key = part.subject.codes.astype(np.int64) * width + part.dataset.codes
    shape = (len(part.subject.names), width)
    counts, right = (
        np.bincount(key, weight, minlength=shape[0] * width).reshape(shape) for weight in (None, part.correct.astype(np.float64))
    )
    with np.errstate(invalid="ignore"):
        table = pandas.DataFrame(right / counts, index=pandas.Index(part.subject.names, name="observer"), columns=part.dataset.names)
    return table.sort_index().sort_index(axis=1)


def ood_accuracy(trials: Trials, *, dropped: Dropped = "model-vs-human") -> dict[str, float]:
    """Accuracy over the kept trials of each data set, averaged over data sets, for each model and for "humans" (all people pooled)."""
    humans = set(trials.humans)
    pooled = dataclasses.replace(trials, subject=trials.subject.renamed(lambda name: "humans" if name in humans else name))
    return {str(name): float(value) for name, value in accuracies(pooled, dropped=dropped).mean(axis=1, skipna=False).items()}
