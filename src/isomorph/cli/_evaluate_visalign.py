"""`isomorph evaluate` on VisAlign: models and files of answers beside people, on a set of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.cli._evaluate import write_report
from isomorph.cli._output import print_json, print_table, say

if TYPE_CHECKING:
    from isomorph.visalign import VisalignResults

_COLUMNS = ("model", "hellinger", "hellinger_low", "hellinger_high", "accuracy", "aurc")


def evaluate_on_set(
    given: Sequence[str],
    folder: Path | None,
    store: str | None,
    *,
    replicates: int,
    seed: int,
    device: str,
    out: Path | None,
    report: Path | None,
    json: bool,
) -> None:
    """Run, write what was asked for, print one row a model, or with `json` every score."""
    from isomorph.benchmarks import load_benchmark
    from isomorph.engine import Progress
    from isomorph.store import Store
    from isomorph.visalign import evaluate_visalign

    benchmark = load_benchmark("visalign", folder=folder)
    kept = Path(Store(store).path) / "visalign"
    with Progress(quiet=json) as progress:
        results = evaluate_visalign(given, benchmark, out=kept, device=device, replicates=replicates, seed=seed, progress=progress)
    if out:
        say(f"results: {results.save(out)}")
    if report:
        from isomorph.report import visalign_report

        say(f"report: {write_report(visalign_report(results), report)}")
    if json:
        for row in results.rows:
            print_json(row)
    else:
        print_scores(results)


def print_scores(results: VisalignResults) -> None:
    """A line a model: its distance from people, and what concerns all pictures."""
    board = results.leaderboard
    shown = [name for name in (*_COLUMNS, *(each for each in board if each.startswith("rs_"))) if name in board and not _end(name)]
    print_table([{str(name): value for name, value in row.items()} for row in board.to_dict("records")], shown, title="visalign")
    for note in results.notes:
        say(note)


def _end(name: str) -> bool:
    return name.startswith("rs_") and name.endswith(("_low", "_high"))
