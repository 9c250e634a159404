"""`isomorph run study.toml` of brains: models, recordings and a protocol, planned, executed, resumed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from isomorph.cli._output import print_json, print_table, say
from isomorph.cli._parse import StoreFolder, call
from isomorph.cli._stoppable import stoppable

if TYPE_CHECKING:
    from isomorph.report import EncodingReport

CHOSEN = ("model", "region", "metric", "layer", "score", "low", "high", "ceiling_lower", "ceiling_upper", "n_units", "n_stimuli")


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(run_study, words, command="run")


def run_study(
    study: Annotated[Path, tyro.conf.Positional],
    *,
    dry_run: bool = False,
    figures: bool = True,
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Run a study of brains: what is finished is not done again, so the same command goes on after an interruption.

    Args:
        study: A TOML file: models, recordings, protocol, metrics, layers, regions, stimuli, contrasts, replicates, seed, report …
        dry_run: Print the plan and stop; one line a model and recording.
        figures: Write figures for papers beside the page (needs matplotlib).
        store: The store's folder; default: the study's, else $ISOMORPH_STORE.
        json: The plan as one JSON object a line; after a run one object: name, headline, report, notes, chosen.
    """
    from isomorph.engine import Progress
    from isomorph.report import encoding_report
    from isomorph.report._palette import check_matplotlib
    from isomorph.results import EncodingStudy
    from isomorph.store import open_store

    asked = EncodingStudy.load(study)
    kept = open_store(store or asked.store)
    if dry_run:
        _print_plan(list(asked.plan(kept)), json=json)
        return
    if figures:
        check_matplotlib()
    with stoppable(), Progress(quiet=json) as progress:
        outcome = asked.run(kept, progress=progress)
        written = encoding_report(outcome.scores, contrasts=outcome.contrasts, title=asked.name, notes=outcome.notes)
        with progress.task("report and figures", 1, unit="reports") as row:
            page = written.save(asked.report, figures=figures)
            row.advance(1)
    answer(written, {"name": asked.name}, page, json=json)


def answer(written: EncodingReport, about: dict[str, Any], page: Path, *, json: bool) -> None:
    """What a finished report says: the chosen layers, the sentence, where it lies."""
    rows = written.chosen.to_dict("records")
    if json:
        print_json({**about, "headline": written.headline, "report": page, "notes": written.all_notes, "chosen": rows})
        return
    print_table(rows, CHOSEN)
    say(written.headline)
    for each in written.all_notes:
        say(each)
    say(f"report: {page}")


def _print_plan(plan: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        for row in plan:
            print_json(row)
        return
    rows = [row | {"finished": "yes" if row["finished"] else "no"} for row in plan]
    print_table(rows, ["model", "recording", "stimuli", "regions", "finished"])
    say(f"{sum(not row['finished'] for row in plan)} of {len(plan)} units to do")
