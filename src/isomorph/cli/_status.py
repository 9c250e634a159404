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
        study: A TOML file, of any kind: of models, brains, consistency, VisAlign or alignment.
        store: The store's folder; default: the study's, else $ISOMORPH_STORE.
        json: One JSON object: name, stages (with seconds a unit, units_per_second at this moment, seconds_left), running, failing, slowest.
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
        "stages": [_stage(stage, [each for each in units if each["stage"] == stage], times) for stage in asked.stages],
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

    if "error" in row:
        return row | {"state": "failed"}
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


def _stage(stage: str, units: list[dict[str, Any]], times: dict[str, float]) -> dict[str, Any]:
    """How many are in which state; and, while processes are at work, how long the rest takes them if it takes as long as what is done."""
    states = [each["state"] for each in units]
    taken = [times[each["fingerprint"]] for each in units if each["done"] and each["fingerprint"] in times]
    seconds = sum(taken) / len(taken) if taken else None
    rate = sum(len(each.get("on", ())) for each in units) / seconds if seconds else None
    left = states.count("waiting") + states.count("running")
    return {
        "stage": stage,
        "units": len(states),
        **{state: states.count(state) for state in _STATES},
        "seconds": seconds,
        "units_per_second": rate,
        "seconds_left": left / rate if rate else 0.0 if not left else None,
    }


def _failing(row: dict[str, Any]) -> dict[str, Any]:
    record = row.get("record")
    where = {"host": record.host, "attempts": record.attempts, "traceback": record.traceback} if record else {}
    return {"unit": row["unit"], "state": row["state"], "error": row["error"]} | where


def _print(answer: dict[str, Any]) -> None:
    shown = [
        each
        | {"seconds a unit": "" if each["seconds"] is None else f"{each['seconds']:.3g}"}
        | {"left": f"{each['seconds_left'] / 60:.0f} min" if each["seconds_left"] else ""}
        for each in answer["stages"]
    ]
    print_table(shown, ["stage", "units", *_STATES, "seconds a unit", "left"])
    for key, columns in (("running", ["unit", "on"]), ("failing", ["unit", "state", "error"]), ("slowest", ["unit", "seconds"])):
        if answer[key]:
            print_table(answer[key], columns, title=key)
    left = sum(stage["units"] - stage["done"] for stage in answer["stages"])
    say(f"{left} units are not done" if left else "all units are done; `isomorph run` writes the report")
