"""Sums over stripes that come out the same, to the last bit, whoever added up which of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

_MOST_GROUPS, _LEAST_ROWS = 64, 128

Tensors = Mapping[str, npt.NDArray[Any]]


class SumTree:
    """Sums of numbered groups of stripes, added up in one order: neighbours, then pairs of neighbours, and so on.

    Floating-point addition is not associative: what is added up in the order in which it comes depends on who did what. Here the groups
    follow from the number of stimuli alone, and a sum exists only for groups that stand together in a tree over all of them.

    Attributes:
        nodes: The sums that cannot be added to another yet, by level (0: a single group) and number.
    """

    def __init__(self, nodes: Mapping[tuple[int, int], Tensors] | None = None) -> None:
        self.nodes: dict[tuple[int, int], Tensors] = dict(nodes or {})

    def add(self, level: int, number: int, tensors: Tensors) -> None:
        """Take the sums of a node, and add them to its neighbour's if that is there."""
        while (neighbour := self.nodes.pop((level, number ^ 1), None)) is not None:
            tensors = {key: neighbour[key] + each for key, each in tensors.items()}
            level, number = level + 1, number // 2
        self.nodes[level, number] = tensors

    def merge(self, other: SumTree) -> SumTree:
        """The sums of both."""
        merged = SumTree(self.nodes)
        for (level, number), tensors in other.nodes.items():
            merged.add(level, number, tensors)
        return merged

    def total(self, n: int) -> Tensors:
        """The sums of all groups; nothing where there are none, as where nothing is streamed."""
        return self.nodes.get((group_count(n).bit_length() - 1, 0), {})

    def plain(self) -> dict[str, npt.NDArray[Any]]:
        """All tensors by name, for a file."""
        return {f"{level}/{number}/{key}": each for (level, number), node in self.nodes.items() for key, each in node.items()}

    @staticmethod
    def of(plain: Tensors) -> SumTree:
        """What `plain` gave.

        Raises:
            ValueError: A name is none of such.
        """
        nodes: dict[tuple[int, int], dict[str, npt.NDArray[Any]]] = {}
        for name, each in plain.items():
            level, number, key = name.split("/", 2)
            nodes.setdefault((int(level), int(number)), {})[key] = each
        return SumTree(nodes)


def group_count(n: int) -> int:
    """Into how many groups the stripes of `n` stimuli fall: a power of two, so few that their stripes stay high."""
    return 1 << (max(1, min(_MOST_GROUPS, n // (2 * _LEAST_ROWS))).bit_length() - 1)


def share(n: int, part: tuple[int, int]) -> range:
    """The groups of part `(index from 0, count)`: neighbours, so that few sums are left. Of more parts than groups some have none."""
    index, count = part
    groups = group_count(n)
    return range(groups * index // count, groups * (index + 1) // count)


def rows_of(n: int, groups: range) -> list[tuple[int, int]]:
    """The ranges of rows of neighbouring groups: one from the top and its mirror from the bottom, so that all groups cost the same."""
    count = 2 * group_count(n)
    low, high, last, first = (n * each // count for each in (groups.start, groups.stop, count - groups.start, count - groups.stop))
    return [each for each in ((low, high), (first, last)) if each[1] > each[0]]
