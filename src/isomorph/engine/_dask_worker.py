"""What happens in a worker process of Dask."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

import cloudpickle
from distributed import WorkerPlugin

from isomorph.engine._journal import give_up_claims
from isomorph.engine._outcome import Outcome
from isomorph.engine._outcomes import WorkUnit, outcomes
from isomorph.store import Store


def work(whole: bytes, retries: int, quarantine_after: int | None) -> Outcome:
    """Do one unit, with the notes, retries and quarantine of any other process.

    It comes packed, because a worker to which Dask hands what it cannot unpack ends; here that is an error like others.
    """
    unit, store = unpacked(whole)
    (outcome,) = outcomes([unit], store=store, retries=retries, on_error="continue", quarantine_after=quarantine_after)
    return outcome


def packed(unit: WorkUnit, store: Store) -> bytes:
    """What `work` takes."""
    whole: bytes = cloudpickle.dumps((unit, store))
    return whole


def unpacked(whole: bytes) -> tuple[WorkUnit, Store]:
    """From this run's own process: who else could send something runs code anyway, and is kept out by certificates."""
    unit, store = cloudpickle.loads(whole)
    return unit, store


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
