"""`isomorph run study.toml` of extraction: models on shards, planned, executed, resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from isomorph.cli._output import print_json, print_table, say
from isomorph.cli._parse import StoreFolder, call
from isomorph.cli._stoppable import stoppable


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(run_study, words, command="run")


def run_study(
    study: Annotated[Path, tyro.conf.Positional], *, dry_run: bool = False, store: StoreFolder = None, json: bool = False
) -> None:
    """Run a study of extraction: what is finished is not done again, so the same command goes on after an interruption.

    Args:
        study: A TOML file: models, shards, slice, layers, pool, reduce, batch_size, memory_limit, device, report …
        dry_run: Print the plan and stop; one line a model.
        store: The store's folder; default: the study's, else $ISOMORPH_STORE.
        json: The plan as one JSON object a line; after a run one object: name, store, report, features.
    """
    from isomorph.engine import Progress, format_bytes
    from isomorph.results import ExtractionStudy
    from isomorph.store import open_store

    asked = ExtractionStudy.load(study)
    kept = open_store(store or asked.store)
    if dry_run:
        plan = asked.plan(kept)
        if json:
            for row in plan:
                print_json(row)
            return
        print_table(plan, ["model", "shards", "pictures", "slices", "finished"])
        if any(row["slices"] is None for row in plan):
            say("how many pictures there are is known when all shards have been read for their indexes, the stage `index`")
        else:
            say(f"{sum(row['slices'] - row['finished'] for row in plan):,} of {sum(row['slices'] for row in plan):,} units to do")
        return
    with stoppable(), Progress(quiet=json) as progress:
        rows = asked.run(kept, progress=progress)
    if json:
        print_json({"name": asked.name, "store": kept.place, "report": asked.report, "features": rows})
        return
    print_table([row | {"bytes": format_bytes(row["bytes"])} for row in rows], ["model", "layer", "rows", "width", "bytes"])
    say(f"in the store {kept.place}; {asked.report / 'index.csv'} names each object")
