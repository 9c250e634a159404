"""How much each query counts in a fit, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.encoding._query_null import ThinScorer
from isomorph.encoding._query_ridge import ThinRidge
from isomorph.features import Features
from isomorph.inference import bootstrap_weights, interval

_STIMULUS_DRAWS = 200  # refits


def query_importances(
    scorer: ThinScorer, near: Features, groups: Mapping[str, str] | None, *, replicates: int, level: float, seed: int
) -> Any:
    """A row a region and query: mean |standardised coefficient| over units, in the fit to the first training set."""
    import pandas

    fit = scorer.fit(near)
    coefficients = fit.coefficients()
    again = _refits(scorer, near, fit, min(replicates, _STIMULUS_DRAWS), seed)
    tables = []
    for region in dict.fromkeys(each.region for each in scorer.targets.groups):
        columns = scorer.columns(region)
        sizes = np.abs(coefficients[:, columns])
        importance = sizes.mean(axis=1, dtype=np.float64)
        ends = {"units": _over_units(sizes, replicates, level, seed), "stimuli": _over_stimuli(again[region], importance, level)}
        table = {"region": region, "query": near.feature_names, "importance": importance}
        for name, (low, high) in ends.items():
            table |= {f"low_{name}": low, f"high_{name}": high}
        table["coefficient"] = coefficients[:, columns].mean(axis=1, dtype=np.float64)
        tables.append(pandas.DataFrame(table).sort_values("importance", ascending=False, kind="stable"))
    result = pandas.concat(tables, ignore_index=True)
    result.insert(2, "group", [groups[each] for each in result["query"]] if groups is not None else "")
    return result


def _over_units(sizes: FloatArray, replicates: int, level: float, seed: int) -> tuple[FloatArray, FloatArray]:
    """The percentiles of means over units drawn anew, some replicates at a time."""
    count, drawn = sizes.shape[1], []
    for start in range(0, replicates, 100):
        weights = bootstrap_weights(count, min(100, replicates - start), seed + start)
        drawn.append(weights.astype(sizes.dtype) @ sizes.T / count)
    return interval(np.concatenate(drawn), level) if drawn else _none(len(sizes))


def _over_stimuli(again: FloatArray, importance: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Percentiles of refits, moved so that their mean is the estimate: sizes of coefficients grow with what drawing anew adds to them."""
    return interval(again - again.mean(axis=0) + importance, level) if len(again) else _none(len(importance))


def _none(count: int) -> tuple[FloatArray, FloatArray]:
    return np.full(count, np.nan), np.full(count, np.nan)


def _refits(scorer: ThinScorer, near: Features, fit: ThinRidge, replicates: int, seed: int) -> dict[str, FloatArray]:
    """Of each region the importances `[replicate, query]` in fits to training stimuli drawn anew, each unit with its penalty."""
    rows = [scorer.targets.ids[row] for row in scorer.folds[0].sides[0].rows]
    x = ((near.take(rows).values - fit.mean) / fit.scale).astype(fit.loads.dtype)
    places = {region: scorer.columns(region) for region in dict.fromkeys(each.region for each in scorer.targets.groups)}
    again: dict[str, list[FloatArray]] = {region: [] for region in places}
    for weights in bootstrap_weights(len(rows), replicates, seed):
        sizes = np.abs(_weighted(x, fit.targets.units, weights.astype(x.dtype), fit.alphas))
        for region, columns in places.items():
            again[region].append(sizes[:, columns].mean(axis=1, dtype=np.float64))
    return {region: np.reshape(each, (replicates, near.width)) for region, each in again.items()}


def _weighted(x: FloatArray, units: FloatArray, weights: FloatArray, alphas: FloatArray) -> FloatArray:
    """Standardised coefficients `[feature, unit]` of the fit where stimulus i stands so many times as its weight."""
    count = weights.sum()
    centred = x - weights @ x / count
    weighted = centred * weights[:, None]
    inner, across = centred.T.astype(np.float64) @ weighted, (units @ weighted).T
    result = np.empty_like(across)
    for alpha in np.unique(alphas):
        at = alphas == alpha
        result[:, at] = np.linalg.solve(inner + alpha * np.eye(len(inner)), across[:, at])
    spread = np.sqrt(np.diag(inner) / count).astype(x.dtype)
    mean = units @ weights / count
    deviation = np.sqrt(np.maximum(units**2 @ weights / count - mean**2, np.finfo(x.dtype).tiny))
    return np.asarray(result * spread[:, None] / deviation)
