"""Draws in blocks of rows, which processes may share out: the same blocks, whoever makes them, and so the same last digits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.engine import Part

Compute = Callable[[slice], FloatArray]


class Sharing(Protocol):
    """Who makes which blocks of an analysis; it sees every call of `in_blocks`, in the analysis's own order."""

    def fill(self, result: FloatArray, blocks: Sequence[slice], compute: Compute) -> None:
        """Fill in what is known of the rows of `result`."""


_SHARING: ContextVar[Sharing | None] = ContextVar("isomorph_sharing", default=None)


def in_blocks(total: int, columns: int, compute: Compute, *, step: int) -> FloatArray:
    """The rows `[total, columns]` that `compute` gives for one slice of at most `step` of them after another.

    Within `shared` another decides which are computed here; rows that are nobody's are NaN.
    """
    blocks = [slice(start, min(start + step, total)) for start in range(0, total, step)]
    result = np.full((total, columns), np.nan)
    (_SHARING.get() or _Alone()).fill(result, blocks, compute)
    return result


@contextmanager
def shared(sharing: Sharing) -> Iterator[None]:
    """Within it `sharing` decides."""
    token = _SHARING.set(sharing)
    try:
        yield
    finally:
        _SHARING.reset(token)


class _Alone:
    def fill(self, result: FloatArray, blocks: Sequence[slice], compute: Compute) -> None:
        for block in blocks:
            result[block] = compute(block)


@dataclass
class Making:
    """Makes the blocks of one part.

    Attributes:
        part: Which.
        made: Their rows, call after call.
    """

    part: Part
    made: list[FloatArray] = field(default_factory=list)

    def fill(self, result: FloatArray, blocks: Sequence[slice], compute: Compute) -> None:
        """Compute this part's blocks and keep them."""
        dealt = _dealt(blocks, self.part.total, call=len(self.made))
        mine = [block for number, block in dealt if number == self.part.number]
        for block in mine:
            result[block] = compute(block)
        self.made.append(np.concatenate([result[:0], *(result[block] for block in mine)]))


@dataclass
class Taking:
    """Takes what was made, and makes what is missing.

    Attributes:
        ranges: Among how many parts the blocks were dealt.
        made: Number of a part → its rows by the number of the call, where there are any; parts may be missing.
    """

    ranges: int
    made: Mapping[int, Mapping[int, FloatArray]]
    calls: int = 0

    def fill(self, result: FloatArray, blocks: Sequence[slice], compute: Compute) -> None:
        """Put every block in its place."""
        call, self.calls = self.calls, self.calls + 1
        taken: Counter[int] = Counter()
        for number, block in _dealt(blocks, self.ranges, call=call):
            first, count = taken[number], block.stop - block.start
            result[block] = self.made[number][call][first : first + count] if number in self.made else compute(block)
            taken[number] += count


def _dealt(blocks: Sequence[slice], parts: int, *, call: int) -> list[tuple[int, slice]]:
    """The blocks, each with the number of its part. Every call begins with another part, for many calls have one block."""
    return [(at % parts + 1, block) for at, block in enumerate(blocks, start=call)]
