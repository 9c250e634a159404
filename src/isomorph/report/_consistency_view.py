"""What the pages and figures of a consistency study show, computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isomorph.report._mds import smacof
from isomorph.report._names import short_labels

if TYPE_CHECKING:
    from isomorph.consistency import ConsistencyResult, Similarities

Floats = npt.NDArray[np.float64]
_MOST_CATEGORIES = 12


@dataclass(frozen=True, eq=False)
class View:
    """A study's similarities and results, in the order and with the labels of the page.

    Attributes:
        similarities: All models against all.
        results: Grouping → consistency of its sets.
    """

    similarities: Similarities
    results: Mapping[str, ConsistencyResult]

    @cached_property
    def labels(self) -> dict[str, str]:
        """The shortest clear name of each model."""
        return short_labels(self.similarities.models)

    @cached_property
    def mean(self) -> Floats:
        """`[measure, model, model]`: the mean over the data sets on which both models are present."""
        return _over_datasets(np.nanmean, self.similarities.values)

    @cached_property
    def spread(self) -> Floats:
        """`[measure, model, model]`: the standard deviation over data sets."""
        return _over_datasets(np.nanstd, self.similarities.values)

    @cached_property
    def order(self) -> list[int]:
        """The models as the leaves of an average-linkage tree of the first measure's mean dissimilarity."""
        from scipy.cluster.hierarchy import leaves_list, linkage
        from scipy.spatial.distance import squareform

        return [int(each) for each in leaves_list(linkage(squareform(self.distances(self.mean[0]), checks=False), "average"))]

    @cached_property
    def attributes(self) -> dict[str, tuple[str, ...]]:
        """The metadata columns that group models: a few different words each, not one for all nor another for each.

        Numbers are quantities, not groups, unless the study groups by them; of columns that group alike the first stands.
        """
        from pandas.api.types import is_bool_dtype, is_numeric_dtype

        found: dict[str, tuple[str, ...]] = {}
        table = self.similarities.table
        for column in sorted(table.columns, key=lambda each: str(each) not in self.results):
            if is_numeric_dtype(table[column]) and not is_bool_dtype(table[column]) and str(column) not in self.results:
                continue
            words = tuple("unknown" if each is None or str(each) in ("nan", "<NA>") else str(each) for each in table[column])
            alike = any(len(set(zip(words, each, strict=True))) == len(set(words)) == len(set(each)) for each in found.values())
            if not alike and 1 < len(set(words)) <= min(_MOST_CATEGORIES, len(words) - 1):
                found[str(column)] = words
        return found

    @staticmethod
    def distances(matrix: Floats) -> Floats:
        """How far apart the models are, from similarities or distances: what lies between a pair and the models' own values."""
        own = np.diagonal(matrix)
        gap = np.abs((own[:, None] + own) / 2 - matrix)
        gap = np.where(np.isnan(gap), np.nanmax(gap, initial=0.0), gap)
        np.fill_diagonal(gap, 0.0)
        return np.asarray((gap + gap.T) / 2, dtype=np.float64)

    def map(self, measure: int, dataset: int | None) -> tuple[Floats, list[int], float]:
        """Points on a plane, the models they stand for, and the stress; `dataset` None takes the mean."""
        if (measure, dataset) not in self._maps:
            matrix = self.mean[measure] if dataset is None else self.similarities.values[dataset, measure]
            present = [int(each) for each in np.flatnonzero(~np.isnan(np.diagonal(matrix)))]
            points, stress = smacof(self.distances(matrix[np.ix_(present, present)]))
            self._maps[measure, dataset] = points, present, stress
        return self._maps[measure, dataset]

    @cached_property
    def _maps(self) -> dict[tuple[int, int | None], tuple[Floats, list[int], float]]:
        return {}

    def pairs_of(self, dataset: int, measure: int) -> Floats:
        """The strict upper triangle, row by row."""
        rows, columns = np.triu_indices(len(self.similarities.models), 1)
        return np.asarray(self.similarities.values[dataset, measure, rows, columns], dtype=np.float64)

    def gaps_of(self, dataset: int) -> Floats | None:
        """|Δ performance| of each pair, in the same order; None where nothing was measured."""
        performance = self.similarities.performance
        if performance is None or np.isnan(performance[dataset]).all():
            return None
        rows, columns = np.triu_indices(len(self.similarities.models), 1)
        return np.asarray(np.abs(performance[dataset, rows] - performance[dataset, columns]), dtype=np.float64)

    @property
    def first(self) -> tuple[str, ConsistencyResult]:
        """The grouping that speaks first: the first that compares sets, else all models."""
        named = [(name, each) for name, each in self.results.items() if name != "all"]
        return named[0] if named else next(iter(self.results.items()))


def _over_datasets(reduce: Any, values: Floats) -> Floats:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a pair that no data set has is NaN, and shown as missing
        return np.asarray(reduce(values, axis=0), dtype=np.float64)
