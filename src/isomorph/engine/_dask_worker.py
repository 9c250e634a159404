"""What happens in a worker process of Dask."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

from distributed import WorkerPlugin

from isomorph.engine._journal import give_up_claims
from isomorph.engine._outcome import Outcome
from isomorph.engine._outcomes import WorkUnit, outcomes
from isomorph.store import Store


def work(unit: WorkUnit, store: Store, retries: int, quarantine_after: int | None) -> Outcome:
    """Do one unit, with the notes, retries and quarantine of any other process."""
    (outcome,) = outcomes([unit], store=store, retries=retries, on_error="continue", quarantine_after=quarantine_after)
    return outcome


class EndsCleanly(WorkerPlugin):  # type: ignore[misc]
    """A worker that is told to end (a cancelled or preempted job, its walltime, the end of the run) puts no blame on the unit in hand."""

    name = "isomorph-ends-cleanly"

    def setup(self, worker: object) -> None:
        """When the worker begins."""
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _end)

    def teardown(self, worker: object) -> None:
        """When the worker ends."""
        give_up_claims()


def _end(number: int, frame: FrameType | None) -> None:
    give_up_claims()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
