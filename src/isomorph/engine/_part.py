"""One of N shares of a plan."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from isomorph.engine._needs import near_of
from isomorph.errors import InputError

T = TypeVar("T")
_MOST = 1_000_000


@dataclass(frozen=True)
class Part:
    """The `number`-th of `total` shares, counted from 1.

    Units are dealt in the plan's order like cards, so that shares differ by at most one unit and neighbours, which cost alike, go to
    different shares. If some read the same (`Needs.near`), such as one shard of pictures, the plan is cut like a cake instead, those that
    read the same side by side. The same plan gives the same shares on every machine.

    Example:
        >>> Part.parse("2/3").of(["a", "b", "c", "d", "e"])
        ['b', 'e']
    """

    number: int
    total: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.total <= _MOST:
            raise InputError(f"a part is i/N with 1 ≤ i ≤ N ≤ {_MOST:,}, such as 1/8; got {self.number}/{self.total}.")

    @staticmethod
    def parse(text: str) -> Part:
        """Read `"2/8"`.

        Raises:
            InputError: It is no such thing.
        """
        match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        if not match:
            raise InputError(f"a part is i/N with 1 ≤ i ≤ N ≤ {_MOST:,}, such as 1/8; got {text!r:.80}.")
        return Part(int(match[1]), int(match[2]))

    def of(self, items: Sequence[T]) -> list[T]:
        """The items of this part."""
        near = [near_of(each) for each in items]
        if not any(near):
            return list(items[self.number - 1 :: self.total])
        first = {name: place for place, name in reversed([*enumerate(near)])}
        together = sorted(range(len(items)), key=lambda place: first[near[place]] if near[place] else place)
        begin, end = (len(items) * edge // self.total for edge in (self.number - 1, self.number))
        return [items[place] for place in together[begin:end]]

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"
