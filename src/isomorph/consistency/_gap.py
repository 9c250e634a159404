"""Are models that differ more in performance also less alike?"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.consistency._blocks import in_blocks
from isomorph.consistency._bootstrap import generator, intervals, model_weights, of_pairs
from isomorph.consistency._correlate import correlations, unit_rows, weighted_correlations
from isomorph.consistency._null import as_square, permuted
from isomorph.consistency._pairs import ModelPairs
from isomorph.consistency._set_pair import Draws, corrected
from isomorph.consistency._similarities import Similarities

Rows = list[dict[str, Any]]


def performance_gap(similarities: Similarities, pairs: ModelPairs, draws: Draws) -> Rows:
    r"""For each measure and data set, the correlation over model pairs of S[f, g] with |performance of f − performance of g|.

    Returns:
        Rows of `ConsistencyResult.gap`, ordered by measure, then data set. The interval draws models; `p` swaps the performances of
        models and looks at both directions.
    """
    if similarities.performance is None:
        return []
    rows: Rows = []
    weights = model_weights(pairs, similarities.models, draws.replicates, draws.seed)
    for d, dataset in enumerate(similarities.datasets):
        known = similarities.present[d] & ~np.isnan(similarities.performance[d])
        for mask in np.unique(known, axis=0):
            measures = np.flatnonzero((known == mask).all(axis=1))
            for k, numbers in zip(measures, _on_dataset(similarities, d, measures, pairs.among(mask), weights, draws), strict=True):
                rows.append({"measure": similarities.measures[k], "dataset": dataset, "_at": (int(k), d)} | numbers)
    rows.sort(key=lambda row: row.pop("_at"))
    for measure in similarities.measures:
        own = [row for row in rows if row["measure"] == measure]
        for row, value in zip(own, corrected(np.array([row["p"] for row in own])), strict=True):
            row["p_fdr"] = float(value)
    return rows


def _on_dataset(
    similarities: Similarities, d: int, measures: npt.NDArray[np.intp], pairs: ModelPairs, weights: FloatArray, draws: Draws
) -> Rows:
    """One row of numbers for each of `measures`, which have the same models."""
    count = len(measures)
    if len(pairs) < draws.minimum_pairs:
        empty = dict.fromkeys(("r", "low", "high", "p"), np.nan)
        return [empty | {"model_pairs": len(pairs)} for _ in range(count)]
    assert similarities.performance is not None  # noqa: S101 - the caller has looked
    performance = similarities.performance[d]
    gaps = np.abs(performance[pairs.first] - performance[pairs.second])
    rows = np.concatenate([similarities.values[d, measures][:, pairs.first, pairs.second], gaps[None]])
    a, b = np.arange(count), np.full(count, count)
    r = correlations(rows, a, b, method=draws.method)
    replicates = weighted_correlations(rows, a, b, of_pairs(weights, pairs), draws.replicates, method=draws.method)
    low, high = intervals(replicates, draws.level)
    p = _two_sided(rows, r, pairs, len(similarities.models), draws)
    return [
        {"r": float(r[k]), "low": float(low[k]), "high": float(high[k]), "p": float(p[k]), "model_pairs": len(pairs)} for k in range(count)
    ]


def _two_sided(rows: FloatArray, r: FloatArray, pairs: ModelPairs, models: int, draws: Draws) -> FloatArray:
    permutations = len(draws.keys)
    if not permutations:
        return np.full(len(r), np.nan)
    unit = unit_rows(rows, method=draws.method)
    keys = generator(draws.seed, "performance").random((permutations, models), dtype=np.float32)

    def swapped(_: slice) -> FloatArray:
        return np.asarray(permuted(as_square(unit[-1], pairs, models), pairs, keys) @ unit[:-1].T)

    null = in_blocks(permutations, len(r), swapped, step=permutations)
    reached = (np.abs(null) >= np.abs(r) - 1e-12).sum(axis=0)
    return np.where(np.isnan(r), np.nan, (1 + reached) / (1 + permutations))
