"""One plan on the workers of Dask."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, islice
from queue import SimpleQueue
from typing import Any

from isomorph.engine._dask_offers import Offers, Resources
from isomorph.engine._journal import Journal
from isomorph.engine._needs import needs_of
from isomorph.engine._outcome import ErrorRecord, Outcome
from isomorph.engine._outcomes import WorkUnit
from isomorph.errors import InputError
from isomorph.profile import timed
from isomorph.store import Store

_WAITING_PER_WORKER = 4
_Place = tuple[int, WorkUnit]
Call = Callable[[int, WorkUnit, str], tuple[Any, ...]]
"""Of a unit's place, the unit and a topic: the function that a worker calls, and what with."""


class DaskRun:
    """Gives units to workers, a few at a time, and collects what became of each.

    Args:
        client: A client of Dask.
        store: Where the units' outputs go.
        call: What a worker does with a unit.
        offers: What workers offer.
        again: Whether a unit which Dask gave up because workers died is given away again: the journal counts.
    """

    def __init__(self, client: Any, *, store: Store, call: Call, offers: Offers, again: bool) -> None:
        self._client, self._store, self._call, self._offers, self._again = client, store, call, offers, again
        self._address = client.scheduler.address
        self._topic = f"isomorph-{secrets.token_hex(4)}"
        self._events = SimpleQueue[tuple[int, Any, str]]()
        self._waiting: dict[int, tuple[Any, WorkUnit, str]] = {}
        """The future, the unit, and the worker that it was offered first."""
        self._readers: dict[str, str] = {}
        """Of what is read, the worker that is offered it first."""

    def outcomes(self, units: Iterable[WorkUnit], *, workers: int) -> Iterator[Outcome]:
        """One a unit, as each ends.

        Raises:
            InputError: The link to the scheduler was lost.
        """
        todo = self._ordered(units)
        self._client.subscribe_topic(self._topic, lambda event: self._events.put(tuple(event[1])))
        try:
            for each in islice(todo, _WAITING_PER_WORKER * max(workers, len(self._client.nthreads()))):
                self._submit(*each)
            while self._waiting:
                with timed("workers"):
                    index, said, worker = self._events.get()
                if index not in self._waiting:
                    continue  # told before
                future, unit, offered = self._waiting.pop(index)
                if said is future and future.cancelled():
                    raise self._lost()
                if said is future and self._again and _blamed_for_others(future):
                    self._submit(index, unit)
                    continue
                if worker and (near := needs_of(unit).near):
                    if offered:  # and if another did it, that one was gone or had too much to do
                        self._readers[near] = worker
                    self._readers.setdefault(near, worker)
                for each in islice(todo, 1):
                    self._submit(*each)
                yield _outcome_of(said, unit.label)
        except Exception as error:
            if isinstance(error, InputError) or self._client.status == "running":
                raise
            raise self._lost() from error
        finally:
            if self._client.status == "running":
                self._client.unsubscribe_topic(self._topic)
                self._client.cancel([future for future, _, _ in self._waiting.values() if future is not None], force=True)

    def _lost(self) -> InputError:
        return InputError(
            f"the link to the scheduler of Dask at {self._address} was lost, and what became of the units cannot be told. What was "
            "finished is in the store; with a scheduler that is there the same command goes on."
        )

    def _ordered(self, units: Iterable[WorkUnit]) -> Iterator[_Place]:
        """Those that no worker can hold first, so that they are told at once; of a plan that is an iterator each in its turn."""
        if not isinstance(units, Sequence):
            return iter(enumerate(units))
        refused = {index for index, unit in enumerate(units) if isinstance(self._asked(unit), InputError)}
        return chain(((index, units[index]) for index in sorted(refused)), (each for each in enumerate(units) if each[0] not in refused))

    def _asked(self, unit: WorkUnit) -> Resources | InputError | None:
        try:
            return self._offers.asked(needs_of(unit))
        except InputError as error:
            return error

    def _submit(self, index: int, unit: WorkUnit) -> None:
        asked = self._asked(unit)
        if isinstance(asked, InputError):
            self._waiting[index] = None, unit, ""
            self._events.put((index, self._refused(unit, asked), ""))
            return
        # A preference: an idle worker takes from a busy one what only prefers it. Where Dask does not keep to a preference, it forgets
        # resources, too, and a worker that lacks them would never begin: so only what any worker can hold has one.
        first = self._readers.get(needs_of(unit).near, "") if self._offers.everywhere(asked) else ""
        near = {"workers": [first], "allow_other_workers": True} if first else {}
        key, (work, *what) = f"{self._topic}-{secrets.token_hex(4)}", self._call(index, unit, self._topic)
        future = self._client.submit(work, *what, key=key, pure=False, resources=asked, **near)
        self._waiting[index] = future, unit, first
        future.add_done_callback(lambda ended: self._events.put((index, ended, "")))

    def _refused(self, unit: WorkUnit, error: InputError) -> Outcome:
        """What is finished needs nobody; else the journal keeps why this is not."""
        error, fingerprint = InputError(f"{unit.label}: {error}"), ""
        with suppress(Exception):  # a unit without a name has worse to tell, but not here
            fingerprint = unit.fingerprint
            if fingerprint in self._store:
                return Outcome(label=unit.label, fingerprint=fingerprint, state="skipped")
        record = replace(ErrorRecord.of(error, attempts=0), excusable=False)  # it says something of the workers, nothing of the unit
        if fingerprint:
            Journal(self._store).failed(fingerprint, record)
        return Outcome(label=unit.label, fingerprint=fingerprint, state="failed", error=record)


def _blamed_for_others(future: Any) -> bool:
    """Whether a scheduler that is not ours gave a unit up after some workers died to which it was given; the journal knows better."""
    return future.status == "error" and type(future.exception()).__name__ == "KilledWorker"


def _outcome_of(said: Any, label: str) -> Outcome:
    """From what a worker told, or from a task that ended without telling: the unit could not be sent, or not be read there."""
    from isomorph.engine._dask_worker import unpack

    if isinstance(said, Outcome):
        return said
    try:
        outcome: Outcome = unpack(said) if isinstance(said, bytes) else said.result()
        return outcome
    except Exception as error:
        return Outcome(label=label, fingerprint="", state="failed", error=ErrorRecord.of(error, attempts=1))
