"""The rows of scores of behaviour: consistency and accuracy, shape bias, distances of distributions, reliability."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from isomorph.perception import (
    Answers,
    Payoff,
    Trials,
    answer_losses,
    behaviour_table,
    compare_answers,
    reliability,
    risk_coverage,
    shape_bias,
)
from isomorph.perception._dropped import kept

if TYPE_CHECKING:
    import pandas

    from isomorph.benchmarks._behaviour_match_join import Joined

TRIALS = ("accuracy_difference", "observed_consistency", "error_consistency", "ood_accuracy")
DISTANCES = {
    "hellinger": "hellinger", "jsd": "jensen_shannon", "total_variation": "total_variation", "cross_entropy": "soft_cross_entropy",
    "brier": "brier", "ece": "ece",
}  # fmt: skip
HUMANS = "humans"


@dataclass(frozen=True, kw_only=True)
class Draws:
    """How intervals are made."""

    replicates: int
    seed: int
    level: float
    resample: Literal["images", "people", "both"]


def row(
    model: str, target: str, measure: str, value: Any, low: Any = None, high: Any = None, ceiling: Any = None, n: int = 0
) -> dict[str, Any]:
    """One score."""
    return {
        "model": model, "target": target, "measure": measure, "value": as_number(value), "low": as_number(low), "high": as_number(high),
        "ceiling": as_number(ceiling), "n": n,
    }  # fmt: skip


def as_number(value: Any) -> float | None:
    """A float for JSON: what is undefined becomes None."""
    number = float("nan") if value is None else float(value)
    return number if np.isfinite(number) else None


def trial_rows(trials: Trials, dropped: Any, draws: Draws, measures: Sequence[str]) -> list[dict[str, Any]]:
    """`behaviour_table`, one row a number; over all data sets and for each."""
    if not {"trials", "shape-bias"} & set(measures):
        return []
    how: dict[str, Any] = {"replicates": draws.replicates, "seed": draws.seed, "level": draws.level, "resample": draws.resample}
    table = behaviour_table(trials, dropped=dropped, **how)
    names = [*(TRIALS if "trials" in measures else ()), *(("shape_bias",) if table["shape_bias"].notna().any() else ())]
    names += ["mean_rank"] if "trials" in measures and len(trials.models) > 1 else []
    counts = _images(trials, dropped)
    if "shape_bias" in names:
        counts["shape_bias"] = int(shape_bias(trials, replicates=0)["images"].max())
    found = list(_from_table(table, names, counts))
    if "trials" in measures and len(trials.dataset.names) > 1:
        found += _from_table(behaviour_table(trials, by="dataset", dropped=dropped, **how), TRIALS, counts)
    return found


def _images(trials: Trials, dropped: Any) -> dict[str, int]:
    """How many images count in each data set, and in all."""
    part = kept(trials, dropped)
    part = part.where(part.subject.is_in(part.humans[:1] if len(part.dataset.names) == 1 else part.humans))
    keys = {(a, b, c) for a, b, c in zip(part.dataset.codes.tolist(), part.condition.codes.tolist(), part.item.codes.tolist(), strict=True)}
    counts = {name: sum(key[0] == at for key in keys) for at, name in enumerate(part.dataset.names)}
    return counts | {"all": len(keys)}


def _from_table(table: pandas.DataFrame, names: Sequence[str], counts: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    people = table[table["model"] == HUMANS]
    for record in table.to_dict("records"):
        target = str(record.get("dataset", "all"))
        own = people if "dataset" not in table else people[people["dataset"] == target]
        for name in names:
            if name == "mean_rank" and record["model"] == HUMANS:
                continue
            ceiling = None if record["model"] == HUMANS or name == "mean_rank" else own[name].iloc[0]
            ends = (record.get(f"{name}_low"), record.get(f"{name}_high"))
            yield row(str(record["model"]), target, name, record[name], *ends, ceiling, counts[name if name == "shape_bias" else target])


def distance_rows(joined: Joined, draws: Draws) -> list[dict[str, Any]]:
    """How far distributions are from people's, data set by data set and as the mean of those, unweighted."""
    found: list[dict[str, Any]] = []
    for name, several in joined.answers.items():
        if not several:
            continue
        votes, models = _answered(joined.votes[name], several)
        how: dict[str, Any] = {"replicates": draws.replicates, "seed": draws.seed, "level": draws.level}
        table = compare_answers(models, votes, metric=list(DISTANCES), by=None, **how)
        for each in table.to_dict("records"):
            found.append(
                row(each["model"], name, DISTANCES[each["metric"]], each["value"], each["low"], each["high"], each["ceiling"], each["n"])
            )
        for model in models:
            loss = answer_losses(model)
            curve = risk_coverage(
                1 - model.probabilities.max(axis=1), loss, replicates=min(draws.replicates, 200), level=draws.level, seed=draws.seed
            )
            found.append(row(model.subject, name, "aurc", curve.aurc, curve.aurc_low, curve.aurc_high, None, len(model)))
    found += halves(found)
    return [*found, *combined(found)]


def halves(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Two halves of the people in the place of a model: the ceilings as rows of their own."""
    known = {(each["target"], each["measure"]): each for each in rows if each["ceiling"] is not None}
    return [row(HUMANS, target, measure, each["ceiling"], n=each["n"]) for (target, measure), each in known.items()]


def _answered(votes: Answers, several: Sequence[Answers]) -> tuple[Answers, list[Answers]]:
    """Images that somebody answered, and without "no answer" unless a model gives it: a classifier cannot."""
    if any(each.probabilities[:, -1].any() for each in several):
        return votes, list(several)
    counts = np.asarray(votes.counts)[:, :-1]
    rows = np.flatnonzero(counts.sum(axis=1))
    ids = tuple(votes.ids[at] for at in rows)
    truth = votes.take(ids).truth
    people = Answers.from_counts(ids, votes.outcomes[:-1], counts[rows], truth=truth, subject="people")

    def alike(model: Answers) -> Answers:
        p = model.take(ids).probabilities[:, :-1]
        return Answers(ids=ids, outcomes=people.outcomes, probabilities=p, truth=truth, subject=model.subject)

    return people, [alike(each) for each in several]


def combined(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The mean over data sets, which are independent: the squared distances to the ends of their intervals add up (Donner & Zou, 2012)."""
    places = dict.fromkeys((each["model"], each["measure"]) for each in rows)
    for model, measure in places:
        part = [each for each in rows if (each["model"], each["measure"]) == (model, measure)]
        value, ceiling = (_mean([each[key] for each in part]) for key in ("value", "ceiling"))
        low, high = (_end(part, value, key) for key in ("low", "high"))
        yield row(model, "all", measure, value, low, high, ceiling, sum(each["n"] for each in part))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def _end(part: Sequence[Mapping[str, Any]], value: float | None, key: str) -> float | None:
    if value is None or any(each[key] is None for each in part):
        return None
    far = float(np.sqrt(sum((each[key] - each["value"]) ** 2 for each in part))) / len(part)
    return value - far if key == "low" else value + far


def reliability_rows(joined: Joined, costs: Sequence[float], draws: Draws) -> list[dict[str, Any]]:
    """RS per image at costs c that are shares of the number of images, of models and of people, each person by themselves."""
    found: list[dict[str, Any]] = []
    for name, several in joined.answers.items():
        votes = joined.votes[name]
        right, wrong = people_decide(votes)
        for share in costs if several else ():
            c, measure = share * len(votes), f"reliability(c={share:g}n)"
            ceiling = right - c * wrong
            for model in several:
                score = reliability(
                    model, payoff=Payoff(c=c), reduce="mean", replicates=draws.replicates, level=draws.level, seed=draws.seed
                )
                found.append(row(model.subject, name, measure, score.score, score.low, score.high, ceiling, score.n))
            found.append(row(HUMANS, name, measure, ceiling, n=len(votes)))
    return [*found, *combined(found)]


def people_decide(votes: Answers) -> tuple[float, float]:
    """The share of people's answers that are right, and that are wrong; the rest is no answer."""
    goal, share = votes.truth_columns, votes.probabilities
    right = float(share[np.arange(len(votes)), goal].mean())
    return right, float(1 - right - share[:, votes.abstain_column].mean())
