"""Batches prepared while the model is still busy with the one before."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from isomorph.profile import timed

if TYPE_CHECKING:
    from isomorph.models._model import Model


def prepared_batches(
    model: Model, stimuli: Sequence[Any], slices: Sequence[slice], *, ahead: int = 2
) -> Generator[tuple[slice, Any], None, None]:
    """Each slice of the stimuli as a batch, in order; `ahead` of them are decoded and prepared in other threads meanwhile."""

    def prepare(part: slice) -> Any:
        return model.prepare(stimuli[part])  # a slice of stimuli decodes one at a time: a batch of large photographs need not fit

    def ready(future: Future[Any]) -> Any:
        with timed("wait"):
            return future.result()

    waiting: deque[tuple[slice, Future[Any]]] = deque()
    left = iter(slices)
    with ThreadPoolExecutor(max(1, min(ahead, len(slices))), thread_name_prefix="isomorph-decode") as threads:
        try:
            for part in left:
                waiting.append((part, threads.submit(copy_context().run, prepare, part)))
                if len(waiting) <= ahead:
                    continue
                first, future = waiting.popleft()
                yield first, ready(future)
            while waiting:
                first, future = waiting.popleft()
                yield first, ready(future)
        finally:
            threads.shutdown(wait=True, cancel_futures=True)
