"""Rows that belong together, as the captions of a picture, and their means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.errors import IdError, InputError


@dataclass(frozen=True, eq=False)
class Grouping:
    """Which rows make up which group.

    Attributes:
        names: The groups, in the order in which they first appear.
        members: The rows of each group.
    """

    names: tuple[str, ...]
    members: tuple[npt.NDArray[np.intp], ...]

    @classmethod
    def of(cls, ids: Sequence[str], groups: Mapping[str, str] | None) -> Grouping:
        """The groups of rows called `ids`; `groups` says for each id where it belongs.

        Raises:
            InputError: There are no rows, or no groups.
            IdError: `groups` does not say where an id belongs.
        """
        if not ids:
            raise InputError("there are no rows to group.")
        if groups is None:
            raise InputError("these stimuli have no groups. Stimuli.from_texts(…, group=COLUMN) reads them from a table.")
        without = [each for each in ids if each not in groups]
        if without:
            raise IdError(f"{len(without)} of {len(ids)} rows belong to no group; the first is {without[0]!r}. Name a group for each.")
        rows: dict[str, list[int]] = {}
        for row, each in enumerate(ids):
            rows.setdefault(str(groups[each]), []).append(row)
        return cls(tuple(rows), tuple(np.array(each, dtype=np.intp) for each in rows.values()))

    def mean(self, values: FloatArray) -> FloatArray:
        """The mean row of each group, `[group, feature]`: summed in float64, kept in the type of `values`."""
        means = np.empty((len(self.names), values.shape[1]), dtype=values.dtype)
        for row, members in enumerate(self.members):
            means[row] = values[members].mean(axis=0, dtype=np.float64)
        return means

    def summary(self) -> dict[str, Any]:
        """How many groups there are, and how many rows the smallest and the largest have."""
        sizes = [len(each) for each in self.members]
        return {"groups": len(sizes), "rows": sum(sizes), "fewest": min(sizes), "most": max(sizes)}
