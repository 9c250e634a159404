"""Units on the workers of a Dask cluster."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from itertools import islice
from queue import SimpleQueue
from types import TracebackType
from typing import Any

from isomorph.engine._dask_cluster import _module
from isomorph.engine._outcome import ErrorRecord, Outcome
from isomorph.engine._outcomes import DEATHS, WorkUnit
from isomorph.errors import InputError
from isomorph.profile import active, timed
from isomorph.store import Store

_WAITING_PER_WORKER = 4
_CONNECT_SECONDS = 30.0


class DaskEngine:
    """Runs units on the workers of a Dask cluster; close it, or use it in a `with` block.

    Units and the store travel as Dask pickles them, so what they are made of must be there too, and the workers must see the same files.
    Only outcomes come back. Notes, retries and quarantine are those of `outcomes`, which each worker calls: a unit whose worker is killed
    is begun again by another, up to `quarantine_after` deaths. Of a long plan only a few units a worker are on the way at any time.

    Args:
        cluster: What `dask_cluster` gave, or the address of a scheduler, such as `tls://node1:8786`. The certificates for an address are
            those of Dask's own settings (`distributed.comm.tls`). A cluster is closed with the engine; one at an address is left as it is.
        workers: How many workers to keep busy, if more than there are at first.
        gpu: Give units only to workers which have a GPU (Dask's resource `GPU=1`), one unit at a time each.

    Raises:
        InputError: Nobody answers at the address, or it is none.
        MissingDependencyError: Dask is not installed.
    """

    def __init__(self, cluster: Any, *, workers: int = 1, gpu: bool = False) -> None:
        distributed = _module("distributed", str(cluster))
        self._cluster = None if isinstance(cluster, str) else cluster
        self._workers = workers
        self._resources = {"GPU": 1} if gpu else None
        try:
            self._client = distributed.Client(cluster, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(f"no scheduler of Dask can be reached at {cluster}: {error}") from error
        from isomorph.engine._dask_worker import EndsCleanly

        self._client.register_plugin(EndsCleanly())

    def __enter__(self) -> DaskEngine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Leave the cluster, and end it if it was handed over."""
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()

    def run(self, units: Sequence[WorkUnit], *, store: Store, retries: int = 2, quarantine_after: int | None = DEATHS) -> Iterator[Outcome]:
        """One outcome a unit, as each ends; a unit that fails does not stop the rest. The options are those of `outcomes`."""
        from isomorph.engine._dask_worker import pack, work

        asked = active() is not None
        topic, events = f"isomorph-{secrets.token_hex(4)}", SimpleQueue[tuple[int, Any]]()
        waiting: dict[int, tuple[Any, WorkUnit]] = {}
        todo = iter(enumerate(units))

        def submit(index: int, unit: WorkUnit) -> None:
            key, what = f"{topic}-{secrets.token_hex(4)}", (pack(unit, store), topic, index, retries, quarantine_after, asked)
            future = self._client.submit(work, *what, key=key, pure=False, resources=self._resources)
            waiting[index] = future, unit
            future.add_done_callback(lambda ended: events.put((index, ended)))

        self._client.subscribe_topic(topic, lambda event: events.put(event[1]))
        try:
            for each in islice(todo, _WAITING_PER_WORKER * max(self._workers, len(self._client.nthreads()))):
                submit(*each)
            while waiting:
                with timed("workers"):
                    index, said = events.get()
                if index not in waiting:
                    continue  # told before
                future, unit = waiting.pop(index)
                if said is future and _blamed_for_others(future) and quarantine_after is not None:
                    submit(index, unit)
                    continue
                for each in islice(todo, 1):
                    submit(*each)
                yield _outcome_of(said, unit.label)
        finally:
            self._client.unsubscribe_topic(topic)
            self._client.cancel([future for future, _ in waiting.values()], force=True)


def _blamed_for_others(future: Any) -> bool:
    """Whether a scheduler that is not ours gave a unit up after some workers died to which it was given; the journal knows better."""
    return future.status == "error" and type(future.exception()).__name__ == "KilledWorker"


def _outcome_of(said: Any, label: str) -> Outcome:
    """From what a worker told, or from a task that ended without telling: the unit could not be sent, or not be read there."""
    from isomorph.engine._dask_worker import unpack

    try:
        outcome: Outcome = unpack(said) if isinstance(said, bytes) else said.result()
        return outcome
    except Exception as error:
        return Outcome(label=label, fingerprint="", state="failed", error=ErrorRecord.of(error, attempts=1))
