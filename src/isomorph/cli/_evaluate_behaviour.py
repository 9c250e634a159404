"""`isomorph evaluate` on a benchmark of behaviour: models answer the pictures that people answered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.cli._evaluate import write_report
from isomorph.cli._output import print_json, print_table, say

if TYPE_CHECKING:
    import pandas

    from isomorph.results import BehaviourResults

_COLUMNS = (
    "model",
    "error_consistency",
    "ood_accuracy",
    "observed_consistency",
    "accuracy_difference",
    "shape_bias",
    "hellinger",
    "brier",
    "aurc",
)


def deliver_answers(results: BehaviourResults, *, out: Path | None, report: Path | None, json: bool) -> None:
    """Write what was asked for, print one row a model, or with `json` every score."""
    if out:
        say(f"results: {results.save(out)}")
    if report:
        from isomorph.report import perception_report

        say(f"report: {write_report(perception_report(results), report)}")
    if json:
        for row in results.rows:
            print_json(row)
    else:
        print_leaderboard(results.benchmark, results.leaderboard, results.notes)


def print_leaderboard(benchmark: str, board: pandas.DataFrame, notes: Sequence[str]) -> None:
    """One row a model, and below it what was left out."""
    shown = [name for name in _COLUMNS if name in board]
    print_table([{str(name): value for name, value in row.items()} for row in board.to_dict("records")], shown, title=benchmark)
    for note in notes[1:]:  # the first says how numbers are averaged
        say(note)
