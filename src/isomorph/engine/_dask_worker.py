"""What happens in a worker process of Dask."""

from __future__ import annotations

from isomorph.engine._outcome import Outcome
from isomorph.engine._outcomes import WorkUnit, outcomes
from isomorph.store import Store


def work(unit: WorkUnit, store: Store, retries: int, quarantine_after: int | None) -> Outcome:
    """Do one unit, with the notes, retries and quarantine of any other process."""
    (outcome,) = outcomes([unit], store=store, retries=retries, on_error="continue", quarantine_after=quarantine_after)
    return outcome
