"""`isomorph status`: how far a study is, from the store alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import tyro

from isomorph.cli._output import print_json, print_table, say
from isomorph.cli._parse import StoreFolder, call

_STATES = ("done", "running", "failed", "quarantined", "waiting")
_SLOWEST = 5


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(show_status, words, command="status")


def show_status(study: Annotated[Path, tyro.conf.Positional], *, store: StoreFolder = None, json: bool = False) -> None:
    """Show how far a study is, from any machine that sees its store: units by stage and state, the slowest, those that fail and why.

    Args:
        study: A TOML file: models, benchmarks or stimuli.
        store: The store's folder; default: the study's, else $ISOMORPH_STORE.
        json: One JSON object: name, stages, running, failing, slowest.
    """
    from isomorph.cli._plan import plan_rows, study_in_parts
    from isomorph.engine import Journal
    from isomorph.store import open_store

    asked = study_in_parts(study)
    kept = open_store(store or asked.store)
    journal = Journal(kept)
    units = [_with_state(row, journal) for row in plan_rows(asked, kept)]
    times = journal.times()
    timed = [
        {"unit": each["unit"], "seconds": times[each["fingerprint"]]} for each in units if each["done"] and each["fingerprint"] in times
    ]
    answer = {
        "name": asked.name,
        "stages": [_counts(stage, [each["state"] for each in units if each["stage"] == stage]) for stage in asked.stages],
        "running": [{"unit": each["unit"], "on": each["on"]} for each in units if each["state"] == "running"],
        "failing": [_failing(each) for each in units if each["state"] in ("failed", "quarantined")],
        "slowest": sorted(timed, key=lambda each: -each["seconds"])[:_SLOWEST],
    }
    if json:
        print_json(answer)
    else:
        _print(answer)


def _with_state(row: dict[str, Any], journal: Any) -> dict[str, Any]:
    from isomorph.engine import DEATHS

    if row["done"] or row["fingerprint"] is None:
        return row | {"state": "done" if row["done"] else "waiting"}
    notes = journal.notes(row["fingerprint"])
    if notes.running:
        return row | {"state": "running", "on": [f"{each.host} ({each.pid})" for each in notes.running]}
    if len(notes.died) >= DEATHS:
        return row | {"state": "quarantined", "error": f"{len(notes.died)} processes were killed while they worked on it"}
    if notes.error:
        return row | {"state": "failed", "error": f"{notes.error.type}: {notes.error.message}", "record": notes.error}
    return row | {"state": "waiting"}


def _counts(stage: str, states: list[str]) -> dict[str, Any]:
    return {"stage": stage, "units": len(states)} | {state: states.count(state) for state in _STATES}


def _failing(row: dict[str, Any]) -> dict[str, Any]:
    record = row.get("record")
    where = {"host": record.host, "attempts": record.attempts, "traceback": record.traceback} if record else {}
    return {"unit": row["unit"], "state": row["state"], "error": row["error"]} | where


def _print(answer: dict[str, Any]) -> None:
    print_table(answer["stages"], ["stage", "units", *_STATES])
    for key, columns in (("running", ["unit", "on"]), ("failing", ["unit", "state", "error"]), ("slowest", ["unit", "seconds"])):
        if answer[key]:
            print_table(answer[key], columns, title=key)
    left = sum(stage["units"] - stage["done"] for stage in answer["stages"])
    say(f"{left} units are not done" if left else "all units are done; `isomorph run` writes the report")
