"""`isomorph status`: how far a study is, from the store alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from isomorph.cli._output import print_json, print_table, say
from isomorph.cli._parse import StoreFolder, call, wrong_usage
from isomorph.cli._status_metrics import STATES, metrics

if TYPE_CHECKING:
    from isomorph.engine import StagedStudy, UnitNotes
    from isomorph.store import Store

_SLOWEST = 5


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(show_status, words, command="status")


def show_status(
    study: Annotated[Path, tyro.conf.Positional],
    *,
    store: StoreFolder = None,
    json: bool = False,
    prometheus: bool = False,
    listen: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS:PORT")] = None,
) -> None:
    """Show how far a study is, from any machine that sees its store: units by stage and state, the slowest, those that fail and why.

    Args:
        study: A TOML file, of any kind: of models, brains, consistency, VisAlign, alignment or extraction.
        store: The store's folder; default: the study's, else $ISOMORPH_STORE.
        json: One JSON object: name, stages (with seconds a unit, units_per_second at this moment, seconds_left), running, failing, slowest.
        prometheus: Metrics as text for Prometheus, such as node_exporter's textfile collector reads.
        listen: Serve those at http://ADDRESS:PORT/metrics until you stop it; a port alone is one of 127.0.0.1, closed to other machines.
    """
    from isomorph.cli._plan import study_in_parts
    from isomorph.store import open_store

    if json and (prometheus or listen is not None):
        wrong_usage("status", "--json and metrics for Prometheus are two forms of the same; take one.")
    asked = study_in_parts(study)
    kept = open_store(store or asked.store)
    if listen is not None:
        from isomorph.cli._metrics_server import MetricsServer

        with MetricsServer(listen, lambda: metrics(study_status(asked, kept))) as server:
            say(f"metrics of {asked.name} at {server.url}; Ctrl-C ends")
            server.serve_forever()
        return
    answer = study_status(asked, kept)
    if prometheus:
        print(metrics(answer), end="")
    elif json:
        print_json(answer)
    else:
        _print(answer)


def study_status(asked: StagedStudy, kept: Store) -> dict[str, Any]:
    """How far a study is, as plain data.

    Raises:
        StoreError: The store cannot be read.
    """
    from isomorph.cli._plan import plan_rows
    from isomorph.engine import Journal

    journal, rows = Journal(kept), plan_rows(asked, kept)
    notes = journal.many({each["fingerprint"] for each in rows if each["fingerprint"] and not each["done"]})
    units = [_with_state(row, notes.get(row["fingerprint"]), may_fail=row["stage"] in asked.may_fail) for row in rows]
    times = journal.times()
    timed = [
        {"unit": each["unit"], "seconds": times[each["fingerprint"]]} for each in units if each["done"] and each["fingerprint"] in times
    ]
    return {
        "name": asked.name,
        "stages": [_stage(stage, [each for each in units if each["stage"] == stage], times) for stage in asked.stages],
        "running": [{"unit": each["unit"], "on": each["on"]} for each in units if each["state"] == "running"],
        "failing": [_failing(each) for each in units if each["state"] in ("failed", "left_out", "quarantined")],
        "slowest": sorted(timed, key=lambda each: -each["seconds"])[:_SLOWEST],
    }


def _with_state(row: dict[str, Any], notes: UnitNotes | None, *, may_fail: bool) -> dict[str, Any]:
    from isomorph.engine import DEATHS

    if "error" in row:
        return row | {"state": "left_out" if may_fail else "failed"}
    if row["done"] or notes is None:
        return row | {"state": "done" if row["done"] else "waiting"}
    if notes.running:
        return row | {"state": "running", "on": [f"{each.host} ({each.pid})" for each in notes.running]}
    if len(notes.died) >= DEATHS:
        return row | {"state": "quarantined", "error": f"{len(notes.died)} processes were killed while they worked on it"}
    if notes.error:
        state = "left_out" if may_fail and notes.error.excusable else "failed"
        return row | {"state": state, "error": f"{notes.error.type}: {notes.error.message}", "record": notes.error}
    return row | {"state": "waiting"}


def _stage(stage: str, units: list[dict[str, Any]], times: dict[str, float]) -> dict[str, Any]:
    """How many are in which state; and, while processes are at work, how long the rest takes them if it takes as long as what is done."""
    states = [each["state"] for each in units]
    taken = [times[each["fingerprint"]] for each in units if each["done"] and each["fingerprint"] in times]
    workers = sum(len(each.get("on", ())) for each in units)
    seconds = sum(taken) / len(taken) if taken else None
    rate = workers / seconds if seconds else None
    left = states.count("waiting") + states.count("running")
    return {
        "stage": stage,
        "units": len(states),
        **{state: states.count(state) for state in STATES},
        "workers": workers,
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
    lost = sum(stage["left_out"] for stage in answer["stages"])
    states = [state for state in STATES if lost or state != "left_out"]
    print_table(shown, ["stage", "units", *states, "seconds a unit", "left"])
    for key, columns in (("running", ["unit", "on"]), ("failing", ["unit", "state", "error"]), ("slowest", ["unit", "seconds"])):
        if answer[key]:
            print_table(answer[key], columns, title=key)
    left = sum(stage["units"] - stage["done"] - stage["left_out"] for stage in answer["stages"])
    done = f"all units are done{f' but {lost} that are left out' if lost else ''}; `isomorph run` writes the report"
    say(f"{left} units are not done" if left else done)
