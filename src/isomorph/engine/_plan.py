"""Running a plan in this process: finished units are skipped, so that a repeated plan does nothing and a killed one goes on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from isomorph.engine._outcomes import WorkUnit, outcomes
from isomorph.engine._progress import Progress
from isomorph.profile import Profile, active
from isomorph.store import Store


@dataclass(frozen=True, kw_only=True)
class PlanReport:
    """What `run_plan` did: the labels of the units that it ran and of those that were finished before."""

    ran: tuple[str, ...]
    skipped: tuple[str, ...]
    seconds: float

    def __str__(self) -> str:
        return f"{len(self.ran)} units run in {self.seconds:.1f} s, {len(self.skipped)} were finished before"


def run_plan(units: Sequence[WorkUnit], *, store: Store, progress: Progress | None = None, retries: int = 2) -> PlanReport:
    """Run `units` in order, one after the other, up to the first that fails; those whose output is in `store` are skipped.

    `outcomes` is the same as an iterator that can go on after a failure.

    Args:
        units: The work; later units may read what earlier ones committed.
        store: Where the units' outputs go.
        progress: Shows a line for the plan as a whole; None shows nothing.
        retries: How often a unit is tried again after an error that passes, such as a reset connection.

    Raises:
        IsomorphError: A unit failed: the error it raised, with the unit's label before the message. Finished units stay finished: run the
            plan again to go on.
        StoreError: A unit ended without committing its output.
    """
    started = time.perf_counter()
    ran: list[str] = []
    skipped: list[str] = []
    names = [unit.fingerprint for unit in units]
    finished = store.finished(names)
    todo = [name not in finished for name in names]
    row = progress.task("work units", len(units), unit="units", done=todo.count(False)) if progress and len(units) > 1 else None
    with row or nullcontext():
        for needed, outcome in zip(todo, outcomes(units, store=store, retries=retries), strict=False):
            if profile := active():
                profile.add(Profile.of(outcome.profile))
            if outcome.raised:
                raise outcome.raised
            (ran if outcome.state == "done" else skipped).append(outcome.label)
            if row and needed:
                row.advance(1)
    return PlanReport(ran=tuple(ran), skipped=tuple(skipped), seconds=time.perf_counter() - started)
