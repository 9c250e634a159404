"""One part of a study: every unit's outcome is told, and at the end exactly what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.cli._output import print_json, say
from isomorph.cli._parse import wrong_usage
from isomorph.cli._profile import StageProfiles, plain_profile
from isomorph.profile import Profile

if TYPE_CHECKING:
    from isomorph.engine import Outcome, Part, Progress, StagedStudy, StopSignals
    from isomorph.engine._outcome import State
    from isomorph.errors import StoreError
    from isomorph.store import Store


def run_part(
    study: Path, *, part: str | None, stage: str | None, store: str | None, retry_quarantined: bool, profile: bool, json: bool
) -> int:
    """Do one part; the exit status is 0 if all of it is done, 1 if something is missing, 75 or 143 if a signal stopped it."""
    from isomorph.cli._plan import study_in_parts
    from isomorph.engine import DEATHS, Progress, StopRequested, StopSignals
    from isomorph.store import open_store

    asked = study_in_parts(study)
    kept = open_store(store or asked.store)
    ours = part_of(part)
    if stage is not None and stage not in asked.stages:
        wrong_usage("run", f"the study {asked.name!r} has the stages {', '.join(asked.stages)}, and no {stage!r}.")
    ended: list[Outcome] = []
    times = StageProfiles(wanted=profile)
    with times.told(json=json):
        try:
            with StopSignals() as signals, Progress(quiet=json) as progress:
                for each in (stage,) if stage else asked.stages:
                    times.begin(each)
                    for outcome in _stage(asked, kept, each, ours, signals, progress, deaths=None if retry_quarantined else DEATHS):
                        ended.append(outcome)
                        times.note(each, outcome)
                        tell(outcome, each, json=json)
        except StopRequested as stop:
            say(f"part {ours} was stopped by a signal after {counted(ended)}. What was finished is in the store; the same command goes on.")
            return stop.status
        return end(ended, f"part {ours}")


def part_of(part: str | None) -> Part:
    """The part that was asked for; what is none is wrong usage."""
    from isomorph.engine import Part
    from isomorph.errors import InputError

    try:
        return Part.parse(part or "1/1")
    except InputError as error:
        wrong_usage("run", str(error))


def _stage(
    asked: StagedStudy, kept: Store, stage: str, ours: Part, signals: StopSignals, progress: Progress, *, deaths: int | None
) -> Iterator[Outcome]:
    from isomorph.engine import outcomes
    from isomorph.errors import StoreError

    try:
        units = ours.of(asked.units(kept, stage=stage, progress=progress))
    except StoreError as error:
        yield not_begun(stage, error)
        return
    for outcome in outcomes(units, store=kept, on_error="continue", quarantine_after=deaths):
        yield excused(outcome, asked, stage)
        signals.check()


def not_begun(stage: str, error: StoreError) -> Outcome:
    """The outcome of a stage whose units cannot be told: it waits for a stage before, which is in other hands, or the store fails."""
    from isomorph.engine import ErrorRecord, Outcome
    from isomorph.errors import StageNotReadyError

    state: State = "waiting" if isinstance(error, StageNotReadyError) else "failed"
    return Outcome(label=f"the stage {stage}", fingerprint="", state=state, error=ErrorRecord.of(error, attempts=0))


def excused(outcome: Outcome, asked: StagedStudy, stage: str) -> Outcome:
    """The outcome, which is no failure where the study goes on without the unit, as it does in one process."""
    if outcome.state == "failed" and stage in asked.may_fail and outcome.error and outcome.error.excusable:
        return replace(outcome, state="left_out")
    return outcome


def tell(outcome: Outcome, stage: str, *, json: bool) -> None:
    """Say what became of a unit."""
    if json:
        row: dict[str, Any] = {"stage": stage, "unit": outcome.label, "fingerprint": outcome.fingerprint or None, "state": outcome.state}
        row |= {"seconds": outcome.seconds, "error": asdict(outcome.error) if outcome.error else None}
        print_json(row | ({"profile": plain_profile(Profile.of(outcome.profile))} if outcome.profile else {}))
    elif outcome.state == "done":
        say(f"done in {outcome.seconds:.1f} s: {outcome.label}")
    elif outcome.state == "skipped":
        say(f"finished before: {outcome.label}")
    elif outcome.state != "waiting":
        say(f"{_in_words(outcome)}, and the rest goes on: {outcome.label}")


def counted(ended: list[Outcome]) -> str:
    """How many units were done, in words."""
    return f"{sum(each.state == 'done' for each in ended)} units"


def end(ended: list[Outcome], what: str) -> int:
    """Say what is missing after `what`; the exit status."""
    absent = [each for each in ended if not each.finished]
    before, lost = (sum(each.state == state for each in ended) for state in ("skipped", "left_out"))
    left_out = f"{lost} left out of the study, " if lost else ""
    say(f"{what}: {counted(ended)} done, {before} finished before, {left_out}{len(absent) - lost} missing")
    for each in absent:
        said = each.error.message.removeprefix(f"{each.label}: ") if each.error else ""
        kind = f"{each.error.type}: " if each.error and each.state in ("failed", "left_out") else ""
        say(f"{_in_words(each)}: {each.label}: {kind}{said}")
    return 1 if len(absent) > lost else 0


def _in_words(outcome: Outcome) -> str:
    return outcome.state.replace("_", " ")
