"""The rows of scores of acting and abstaining, over seeds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.benchmarks._behaviour_match_rows import HUMANS, combined, halves, row
from isomorph.errors import InputError
from isomorph.perception import Answers, Payoff, answer_losses, item_distances, reliability, risk_coverage
from isomorph.perception._draws import mean_interval
from isomorph.perception._split_half import half_distances

_SEED = re.compile(r"(.+)/(\d+(?:-\d+)*)")
_SPLITS = 20


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """How intervals are made."""

    replicates: int
    seed: int
    level: float

    def interval(self, values: Any) -> tuple[float, float]:
        """Of the mean of values [item]."""
        return mean_interval(np.asarray(values, dtype=np.float64), replicates=self.replicates, level=self.level, seed=self.seed)


def scored(runs: Sequence[Answers], people: Answers, costs: Sequence[float], how: Bootstrap, *, asked: bool) -> list[dict[str, Any]]:
    """See `AbstentionMatch.score`; `asked`: the labels are people's."""
    found: list[dict[str, Any]] = []
    ceilings = _ceilings(people)
    of_people = {c: float(of_a_person(people, c)) for c in costs} if asked else {}
    for name, several in by_model(runs).items():
        found += _categories(name, several, people, how, ceilings)
        found += _overall(name, several, people, costs, how, of_people)
    distances = [each for each in found if each["measure"] == "hellinger"]
    over_categories = [_with_seeds(each, distances) for each in combined(distances)]
    found = [*over_categories, *halves([*distances, *over_categories]), *found]  # the first measure orders a leaderboard
    found += [row(HUMANS, "all", f"rs_{c:g}", value, n=len(people)) for c, value in of_people.items()]
    return [{"sd": None, "seeds": None} | each for each in found]


def by_model(runs: Sequence[Answers]) -> dict[str, list[Answers]]:
    """Runs that differ in their seed alone, by what they share of their names.

    Raises:
        InputError: A run has no name, or two have one.
    """
    names = [each.subject for each in runs]
    if not all(names):
        raise InputError("answers are compared under a name; give Answers(..., subject='my-model').")
    twice = next((each for each in names if names.count(each) > 1), None)
    if twice is not None:
        raise InputError(f"two runs are called {twice!r}; seeds make names differ: 'model/method/45'.")
    found: dict[str, list[Answers]] = {}
    for each in runs:
        parts = _SEED.fullmatch(each.subject)
        found.setdefault(parts[1] if parts else each.subject, []).append(each)
    return found


def _categories(name: str, several: Sequence[Answers], people: Answers, how: Bootstrap, ceilings: Any) -> Iterator[dict[str, Any]]:
    """Distances and abstention in each category; abstention at each severity."""
    far = np.array([item_distances(each, people) for each in several])
    runs = [each.take(people.ids) for each in several]
    away = np.array([each.probabilities[:, each.abstain_column] for each in runs])
    groups, severities = np.array(people.groups), np.array(people.conditions or [""] * len(people))
    for category in sorted(set(people.groups or ())):
        rows = groups == category
        ceiling = None if ceilings is None or np.isnan(ceilings[rows]).all() else np.nanmean(ceilings[rows])
        yield _row(name, f"category {category}", "hellinger", far[:, rows], how, ceiling)
        yield _row(name, f"category {category}", "abstention", away[:, rows], how)
    for severity in sorted({*severities} - {""}, key=float):
        yield _row(name, f"severity {severity}", "abstention", away[:, severities == severity], how)


def _overall(
    name: str, several: Sequence[Answers], people: Answers, costs: Sequence[float], how: Bootstrap, of_people: dict[float, float]
) -> Iterator[dict[str, Any]]:
    """What concerns all pictures."""
    runs = [each.take(people.ids) for each in several]
    act = np.isin(np.array(people.groups), ("1", "2", "3"))
    if act.any():
        classes = [np.delete(each.probabilities, each.abstain_column, axis=1) for each in runs]
        right = np.array([(each.argmax(axis=1) == people.truth_columns) & (each.max(axis=1) > 0) for each in classes], dtype=np.float64)
        yield _row(name, "all", "accuracy", right[:, act], how)
    for c in costs:
        worth = np.array([reliability(each, payoff=Payoff(c=c), human=people, replicates=0).worth for each in runs])
        yield _row(name, "all", f"rs_{c:g}", worth * len(people), how, of_people.get(c))
    curves = [
        risk_coverage(
            each.probabilities[:, each.abstain_column], answer_losses(each, people), replicates=min(how.replicates, 200), seed=how.seed,
            level=how.level,
        )
        for each in runs
    ]  # fmt: skip
    for measure in ("aurc", "augrc"):
        # The ends are means over seeds: of one run they are its own, of several at least as far apart as those of the mean.
        value, low, high = ([float(getattr(each, f"{measure}{end}")) for each in curves] for end in ("", "_low", "_high"))
        yield row(name, "all", measure, np.mean(value), np.mean(low), np.mean(high), n=len(people)) | _spread(value)


def _row(name: str, target: str, measure: str, values: Any, how: Bootstrap, ceiling: Any = None) -> dict[str, Any]:
    """A mean over `[seed, item]`."""
    low, high = how.interval(values.mean(axis=0))
    runs = values.mean(axis=1)
    return row(name, target, measure, runs.mean(), low, high, ceiling, values.shape[1]) | _spread(runs)


def _spread(runs: Any) -> dict[str, Any]:
    return {"sd": float(np.std(runs, ddof=1)) if len(runs) > 1 else None, "seeds": len(runs)}


def _with_seeds(mean: dict[str, Any], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The mean over categories has no deviation of its own; how many seeds it rests on is known."""
    return mean | {"seeds": next((each.get("seeds") for each in rows if each["model"] == mean["model"]), None)}


def _ceilings(people: Answers) -> Any:
    """[item], the distance between two halves of its people; None without votes."""
    return None if people.counts is None else half_distances(people.counts, splits=_SPLITS).mean(axis=0)


def of_a_person(people: Answers, c: float) -> float:
    """What one of the people is expected to reach: who answers is drawn anew for each picture."""
    expected = 0.0
    for column, outcome in enumerate(people.outcomes):
        always = Answers.from_decisions(people.ids, people.outcomes, [outcome] * len(people), abstain=people.abstain)
        worth = reliability(always, payoff=Payoff(c=c), human=people, replicates=0).worth
        expected += float(people.probabilities[:, column] @ worth)
    return expected
