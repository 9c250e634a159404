"""Every score of every run, and their means over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.errors import InputError
from isomorph.perception import Answers, Payoff, answer_losses, compare_answers, reliability, risk_coverage

if TYPE_CHECKING:
    import pandas

    from isomorph.benchmarks._visalign_set import VisalignSet


def score_runs(
    runs: Sequence[Answers], people: Answers, *, costs: Sequence[float] = (0.0, 450.0, 900.0), replicates: int = 1000, seed: int = 0
) -> pandas.DataFrame:
    """One row a run, metric and group.

    `hellinger` of each category; `abstention`, the mean probability of abstaining, of each category and, in category 8, each severity;
    `accuracy` where acting is right, of the best class; `rs_<c>`, `right` and `wrong`; `aurc` and `augrc`, the areas under the
    risk-coverage curves where items with a high probability of abstaining go unanswered first and the risk is the share of people who
    answer otherwise.

    Args:
        runs: Answers with abstaining, each with a subject; called `<model>/<method>/<seed>` they can be summed up by
            `isomorph.perception.over_seeds`.
        people: The gold labels, with categories as groups.
        costs: The c of the reliability scores.
        replicates: Bootstrap samples over pictures; 0: no intervals.
        seed: The bootstrap's.

    Raises:
        InputError: Outcomes or their order differ from the people's.
        IdError: Pictures are missing or unknown.
    """
    import pandas

    tables = [compare_answers(list(runs), people, by="groups", replicates=replicates, seed=seed)]
    rows: list[dict[str, Any]] = []
    for each in runs:
        run = each.take(people.ids)
        rows += [{"model": each.subject, **row} for row in _of_run(run, people, costs, replicates, seed)]
    tables.append(pandas.DataFrame(rows))
    joined: pandas.DataFrame = pandas.concat(tables, ignore_index=True)
    return joined


def _of_run(run: Answers, people: Answers, costs: Sequence[float], replicates: int, seed: int) -> list[dict[str, Any]]:
    n, away = len(run), run.probabilities[:, run.abstain_column]
    nothing = float("nan")
    rows = []

    def add(metric: str, value: float, *, group: str = "all", low: float = nothing, high: float = nothing, items: int = n) -> None:
        rows.append({"metric": metric, "group": group, "value": float(value), "low": low, "high": high, "n": items})

    groups, severities = np.array(people.groups), np.array(people.conditions or [""] * n)
    for name, chosen in [(each, groups == each) for each in dict.fromkeys(people.groups or ())] + [
        (f"severity {each}", severities == each) for each in sorted({*severities} - {""}, key=float)
    ]:
        add("abstention", away[chosen].mean(), group=name, items=int(chosen.sum()))
    act = np.isin(groups, ("1", "2", "3"))
    if act.any():
        classes = np.delete(run.probabilities, run.abstain_column, axis=1)
        right = (classes.argmax(axis=1) == people.truth_columns) & (classes.max(axis=1) > 0)  # all abstention names no class
        add("accuracy", right[act].mean(), items=int(act.sum()))
    for c in costs:
        found = reliability(run, payoff=Payoff(c=c), human=people, replicates=replicates, seed=seed)
        add(f"rs_{c:g}", found.score, low=found.low, high=found.high)
        if c == costs[0]:
            add("right", found.right)
            add("wrong", found.wrong)
    curve = risk_coverage(away, answer_losses(run, people), replicates=replicates, seed=seed)
    add("aurc", curve.aurc, low=curve.aurc_low, high=curve.aurc_high)
    add("augrc", curve.augrc, low=curve.augrc_low, high=curve.augrc_high)
    return rows


def wide_scores(scores: Any) -> list[dict[str, Any]]:
    """Scores as a line a run: Hellinger distances by category, then what concerns all pictures.

    Args:
        scores: Of `score_runs`; or of `over_seeds`, whose means are called `value`.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in scores.to_dict("records"):
        line = found.setdefault(row["model"], {"run": row["model"]})
        if row["metric"] == "hellinger":
            line["h" if row["group"] == "all" else f"h{row['group']}"] = row["value"]
        elif row["group"] == "all":
            line[row["metric"]] = row["value"]
    return list(found.values())


def read_runs(paths: Sequence[Path], data: VisalignSet) -> list[Answers]:
    """Files of answers to a data set's test pictures, each called by its name.

    Args:
        paths: Submissions (`.json`: file name → numbers or null), or what `read_answers` reads.
        data: The data set.

    Raises:
        InputError: There is no file; or an answer is missing, unknown, negative, or does not sum to one.
        FileError: A file cannot be read as what it claims to be.
    """
    from isomorph.benchmarks._visalign_labels import read_labels
    from isomorph.perception import VISALIGN_OUTCOMES, read_submission
    from isomorph.perception._submission import check_names

    if not paths:
        raise InputError("there is nothing to score; name files of answers: submissions (.json) or tables (.npz, .csv, .parquet).")
    found = []
    for path in paths:
        if path.suffix == ".json" and data.outcomes == VISALIGN_OUTCOMES:
            run = read_submission(path, names=data.test.ids)
        else:
            run = read_labels(path, data.outcomes)
            check_names(run.ids, data.test.ids, what=str(path))
        found.append(replace(run, subject=path.stem, groups=None, conditions=None, truth=None, counts=None))
    return found
