"""Units, one after the other: skipped if finished, tried again if the error passes, set apart if they kill their process."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Literal, Protocol

from isomorph.engine._journal import Journal, UnitNotes
from isomorph.engine._outcome import ErrorRecord, Outcome
from isomorph.engine._passes import passes
from isomorph.errors import IsomorphError, StoreError
from isomorph.profile import profiling_within
from isomorph.store import Store

DEATHS = 3
_LONGEST_PAUSE_SECONDS = 60.0
_POLL_SECONDS = 0.2


class WorkUnit(Protocol):
    """One piece of work whose output is one object of the store.

    It must be pure (what it commits depends on what its fingerprint was made from, and on nothing else) and idempotent (run twice, or
    killed and run again, it commits the same object once).
    """

    @property
    def fingerprint(self) -> str:
        """The name of its output, made from everything that decides it."""

    @property
    def label(self) -> str:
        """What it does, in a few words, for people."""

    def run(self, store: Store) -> None:
        """Compute and commit the object called `fingerprint`."""


def outcomes(
    units: Iterable[WorkUnit],
    *,
    store: Store,
    retries: int = 2,
    on_error: Literal["stop", "continue"] = "stop",
    pause_seconds: float = 1.0,
    quarantine_after: int | None = DEATHS,
) -> Iterator[Outcome]:
    """Run `units` in order and yield what became of each.

    A unit that another process works on is not begun: with `"stop"`, where later units may read what earlier ones made, it is waited for
    in its place; with `"continue"` after all others. If that process dies, the unit is done here.

    Args:
        units: The work. With `"continue"`, none may need the output of another.
        store: Where the units' outputs go.
        retries: How often a unit is tried again after an error that passes (see `passes`).
        on_error: `"stop"` after the first unit that fails, or `"continue"` with the others.
        pause_seconds: The pause before the first retry; it doubles with each, up to a minute.
        quarantine_after: With `"continue"`, a unit at which so many processes were killed (`kill -9`, out of memory) is not begun again but
            `quarantined`; None begins it.

    Yields:
        One outcome a unit, in the order in which they end.
    """
    journal = Journal(store)
    deaths = quarantine_after if on_error == "continue" else None

    def outcome_of(unit: WorkUnit) -> Outcome | None:
        outcome = _set_apart(unit, store, journal, deaths=deaths, on_error=on_error)
        outcome = outcome or _claimed(unit, store, journal, retries=retries, pause_seconds=pause_seconds)
        if outcome and on_error == "continue":
            return replace(outcome, raised=None)  # whose traceback would hold the unit's model for as long as the outcome is kept
        return outcome

    held: list[WorkUnit] = []
    for unit in units:
        outcome = outcome_of(unit)
        while outcome is None and on_error == "stop":
            time.sleep(_POLL_SECONDS)
            outcome = outcome_of(unit)
        if outcome is None:
            held.append(unit)
            continue
        yield outcome
        if on_error == "stop" and not outcome.finished:
            return
    while held:
        unit = held.pop(0)
        if (outcome := outcome_of(unit)) is not None:
            yield outcome
            continue
        held.append(unit)
        time.sleep(_POLL_SECONDS)


def _set_apart(
    unit: WorkUnit, store: Store, journal: Journal, *, deaths: int | None, on_error: Literal["stop", "continue"]
) -> Outcome | None:
    """The outcome of a unit that need not or cannot be begun; None of one that can."""
    try:
        fingerprint = unit.fingerprint
    except Exception as error:
        if on_error == "stop":
            raise
        return Outcome(label=unit.label, fingerprint="", state="failed", error=ErrorRecord.of(error, attempts=1), raised=error)
    if _made(unit, store):
        return Outcome(label=unit.label, fingerprint=fingerprint, state="skipped")
    if deaths is not None and len((notes := journal.notes(fingerprint)).died) >= deaths:
        return Outcome(label=unit.label, fingerprint=fingerprint, state="quarantined", error=_deadly(unit, notes))
    return None


def _claimed(unit: WorkUnit, store: Store, journal: Journal, *, retries: int, pause_seconds: float) -> Outcome | None:
    """What became of a unit that was begun; None if another process works on it."""
    with journal.attempt(unit.fingerprint) as ours:
        if not ours:
            return None
        with profiling_within() as profile:
            outcome = _tried(unit, store, journal, retries=retries, pause_seconds=pause_seconds)
    return replace(outcome, profile=profile.plain()) if profile else outcome


def _tried(unit: WorkUnit, store: Store, journal: Journal, *, retries: int, pause_seconds: float) -> Outcome:
    if _made(unit, store):  # another process made it between the look and the claim
        return Outcome(label=unit.label, fingerprint=unit.fingerprint, state="skipped")
    started, attempts = time.perf_counter(), 0
    while True:
        attempts += 1
        try:
            _run_unit(unit, store)
        except Exception as error:
            if attempts <= retries and passes(error):
                time.sleep(min(pause_seconds * 2 ** (attempts - 1), _LONGEST_PAUSE_SECONDS))
                continue
            record, seconds = ErrorRecord.of(error, attempts=attempts), time.perf_counter() - started
            journal.failed(unit.fingerprint, record)
            return Outcome(label=unit.label, fingerprint=unit.fingerprint, state="failed", seconds=seconds, error=record, raised=error)
        outcome = Outcome(label=unit.label, fingerprint=unit.fingerprint, state="done", seconds=time.perf_counter() - started)
        journal.succeeded(outcome)
        return outcome


def _made(unit: WorkUnit, store: Store) -> bool:
    """Whether its output is known to be there; a disk that does not tell now is asked again by the unit itself."""
    with suppress(StoreError):
        return unit.fingerprint in store
    return False


def _run_unit(unit: WorkUnit, store: Store) -> None:
    try:
        unit.run(store)
    except IsomorphError as error:
        if isinstance(error, StoreError) and _made(unit, store):
            return  # another writer was first, or only what follows the commit failed
        error.args = (f"{unit.label}: {error}",)  # the same type, so that callers can still tell what went wrong
        raise
    except Exception as error:
        error.add_note(f"in the work unit {unit.label!r} ({unit.fingerprint[:12]}); the units before it are finished and stay so")
        raise
    if unit.fingerprint not in store:
        raise StoreError(f"{unit.label}: it ended without committing {unit.fingerprint[:12]}. Its `run` must end with `Writer.commit`.")


def _deadly(unit: WorkUnit, notes: UnitNotes) -> ErrorRecord:
    last = notes.died[-1]
    return ErrorRecord(
        type="Killed",
        message=(
            f"{unit.label}: {len(notes.died)} processes were killed while they worked on it, one of them {last.pid} on {last.host}; it is "
            "left out. Often memory is too small. `isomorph run … --retry-quarantined` tries it again."
        ),
        host=last.host,
        pid=last.pid,
        attempts=len(notes.died),
    )
