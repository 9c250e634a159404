"""What happens in a worker process of Dask."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import nullcontext
from functools import lru_cache
from types import FrameType

import cloudpickle  # type: ignore[import-untyped]
from distributed import WorkerPlugin, get_worker

from isomorph.engine._journal import give_up_claims
from isomorph.engine._outcome import Outcome
from isomorph.engine._outcomes import WorkUnit, outcomes
from isomorph.profile import profiling
from isomorph.store import Store, open_store

_open = lru_cache(maxsize=2)(open_store)


def pack(unit: WorkUnit, store: Store) -> bytes:
    """What `work` takes: the unit, and the address of the store."""
    packed: bytes = cloudpickle.dumps((unit, store.place))
    return packed


def work(packed: bytes, topic: str, index: int, retries: int, quarantine_after: int | None, profile: bool) -> Outcome:
    """Do one unit, with the notes, retries and quarantine of any other process.

    It comes packed, because a worker to which Dask hands what it cannot unpack ends; here that is an error like others. What became of it
    is told at once: a result waits in the worker until it is fetched, and if the worker is killed before, all there is to see is a unit
    that was finished.
    """
    unit, place = cloudpickle.loads(packed)
    with profiling() if profile else nullcontext():
        (outcome,) = outcomes([unit], store=_open(place), retries=retries, on_error="continue", quarantine_after=quarantine_after)
    worker = get_worker()
    worker.log_event(topic, [index, cloudpickle.dumps(outcome), worker.address])
    return outcome


def unpack(packed: bytes) -> Outcome:
    """What `work` told."""
    outcome: Outcome = cloudpickle.loads(packed)
    return outcome


class EndsCleanly(WorkerPlugin):
    """A worker that is told to end (a cancelled or preempted job, its walltime, the end of the run) puts no blame on the unit in hand."""

    name = "isomorph-ends-cleanly"

    def setup(self, worker: object) -> None:
        """When the worker begins."""
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _end)
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the one with the plan ends these

    def teardown(self, worker: object) -> None:
        """When the worker ends."""
        give_up_claims()


def _end(number: int, frame: FrameType | None) -> None:
    give_up_claims()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
