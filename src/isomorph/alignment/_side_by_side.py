"""Many small products at once, one core each: threads within a small product mostly wait for each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from isomorph.judgments._blocks import cores

P = TypeVar("P")
R = TypeVar("R")


def side_by_side(work: Callable[[P], R], parts: Sequence[P]) -> list[R]:
    """`work` of every part, in order, on all cores.

    Without `threadpoolctl`, which alone can tell BLAS to leave the other cores alone, one after the other.
    """
    try:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    except ImportError:
        return list(map(work, parts))
    if len(parts) == 1:
        return [work(parts[0])]
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(min(cores(), len(parts))) as pool:
        return list(pool.map(work, parts))
