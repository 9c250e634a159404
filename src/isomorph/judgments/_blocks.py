"""Trials in blocks that fit a core's cache, on the cores that this process may use."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_TRIALS = 1 << 16


def cores() -> int:
    """How many cores this process may use, at most 8."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8)


def for_blocks(trials: int, work: Callable[[slice], None]) -> None:
    """Call `work` on slices that cover `trials`; NumPy leaves the other threads room while it computes."""
    blocks = [slice(start, min(start + _TRIALS, trials)) for start in range(0, trials, _TRIALS)]
    if len(blocks) == 1:
        work(blocks[0])
        return
    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(work, blocks))
