"""`isomorph consistency study.toml`: from models and pictures to the report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from isomorph.cli._output import print_json, print_table, say
from isomorph.cli._parse import StoreFolder, call
from isomorph.cli._stoppable import stoppable


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(consistency_study, words, command="consistency")


def consistency_study(
    study: Annotated[Path, tyro.conf.Positional],
    *,
    dry_run: bool = False,
    figures: bool = True,
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Run a consistency study: what is finished is not done again, so the same command goes on after an interruption.

    Args:
        study: A TOML file: models, datasets, measures, by, sets, metadata, probe, replicates, permutations, seed, report …
        dry_run: Print the plan and stop; one line a model and data set.
        figures: Write figures for papers beside the page (needs matplotlib).
        store: The store's folder; default: the study's, else $ISOMORPH_STORE.
        json: The plan as one JSON object a line; after a run one object: name, headline, report, notes, summary.
    """
    from isomorph.consistency import Study
    from isomorph.engine import Progress
    from isomorph.report import consistency_report
    from isomorph.report._palette import check_matplotlib
    from isomorph.store import open_store

    asked = Study.load(study)
    kept = open_store(store or asked.store)
    if dry_run:
        plan = list(asked.plan(kept))
        if json:
            for row in plan:
                print_json(row)
            return
        print_table([row | {"finished": "yes" if row["finished"] else "no"} for row in plan], ["model", "dataset", "stimuli", "finished"])
        say(f"{sum(not row['finished'] for row in plan)} of {len(plan)} extractions to do")
        return
    if figures:
        check_matplotlib()
    with stoppable(), Progress(quiet=json) as progress:
        outcome = asked.run(kept, progress=progress)
        written = consistency_report(outcome.similarities, outcome.results, title=asked.name, notes=outcome.notes)
        with progress.task("report and figures", 1, unit="reports") as row:
            page = written.save(asked.report, figures=figures)
            row.advance(1)
    summary = [{"grouping": name, **row} for name, each in outcome.results.items() for row in each.summary.to_dict("records")]
    if json:
        print_json({"name": asked.name, "headline": written.headline, "report": page, "notes": list(outcome.notes), "summary": summary})
        return
    print_table(summary, ["grouping", "measure", "set_a", "set_b", "median", "low", "high", "p_fdr", "model_pairs", "dataset_pairs"])
    say(written.headline)
    for each in outcome.notes:
        say(each)
    say(f"report: {page}")
