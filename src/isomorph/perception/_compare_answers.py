"""How far models' answers are from people's, group by group, with intervals and the people's own ceiling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from isomorph.errors import InputError, UnknownNameError
from isomorph.inference import interval
from isomorph.inference._bootstrap import check_draws
from isomorph.perception._answers import Answers, joined
from isomorph.perception._calibration_error import bin_gaps
from isomorph.perception._distances import DISTANCES
from isomorph.perception._distributions import Floats
from isomorph.perception._draws import drawn_means
from isomorph.perception._split_half import half_distances

if TYPE_CHECKING:
    import pandas

METRICS = (*DISTANCES, "ece")
"""What `compare_answers` can compute: the six distances, and the calibration error against people's distributions."""


_DIVIDERS = ("groups", "conditions", "truth")


def compare_answers(
    models: Answers | Sequence[Answers],
    human: Answers,
    *,
    metric: str | Sequence[str] = "hellinger",
    by: Literal["groups", "conditions", "truth"] | None = "groups",
    floor: float = 0.0,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    splits: int = 20,
) -> pandas.DataFrame:
    """Mean distance of each model's answers to people's, over all items and for each group.

    Args:
        models: One model's answers or several models'; they meet the people's by item.
        human: People's answers; `counts` give the ceiling.
        metric: Names of `METRICS`: hellinger, jsd, total_variation, cross_entropy, kl, brier, ece.
        by: What divides the items, of the people's answers or else the model's; without it there is the row "all" only.
        floor: The least probability of a model (before rows are divided by their sums again), for cross_entropy and kl, which are else
            infinite where a model rules out an answer.
        replicates: Bootstrap replicates over items (within the group); 0: no interval.
        level: The interval's coverage.
        seed: The bootstrap's and the splits'.
        splits: Random halves of the votes that the ceiling averages over; 0: no ceiling.

    Returns:
        One row a model, metric and group: `model`, `metric`, `group`, `value`, `low`, `high`, `ceiling` (the distance between two random
        halves of the people, see `split_half_ceiling`; NaN without counts, and where it is infinite), `n`.

    Raises:
        InputError: Outcomes differ, or stand in another order.
        IdError: Items differ.

    Example:
        >>> people = Answers.from_counts(["a", "b"], ["cat", "dog"], [[9, 1], [4, 6]], subject="people")
        >>> model = Answers(ids=["b", "a"], outcomes=["cat", "dog"], probabilities=[[.4, .6], [.9, .1]], subject="model")
        >>> float(compare_answers(model, people, by=None, replicates=0)["value"].iloc[0])
        0.0
    """
    import pandas

    check_draws(replicates=replicates, seed=seed, level=level)
    if by not in (None, *_DIVIDERS):
        raise InputError(f"by is {', '.join(map(repr, _DIVIDERS))} or None; got {by!r}.")
    metrics = [metric] if isinstance(metric, str) else list(metric)
    unknown = next((each for each in metrics if each not in METRICS), None)
    if unknown is not None:
        raise UnknownNameError("metric", unknown, METRICS)
    several = [models] if isinstance(models, Answers) else list(models)
    names = [each.subject or f"model {at}" for at, each in enumerate(several)]
    if len(set(names)) < len(names):
        raise InputError(f"two of the models are called {next(each for each in names if names.count(each) > 1)!r}; give each a subject.")
    rows: list[dict[str, Any]] = []
    ceilings = _ceilings(human, metrics, splits, seed, floor)
    for name, each_model in zip(names, several, strict=True):
        model = joined(each_model, human)
        items = {each: _per_item(each, model, human, floor) for each in metrics}
        for group, which in _groups(model, human, by).items():
            n = len(model) if group == "all" else len(which)
            found = _estimates({each: items[each][which] for each in metrics}, replicates, level, seed)
            for each in metrics:
                value, low, high = found[each]
                halves = ceilings[each][which] if each in ceilings else np.empty(0)
                halves = halves[~np.isnan(halves)]  # one vote has no halves
                ceiling = halves.mean() if len(halves) else float("nan")
                rows.append({
                    "model": name, "metric": each, "group": group, "value": value, "low": low, "high": high,
                    "ceiling": ceiling if np.isfinite(ceiling) else float("nan"), "n": n,
                })  # fmt: skip
    rows.sort(key=lambda row: (names.index(row["model"]), metrics.index(row["metric"])))
    return pandas.DataFrame(rows)


def item_distances(model: Answers, human: Answers, *, metric: str = "hellinger", floor: float = 0.0) -> Floats:
    """The distance of each item, in the order of the people's items: what `paired_difference` takes; `metric` is any but ece."""
    if metric not in DISTANCES:
        raise UnknownNameError("distance", metric, DISTANCES)
    return _per_item(metric, joined(model, human), human, floor)


def _per_item(metric: str, model: Answers, human: Answers, floor: float) -> Floats:
    """`[item]` distances, or for ece `[item, bin]`, the gaps between the share of people who answer the same and the confidence."""
    if metric == "ece":
        best, items = model.decisions(), np.arange(len(model))
        return bin_gaps(model.probabilities[items, best], human.probabilities[items, best])
    floored = {"floor": floor} if metric in ("cross_entropy", "kl") else {}
    return DISTANCES[metric](human.probabilities, model.probabilities, **floored)


def _groups(model: Answers, human: Answers, by: str | None) -> dict[str, Any]:
    groups: dict[str, Any] = {"all": slice(None)}
    column = None if by is None else getattr(human, by) or getattr(model, by)
    if column is not None:
        labels = np.array(column)
        groups |= {str(each): np.flatnonzero(labels == each) for each in sorted(set(column), key=_natural)}
    return groups


def _natural(name: str) -> tuple[float, str]:
    try:
        return float(name), name
    except ValueError:
        return float("inf"), name


def _estimates(items: dict[str, Floats], replicates: int, level: float, seed: int) -> dict[str, tuple[float, float, float]]:
    """The value and the ends of its interval of each metric, all from the same draws; what is infinite has no interval."""
    columns = {name: each.reshape(len(each), -1) for name, each in items.items()}
    finite = {name: each for name, each in columns.items() if replicates and np.isfinite(each).all()}
    ends: dict[str, tuple[float, float]] = {}
    if finite:
        drawn = drawn_means(np.hstack(list(finite.values())), replicates, np.random.default_rng(seed))
        parts = np.split(drawn, np.cumsum([each.shape[1] for each in finite.values()])[:-1], axis=1)
        for name, part in zip(finite, parts, strict=True):
            low, high = interval(np.abs(part).sum(axis=1), level)
            ends[name] = float(low), float(high)
    nothing = float("nan"), float("nan")
    return {name: (float(np.abs(each.mean(axis=0)).sum()), *ends.get(name, nothing)) for name, each in columns.items()}


def _ceilings(human: Answers, metrics: list[str], splits: int, seed: int, floor: float) -> dict[str, Floats]:
    if human.counts is None or not splits:
        return {}
    return {
        each: half_distances(human.counts, metric=each, splits=splits, seed=seed, floor=floor).mean(axis=0)
        for each in metrics
        if each != "ece"
    }
