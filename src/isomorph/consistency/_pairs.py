"""Unordered pairs of models from two sets, and the data sets on which they can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.consistency._model_set import ModelSet

if TYPE_CHECKING:
    import pandas

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class ModelPairs:
    """All unordered pairs {f, g}, f ≠ g, one model from each of two sets.

    Attributes:
        name_a: Of the first set.
        name_b: Of the second.
        first: `[pair]`, positions among all models.
        second: `[pair]`.
        both: Positions of the models in both sets.
        only_a: In the first alone.
        only_b: In the second alone.
    """

    name_a: str
    name_b: str
    first: Indices
    second: Indices
    both: Indices
    only_a: Indices
    only_b: Indices

    def __len__(self) -> int:
        return len(self.first)

    @property
    def strata(self) -> tuple[Indices, ...]:
        """Models that are exchangeable here: bootstraps draw and permutations swap within each, so that sets keep their sizes."""
        return tuple(each for each in (self.both, self.only_a, self.only_b) if len(each))

    @property
    def sizes(self) -> tuple[int, int]:
        """How many models are in the first set and in the second."""
        return len(self.both) + len(self.only_a), len(self.both) + len(self.only_b)

    @property
    def nodes(self) -> Indices:
        """The positions of all models in either set."""
        return np.sort(np.concatenate([self.both, self.only_a, self.only_b]))

    def among(self, present: npt.NDArray[np.bool_]) -> ModelPairs:
        """Only pairs of models that are `present`, `[model]`."""
        if present[self.nodes].all():
            return self
        kept = present[self.first] & present[self.second]
        both, only_a, only_b = (each[present[each]] for each in (self.both, self.only_a, self.only_b))
        return replace(self, first=self.first[kept], second=self.second[kept], both=both, only_a=only_a, only_b=only_b)


def model_pairs(table: pandas.DataFrame, set_a: ModelSet, set_b: ModelSet) -> ModelPairs:
    """The pairs of two sets; `table` has one row a model.

    Example:
        >>> import pandas
        >>> table = pandas.DataFrame({"kind": ["x", "x", "y"]}, index=["f", "g", "h"])
        >>> x, y = ModelSet.by(table, "kind")
        >>> len(model_pairs(table, x, x)), len(model_pairs(table, x, y))
        (1, 2)
    """
    a, b = table.index.isin(set_a.members(table)), table.index.isin(set_b.members(table))
    square = (a[:, None] & b[None, :]) | (b[:, None] & a[None, :])
    first, second = np.nonzero(np.triu(square, 1))
    both, only_a, only_b = (np.flatnonzero(mask) for mask in (a & b, a & ~b, b & ~a))
    return ModelPairs(set_a.name, set_b.name, first, second, both, only_a, only_b)


@dataclass(frozen=True, eq=False)
class Block:
    """Pairs of data sets that share one list of model pairs.

    Attributes:
        datasets: Positions of the data sets that take part.
        pairs: The model pairs present on all of them.
        rows: `[dataset, pair]`, similarities.
        a: `[k]`, rows of the first data set of each pair.
        b: `[k]`, of the second.
        places: `[k]`, where the results belong among all pairs of data sets.
    """

    datasets: Indices
    pairs: ModelPairs
    rows: FloatArray
    a: Indices
    b: Indices
    places: Indices


def blocks(matrices: FloatArray, present: npt.NDArray[np.bool_], pairs: ModelPairs) -> Iterator[Block]:
    """Group the pairs of data sets by the models that both have; where no model is missing there is one block.

    Args:
        matrices: `[dataset, model, model]`.
        present: `[dataset, model]`.
        pairs: The model pairs wanted.
    """
    first, second = np.triu_indices(len(matrices), 1)
    common = present[first] & present[second]
    wanted = np.zeros(present.shape[1], dtype=bool)
    wanted[pairs.nodes] = True
    groups: dict[bytes, list[int]] = {}
    for place, row in enumerate(common & wanted):
        groups.setdefault(row.tobytes(), []).append(place)
    for places in groups.values():
        at: Any = np.array(places)
        shared = pairs.among(common[at[0]])
        datasets, local = np.unique(np.concatenate([first[at], second[at]]), return_inverse=True)
        rows = matrices[np.ix_(datasets)][:, shared.first, shared.second]
        yield Block(datasets, shared, rows, local[: len(at)], local[len(at) :], at)
