"""`isomorph evaluate` on a benchmark of behaviour: models answer the pictures that people answered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isomorph.cli._evaluate import write_report
from isomorph.cli._output import print_json, print_table, say

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


def evaluate_behaviour_models(
    models: Sequence[str], benchmark: str, *, out: Path | None, report: Path | None, json: bool, **how: Any
) -> None:
    """Run, write what was asked for, print one row a model, or with `json` every score."""
    from isomorph.engine import Progress
    from isomorph.results import evaluate_behaviour

    with Progress(quiet=json) as progress:
        results = evaluate_behaviour(models, benchmark, progress=progress, **how)
    if out:
        say(f"results: {results.save(out)}")
    if report:
        from isomorph.report import perception_report

        say(f"report: {write_report(perception_report(results), report)}")
    if json:
        for row in results.rows:
            print_json(row)
        return
    board = results.leaderboard
    shown = [name for name in _COLUMNS if name in board]
    print_table([{str(name): value for name, value in row.items()} for row in board.to_dict("records")], shown, title=benchmark)
    for note in results.notes[1:]:
        say(note)
