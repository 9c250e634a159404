"""Units on the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from isomorph.engine._dask_cluster import _module
from isomorph.engine._dask_offers import Offers
from isomorph.engine._dask_run import DaskRun
from isomorph.engine._outcome import Outcome
from isomorph.engine._outcomes import DEATHS, WorkUnit
from isomorph.errors import InputError
from isomorph.profile import active
from isomorph.store import Store

_CONNECT_SECONDS = 30.0


class DaskEngine:
    """Runs units on the workers of a Dask cluster; close it, or use it in a `with` block.

    Units and the store travel as Dask pickles them, so what they are made of must be there too, and the workers must see the same files.
    Only outcomes come back. Notes, retries and quarantine are those of `outcomes`, which each worker calls: a unit whose worker is killed
    is begun again by another, up to `quarantine_after` deaths. Of a long plan only a few units a worker are on the way at any time.

    A unit asks for what it `needs` of Dask's resources `MEMORY`, `GPU` and `GPU_MEMORY`, as far as workers have them. One that none can
    hold fails at once. Of units that read the same (`Needs.near`) each is offered first to the worker that did the last one.

    Args:
        cluster: What `dask_cluster` gave, or the address of a scheduler, such as `tls://node1:8786`. The certificates for an address are
            those of Dask's own settings (`distributed.comm.tls`). A cluster is closed with the engine; one at an address is left as it is.
        workers: How many workers to keep busy, if more than there are at first.
        gpu: Give every unit, whatever it needs, to a worker which has a GPU (Dask's resource `GPU=1`).
        offers: Dask's resources of each worker, where all have the same; None asks the workers.

    Raises:
        InputError: Nobody answers at the address, or it is none.
        MissingDependencyError: Dask is not installed.
    """

    def __init__(self, cluster: Any, *, workers: int = 1, gpu: bool = False, offers: Mapping[str, float] | None = None) -> None:
        distributed = _module("distributed", str(cluster))
        self._cluster = None if isinstance(cluster, str) else cluster
        self._workers = workers
        try:
            self._client = distributed.Client(cluster, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(f"no scheduler of Dask can be reached at {cluster}: {error}") from error
        from isomorph.engine._dask_worker import EndsCleanly

        self._offers = Offers(self._client, offers, gpu=gpu)
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

        def call(index: int, unit: WorkUnit, topic: str) -> tuple[Any, ...]:
            return work, pack(unit, store), topic, index, retries, quarantine_after, asked

        run = DaskRun(self._client, store=store, call=call, offers=self._offers, again=quarantine_after is not None)
        yield from run.outcomes(units, workers=self._workers)
