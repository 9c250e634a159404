"""Running a plan in this process: finished units are skipped, so that a repeated plan does nothing and a killed one goes on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Protocol

from isomorph.engine._progress import Progress
from isomorph.errors import IsomorphError, StoreError
from isomorph.store import Store


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


@dataclass(frozen=True, kw_only=True)
class PlanReport:
    """What `run_plan` did: the labels of the units that it ran and of those that were finished before."""

    ran: tuple[str, ...]
    skipped: tuple[str, ...]
    seconds: float

    def __str__(self) -> str:
        return f"{len(self.ran)} units run in {self.seconds:.1f} s, {len(self.skipped)} were finished before"


def run_plan(units: Sequence[WorkUnit], *, store: Store, progress: Progress | None = None) -> PlanReport:
    """Run `units` in order, one after the other; those whose output is in `store` are skipped.

    Args:
        units: The work; later units may read what earlier ones committed.
        store: Where the units' outputs go.
        progress: Shows a line for the plan as a whole; None shows nothing.

    Raises:
        IsomorphError: A unit failed: the error it raised, with the unit's label before the message. Finished units stay finished: run the
            plan again to go on.
        StoreError: A unit ended without committing its output.
    """
    started, ran, skipped = time.perf_counter(), [], []
    todo = [unit.fingerprint not in store for unit in units]
    row = progress.task("work units", len(units), unit="units", done=todo.count(False)) if progress and len(units) > 1 else None
    with row or nullcontext():
        for unit, needed in zip(units, todo, strict=True):
            if unit.fingerprint in store:  # asked again: an earlier unit, or another process, may have made it meanwhile
                skipped.append(unit.label)
            else:
                _run_unit(unit, store)
                ran.append(unit.label)
            if row and needed:
                row.advance(1)
    return PlanReport(ran=tuple(ran), skipped=tuple(skipped), seconds=time.perf_counter() - started)


def _run_unit(unit: WorkUnit, store: Store) -> None:
    try:
        unit.run(store)
    except IsomorphError as error:
        error.args = (f"{unit.label}: {error}",)  # the same type, so that callers can still tell what went wrong
        raise
    except Exception as error:
        error.add_note(f"in the work unit {unit.label!r} ({unit.fingerprint[:12]}); the units before it are finished and stay so")
        raise
    if unit.fingerprint not in store:
        raise StoreError(f"{unit.label}: it ended without committing {unit.fingerprint[:12]}. Its `run` must end with `Writer.commit`.")
