"""`isomorph perception`: answers as distributions, against people's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from isomorph.cli._output import print_facts, print_json, print_table
from isomorph.cli._parse import call_action

if TYPE_CHECKING:
    from isomorph.perception import Answers

Source = Annotated[Path, tyro.conf.Positional]
_METRICS = ("hellinger", "jsd", "total_variation", "cross_entropy", "ece", "brier")


def run(words: list[str]) -> int | None:
    """Parse and run."""
    actions: dict[str, Callable[..., int | None]] = {"score": score, "reliability": reliability, "convert": convert, "plan": plan}
    return call_action(actions, words, command="perception")


def score(
    human: Source,
    model: Source,
    *,
    by: str | None = None,
    floor: float = 0.0,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    json: bool = False,
) -> None:
    """How far a model's answers are from people's: overall and for each category, with intervals and the people's own ceiling.

    Args:
        human: People's answers, item × outcome: .csv, .tsv or .parquet (votes or shares), .npz, .json.
        model: The model's answers to the same items.
        by: What divides the items: groups, truth, conditions, or majority (people's most frequent answer); by default the first of these
            that is there.
        floor: The least probability of the model in the cross-entropy, which is else infinite where the model rules out an answer.
        replicates: Bootstrap replicates over items; 0: no intervals.
        level: The intervals' coverage.
        seed: The bootstrap's.
        json: One JSON object: n, by, and for hellinger, jsd, total_variation, cross_entropy, ece and brier: overall, low, high, ceiling,
            per_category.
    """
    from isomorph.perception import compare_answers, read_answers

    people, answers = read_answers(human), read_answers(model)
    by = by or next((name for name in ("groups", "truth", "conditions") if getattr(people, name) or getattr(answers, name)), "majority")
    if by == "majority":
        people = replace(people, groups=tuple(people.outcomes[at] for at in people.decisions()))
    column: Any = "groups" if by == "majority" else by
    table = compare_answers(answers, people, metric=_METRICS, by=column, floor=floor, replicates=replicates, level=level, seed=seed)
    if not json:
        print_table(table.to_dict("records"), ["metric", "group", "value", "low", "high", "ceiling", "n"])
        return
    found: dict[str, Any] = {"n": len(people), "by": by}
    for metric, rows in table.groupby("metric", sort=False):
        overall = rows.iloc[0]
        groups = dict(zip(rows["group"][1:], rows["value"][1:], strict=True))
        found[str(metric)] = {
            "overall": overall["value"], "low": overall["low"], "high": overall["high"], "ceiling": overall["ceiling"],
            "per_category": groups,
        }  # fmt: skip
    print_json(found)


def reliability(
    model: Source,
    *,
    human: Path | None = None,
    c: tuple[float, ...] = (0.0, 450.0, 900.0),
    decision: str = "argmax",
    mean: bool = False,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    json: bool = False,
) -> None:
    """The reliability score: +1 for a right decision, -c for a wrong act, 0 for a harmless abstention.

    Args:
        model: Answers with an outcome "abstain" and a column group (1 to 8, must-act, must-abstain, uncertain) or truth.
        human: People's answers to the same items, for groups and truth that MODEL lacks, and the distribution-aware score.
        c: What a wrong act costs.
        decision: argmax, or the abstaining share from which on the model abstains.
        mean: The mean over items instead of the sum.
        replicates: Bootstrap replicates over items; 0: no intervals.
        level: The intervals' coverage.
        seed: The bootstrap's.
        json: One JSON object a cost: c, score, low, high, right, wrong, abstained, distribution_aware, n.
    """
    from isomorph.perception import Payoff, read_answers
    from isomorph.perception import reliability as reliability_of
    from isomorph.spec import from_text

    answers, people = read_answers(model), None if human is None else read_answers(human)
    names = ("c", "score", "low", "high", "right", "wrong", "abstained", "distribution_aware", "n")
    rows = []
    for cost in c:
        found = reliability_of(
            answers, human=people, payoff=Payoff(c=cost), decision=from_text(decision), reduce="mean" if mean else "sum",
            replicates=replicates, level=level, seed=seed,
        )  # fmt: skip
        rows.append({name: getattr(found, name) for name in names})
    if json:
        for row in rows:
            print_json(row)
    else:
        print_table(rows, names)


def convert(source: Source, out: Source, *, json: bool = False) -> None:
    """Read answers and write them in another format; the suffixes say which.

    Args:
        source: .csv, .tsv, .parquet, .npz, .json (also a leaderboard submission), or .pk or .pkl: a pickle of VisAlign's, of which nothing
            but text, numbers, arrays and tensors is read.
        out: .csv, .parquet, .npz, .json, or .submission.json: the leaderboard's file name → 11 numbers or null.
        json: One JSON object: items, outcomes, subject, out.
    """
    from isomorph.perception import write_answers, write_submission

    answers = _read(source)
    if out.name.endswith(".submission.json"):
        write_submission(answers, out)
    else:
        write_answers(answers, out)
    facts = {"items": len(answers), "outcomes": list(answers.outcomes), "subject": answers.subject, "out": str(out)}
    print_json(facts) if json else print_facts(facts)


def plan(
    *, error: float | None = None, n: int | None = None, p: float = 0.5, z: float = 1.96, population: int | None = None, json: bool = False
) -> None:
    """How many people to ask for a margin of error, or the margin of error of so many.

    Args:
        error: Half the width of the interval of a share, such as 0.05.
        n: How many people answer, where that is known and the error is not.
        p: The share expected; 0.5 is the worst case.
        z: The normal quantile: 1.96 for 95 percent.
        population: How many people there are in all.
        json: One JSON object: n, error, p, z, population.
    """
    from isomorph.errors import InputError
    from isomorph.perception import margin_of_error, sample_size

    if (error is None) == (n is None):
        raise InputError("a plan takes error or n, and gives the other.")
    people = sample_size(error=error, p=p, z=z, population=population) if error is not None else n or 0
    margin = margin_of_error(people, p=p, z=z, population=population)
    facts = {"n": people, "error": margin, "p": p, "z": z, "population": population}
    print_json(facts) if json else print_facts(facts)


def _read(source: Path) -> Answers:
    from isomorph.perception import read_answers, read_visalign_pickle, visalign_answers

    if source.suffix in (".pk", ".pkl", ".pickle"):
        return visalign_answers(read_visalign_pickle(source), subject=source.stem)
    return read_answers(source)
