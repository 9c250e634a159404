"""The consistency of one pair of model sets by one measure, over all pairs of data sets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.consistency._bootstrap import intervals, medians, model_weights, of_pairs
from isomorph.consistency._confounds import MATCHED_DRAWS, reliabilities, size_matched, width_partial
from isomorph.consistency._correlate import correlations, unit_rows, weighted_correlations
from isomorph.consistency._null import null_correlations, upper_p
from isomorph.consistency._pairs import Block, ModelPairs, blocks
from isomorph.consistency._similarities import Similarities
from isomorph.inference import correct_p_values


@dataclass(frozen=True, eq=False)
class Draws:
    """What every pair of sets shares: the options in force and the random numbers.

    Attributes:
        method: `"pearson"` or `"spearman"`.
        replicates: Of the bootstrap.
        resample: `"models"`, `"datasets"` or `"both"`.
        seed: Of every draw.
        level: Of the intervals.
        minimum_pairs: Fewer model pairs give no number.
        keys: `[permutation, dataset, model]`.
        dataset_weights: `[replicate, k]`; None where only models are drawn.
        matched_size: How many model pairs each pair of sets is cut down to.
    """

    method: str
    replicates: int
    resample: str
    seed: int
    level: float
    minimum_pairs: int
    keys: FloatArray
    dataset_weights: FloatArray | None
    matched_size: int


@dataclass(eq=False)
class Found:
    """Numbers for each pair of data sets, `[k]`, and their replicates, `[draw, k]`; NaN where there are too few model pairs."""

    columns: dict[str, npt.NDArray[Any]]
    replicates: FloatArray
    null: FloatArray
    matched: FloatArray
    constant: list[int] = field(default_factory=list)
    small: int = 0

    @property
    def r(self) -> FloatArray:
        """`[k]`."""
        return np.asarray(self.columns["r"])


_MEASURED = ("r", "disattenuated", "width_partial_r", "sd_a", "sd_b", "range_a", "range_b")
_COUNTED = ("model_pairs", "models_a", "models_b")


def analyse(similarities: Similarities, measure: int, pairs: ModelPairs, draws: Draws) -> Found:
    """Everything there is to say of `pairs` by the measure at that position."""
    sets = len(similarities.datasets)
    count = sets * (sets - 1) // 2
    draws_models = draws.replicates if draws.resample != "datasets" else 0
    found = Found(
        {name: np.full(count, np.nan) for name in _MEASURED} | {name: np.zeros(count, dtype=int) for name in _COUNTED},
        np.full((draws_models, count), np.nan),
        np.full((len(draws.keys), count), np.nan),
        np.full((MATCHED_DRAWS, count), np.nan),
    )
    weights = model_weights(pairs, similarities.models, draws_models, draws.seed)
    for block in blocks(similarities.values[:, measure], similarities.present[:, measure], pairs):
        for name, value in zip(_COUNTED, (len(block.pairs), *block.pairs.sizes), strict=True):
            found.columns[name][block.places] = value
        if len(block.pairs) < draws.minimum_pairs:
            found.small += len(block.places)
            continue
        errors = None if similarities.standard_errors is None else similarities.standard_errors[block.datasets, measure]
        for name, values in _measured(block, errors, similarities.widths, draws.method):
            found.columns[name][block.places] = values
        found.constant += block.datasets[np.isnan(unit_rows(block.rows, method=draws.method)).any(axis=1)].tolist()
        if draws_models:
            weigh = of_pairs(weights, block.pairs)
            found.replicates[:, block.places] = weighted_correlations(
                block.rows, block.a, block.b, weigh, draws_models, method=draws.method
            )
        if len(draws.keys):
            found.null[:, block.places] = null_correlations(block, draws.keys, method=draws.method)
        found.matched[:, block.places] = size_matched(block, draws.matched_size, method=draws.method, seed=draws.seed)
    return found


def _measured(block: Block, errors: FloatArray | None, widths: tuple[int, ...] | None, method: str) -> Iterator[tuple[str, FloatArray]]:
    r = correlations(block.rows, block.a, block.b, method=method)
    yield "r", r
    reliable = reliabilities(block.rows, errors, block.pairs)
    yield "disattenuated", r / np.sqrt(reliable[block.a] * reliable[block.b])
    yield "width_partial_r", width_partial(block, widths, method=method)
    spread, span = block.rows.std(axis=1, ddof=1), np.ptp(block.rows, axis=1)
    for end, rows in (("a", block.a), ("b", block.b)):
        yield f"sd_{end}", spread[rows]
        yield f"range_{end}", span[rows]


def pair_columns(found: Found, draws: Draws) -> dict[str, npt.NDArray[Any]]:
    """The columns of `ConsistencyResult.pairs` that depend on data sets and models, `[k]` each."""
    r = found.r
    low, high = intervals(found.replicates, draws.level)
    p = upper_p(r, found.null)
    largest = _row_max(found.null)
    with np.errstate(divide="ignore"):
        fisher_z = np.arctanh(r)
    return found.columns | {
        "low": low,
        "high": high,
        "p": p,
        "p_fdr": corrected(p),
        "p_max": upper_p(r, np.broadcast_to(largest[:, None], found.null.shape)),
        "fisher_z": fisher_z,
    }


def summary_columns(found: Found, draws: Draws, datasets: int) -> dict[str, Any]:
    """The columns of `ConsistencyResult.summary` that depend on data sets and models."""
    r, columns = found.r, found.columns
    median = medians(r[None])
    low, high = _summary_interval(found, draws)
    first, second = np.triu_indices(datasets, 1)
    left_out = [medians(r[None, (first != d) & (second != d)])[0] for d in range(datasets)] if datasets > 2 else [np.nan]
    with np.errstate(divide="ignore", invalid="ignore"):
        finite = np.arctanh(r[~np.isnan(r)])
        fisher = float(np.tanh(finite.mean())) if len(finite) else np.nan
    used = columns["model_pairs"][~np.isnan(r)]
    return {
        "median": median[0],
        "low": low,
        "high": high,
        "p": upper_p(median, medians(found.null)[:, None])[0] if len(found.null) else np.nan,
        "size_matched_median": _mean(medians(found.matched)),
        "disattenuated_median": medians(columns["disattenuated"][None])[0],
        "width_partial_median": medians(columns["width_partial_r"][None])[0],
        "fisher_z_mean": fisher,
        "sd_median": medians(np.concatenate([columns["sd_a"], columns["sd_b"]])[None])[0],
        "model_pairs": int(used.min()) if len(used) else int(columns["model_pairs"].max(initial=0)),
        "dataset_pairs": int((~np.isnan(r)).sum()),
        "leave_one_out_low": _extreme(left_out, min),
        "leave_one_out_high": _extreme(left_out, max),
    }


def _summary_interval(found: Found, draws: Draws) -> tuple[float, float]:
    if draws.dataset_weights is None:
        replicates = medians(found.replicates)
    else:
        replicates = medians(found.replicates if len(found.replicates) else found.r[None], draws.dataset_weights)
    low, high = intervals(replicates[:, None], draws.level)
    return float(low[0]), float(high[0])


def corrected(p: FloatArray) -> FloatArray:
    """Benjamini–Hochberg over the tests that were made; NaN stays."""
    result = np.full(len(p), np.nan)
    made = ~np.isnan(p)
    if made.any():
        result[made] = correct_p_values(p[made])
    return result


def _row_max(null: FloatArray) -> FloatArray:
    return np.asarray(np.where(np.isnan(null), -np.inf, null).max(axis=1, initial=-np.inf))


def _mean(values: FloatArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def _extreme(values: list[Any], choose: Any) -> float:
    known = [float(each) for each in values if not np.isnan(each)]
    return choose(known) if known else np.nan
