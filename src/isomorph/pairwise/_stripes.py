"""The walk over stripes of rows: all things' inner products at once, each turned into every view that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.engine import Progress
from isomorph.pairwise._arithmetic import Arithmetic
from isomorph.pairwise._collect import Collector
from isomorph.pairwise._relations import Relations, Transform
from isomorph.pairwise._rows import Rows, release


@dataclass(frozen=True, eq=False)
class Task:
    """A view of the inner products of one base, and who takes it."""

    relations: Relations
    collectors: Sequence[Collector]


def walk(
    bases: Sequence[tuple[Sequence[Rows], Sequence[Task]]],
    arithmetic: Arithmetic,
    *,
    groups: Mapping[int, Sequence[tuple[int, int]]],
    height: int,
    full: bool,
    ended: Callable[[int], None] | None = None,
    progress: Progress | None = None,
    label: str = "",
) -> None:
    """Feed every collector with all blocks of the rows in `groups`.

    Args:
        bases: Rows of each thing, and the views that follow from their inner products; one entry a base.
        arithmetic: The device and the precision.
        groups: Numbered groups of ranges of rows.
        height: How many rows a stripe has.
        full: All columns; else only those right of the diagonal.
        ended: Told the number of each group after its last block.
        progress: Shows the rows that are done.
        label: What is shown.
    """
    things, n = len(bases[0][0]), len(bases[0][0][0].squares)
    stripe = arithmetic.empty(things, height * n)
    buffer = arithmetic.empty(things, max(arithmetic.block_values, n))
    prepared = [([_resident(each, arithmetic) for each in rows], tasks, _transforms(tasks, arithmetic)) for rows, tasks in bases]
    total = sum(stop - start for ranges in groups.values() for start, stop in ranges)
    with progress.task(label, total, unit="rows") if progress else nullcontext() as shown:
        for number, ranges in groups.items():
            for start, stop in _stripes(ranges, height):
                first = 0 if full else start
                for rows, tasks, transforms in prepared:
                    products = stripe[:, : (stop - start) * (n - first)].reshape(things, stop - start, n - first)
                    for thing, each in enumerate(rows):
                        arithmetic.xp.matmul(_on(each[start:stop], arithmetic), _on(each[first:], arithmetic).T, out=products[thing])
                        release(each)
                    for part in _blocks(start, stop, max(1, arithmetic.block_values // (n - first))):
                        block = products[:, part.start - start : part.stop - start]
                        for task, transform in zip(tasks, transforms, strict=True):
                            _feed(task, transform, block, part, first, buffer, full=full)
                if shown:
                    shown.advance(stop - start)
            if ended:
                ended(number)
    for _, tasks in bases:
        for task in tasks:
            for collector in task.collectors:
                collector.close()


def _feed(task: Task, transform: Transform, products: Any, rows: slice, first: int, buffer: Any, *, full: bool) -> None:
    things, height, width = products.shape
    block = products
    if not transform.trivial:
        block = buffer[:, : height * width].reshape(things, height, width)
        columns = slice(first, first + width)
        for thing in range(things):
            transform(thing, products[thing], rows, columns, block[thing])
    collectors = sorted(task.collectors, key=lambda each: each.masked)
    masked = False
    for each in collectors:
        if each.masked and not masked:
            _mask(block, rows.start - first, full=full)
            masked = True
        each.add(rows, first, block)


def _mask(block: Any, diagonal: int, *, full: bool) -> None:
    for row in range(block.shape[1]):
        own = diagonal + row
        block[:, row, own if full else 0 : own + 1] = 0


def _stripes(ranges: Sequence[tuple[int, int]], height: int) -> Iterator[tuple[int, int]]:
    for low, high in ranges:
        for start in range(low, high, height):
            yield start, min(start + height, high)


def _blocks(start: int, stop: int, step: int) -> Iterator[slice]:
    for row in range(start, stop, step):
        yield slice(row, min(row + step, stop))


def _transforms(tasks: Sequence[Task], arithmetic: Arithmetic) -> list[Transform]:
    return [Transform(task.relations, arithmetic) for task in tasks]


def _resident(rows: Rows, arithmetic: Arithmetic) -> Any:
    """On the device, unless the rows are on a scratch disk because they are too many."""
    return rows.values if isinstance(rows.values, np.memmap) else arithmetic.put(rows.values)


def _on(rows: Any, arithmetic: Arithmetic) -> Any:
    return arithmetic.put(rows) if isinstance(rows, np.ndarray) and arithmetic.xp is not np else rows
