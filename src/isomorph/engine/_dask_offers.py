"""What the workers of Dask offer, and what of it a unit asks for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from isomorph.engine._needs import Needs
from isomorph.errors import InputError

Resources = Mapping[str, float]
_FRESH_SECONDS = 5.0
_MORE = {
    "MEMORY": "more memory a worker (`--job memory=…`)",
    "GPU_MEMORY": "a GPU for fewer workers (`--job per_gpu=1`), or a larger one",
    "GPU": "a GPU (`--job gpus=1`)",
}


class Offers:
    """Dask's resources `MEMORY`, `GPU` and `GPU_MEMORY` (bytes), as far as workers have them; what no worker speaks of is not asked for.

    Args:
        client: A client of Dask.
        known: What every worker offers; None asks the scheduler what its workers do.
        gpu: Every unit asks for a GPU, whatever it needs.
    """

    def __init__(self, client: Any, known: Resources | None, *, gpu: bool) -> None:
        self._client, self._known, self._gpu = client, known, gpu
        self._read: list[Resources] = []
        self._until = 0.0

    def asked(self, needs: Needs) -> Resources | None:
        """What a unit asks of Dask; None: nothing.

        Raises:
            InputError: No worker has what it cannot do without; without that it would wait for ever.
        """
        workers = self._workers()
        told = {name for worker in workers for name in worker} | ({"GPU"} if self._gpu else set())
        for wish in (needs, needs.certain):
            wanted = {name: amount for name, amount in self._resources(wish).items() if name in told}
            if not wanted:
                return None
            if not workers or any(_has(worker, wanted) for worker in workers):
                return wanted
        raise InputError(_too_large(needs.certain, wanted, workers))

    def everywhere(self, wanted: Resources | None) -> bool:
        """Whether it does not matter which worker gets what a unit asks for."""
        return not wanted or all(_has(worker, wanted) for worker in self._workers())

    def _resources(self, needs: Needs) -> dict[str, float]:
        wished = {
            "MEMORY": needs.memory,
            "GPU": 1.0 if needs.gpu or self._gpu else None,
            "GPU_MEMORY": needs.gpu_memory if needs.gpu else None,
        }
        return {name: float(amount) for name, amount in wished.items() if amount is not None}

    def _workers(self) -> Sequence[Resources]:
        if self._known is not None:
            return [self._known]
        if time.monotonic() >= self._until:
            told = self._client.scheduler_info(n_workers=-1)["workers"].values()  # some versions tell of five unless asked for all
            different = {tuple(sorted((each.get("resources") or {}).items())) for each in told}
            self._read, self._until = [dict(each) for each in sorted(different)], time.monotonic() + _FRESH_SECONDS
        return self._read


def _has(worker: Resources, wanted: Resources) -> bool:
    return all(worker.get(name, 0) >= amount for name, amount in wanted.items())


def _too_large(needs: Needs, wanted: Resources, workers: Sequence[Resources]) -> str:
    most = {name: max(worker.get(name, 0) for worker in workers) for name in wanted}
    lacking = [name for name, amount in wanted.items() if most[name] < amount] or [*wanted]
    has = Needs(
        memory=int(most["MEMORY"]) if "MEMORY" in most else None,
        gpu=most.get("GPU", 0) > 0 or "GPU_MEMORY" in most,
        gpu_memory=int(most["GPU_MEMORY"]) if "GPU_MEMORY" in most else None,
    )
    return f"it needs {needs}, and no worker has that: the largest has {has}. Ask for {' and '.join(_MORE[each] for each in lacking)}."
