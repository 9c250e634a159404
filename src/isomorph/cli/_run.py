"""`isomorph run`: a study, planned, executed, resumed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import tyro

from isomorph.cli._evaluate import deliver, print_best
from isomorph.cli._output import print_json, print_table, say
from isomorph.cli._parse import StoreFolder, call


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(run_study, words, command="run")


def module_for(words: list[str]) -> str:
    """Where the command is: a study with `recordings` is one of brains, one with a `network` is VisAlign's."""
    for word in words:
        path = Path(word)
        if path.suffix == ".toml" and path.is_file():
            try:
                asked = tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
                break  # the study's own reader says what is wrong
            if "recordings" in asked:
                return "isomorph.cli._encoding_study"
            return "isomorph.cli._visalign_study" if "network" in asked else __name__
    return __name__


def run_study(
    study: Annotated[Path, tyro.conf.Positional], *, dry_run: bool = False, store: StoreFolder = None, json: bool = False
) -> None:
    """Run a study: what is finished is not done again, so the same command goes on after an interruption.

    Args:
        study: A TOML file: models, benchmarks or stimuli, layers, measures, replicates, seed, report; or, of brains, recordings.
        dry_run: Print the plan and stop; one line a model and benchmark.
        store: The store's folder; default: the study's, else $ISOMORPH_STORE.
        json: The plan as one JSON object a line; after a run one object: name, rows, report, results.
    """
    from isomorph.engine import Progress
    from isomorph.results import Study
    from isomorph.store import Store

    asked = Study.load(study)
    kept = Store(store or asked.store)
    if dry_run:
        plan = asked.plan(kept)
        if json:
            for row in plan:
                print_json(row)
            return
        print_table([row | {"finished": "yes" if row["finished"] else "no"} for row in plan], ["model", "benchmark", "stimuli", "finished"])
        say(f"{sum(not row['finished'] for row in plan)} of {len(plan)} units to do")
        return
    with Progress(quiet=json) as progress:
        results = asked.run(kept, progress=progress)
    deliver(results, out=None, report=asked.report)
    if json:
        print_json(
            {"name": asked.name, "rows": len(results), "report": asked.report / "index.html", "results": asked.report / "data" / "saved"}
        )
    else:
        print_best(results)
