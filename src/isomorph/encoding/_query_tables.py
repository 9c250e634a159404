"""The tables of a sheet of queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from isomorph.encoding._brain_scores import BrainScores
from isomorph.encoding._encode_tally import t_quantile
from isomorph.features import Features

FULL, QUERIES = "full", "queries"  # layers of the scores


def score_table(scores: BrainScores, null: Any, thin: Mapping[str, float], level: float) -> Any:
    """A row a metric, region and side; `thin` are scores of the queries as random sets are scored."""
    import pandas

    means = {(each["layer"], each["metric"], each["region"], each["split"]): each for each in scores.over_subjects().to_dict("records")}
    rows = []
    for metric, region, split in dict.fromkeys(key[1:] for key in means):
        full, few = (means[layer, metric, region, split] for layer in (FULL, QUERIES))
        row = {"metric": metric, "region": region, "split": split}
        for name, part in ((FULL, full), (QUERIES, few)):
            row |= {name: part["score"], f"{name}_low": part["low"], f"{name}_high": part["high"]}
        row["performance"] = few["score"] / full["score"]
        if split == "test":
            row |= _share_interval(scores, metric, region, row["performance"], full, level)
            drawn = null[(null["metric"] == metric) & (null["region"] == region)]["score"].to_numpy(dtype=np.float64)
            like = thin.get(region, few["score"]) if metric == "eReg" else few["score"]  # scored as the random sets were, to the last digit
            row |= _against(drawn, like, level)
        rows.append(row)
    return pandas.DataFrame(rows)


def _share_interval(scores: BrainScores, metric: str, region: str, share: float, full: Any, level: float) -> dict[str, float]:
    """Of a ratio of two scores, from how much each test stimulus has to do with it (the first order of its change)."""
    parts = []
    for layer in (QUERIES, FULL):
        of_layer = [each for key, each in scores.contributions.items() if key[1:4] == (layer, metric, region)]
        parts.append(np.mean(of_layer, axis=0, dtype=np.float64))
    change = (parts[0] - share * parts[1]) / full["score"]
    half = t_quantile(int(full["n_stimuli"]) - 1, level) * float(np.sqrt((change**2).sum()))
    return {"performance_low": share - half, "performance_high": share + half}


def _against(null: Any, score: float, level: float) -> dict[str, float]:
    null = null[np.isfinite(null)]
    if not len(null):
        return dict.fromkeys(("null_mean", "null_low", "null_high", "p"), np.nan)
    low, high = np.quantile(null, [(1 - level) / 2, (1 + level) / 2])
    p = (1 + int((null >= score).sum())) / (1 + len(null))
    return {"null_mean": float(null.mean()), "null_low": float(low), "null_high": float(high), "p": p}


def groups_table(scores: BrainScores, importances: Any, near: Features, parts: Mapping[str, Features]) -> Any:
    """A row a metric, region and group: what the score loses without its queries."""
    import pandas

    rows = []
    model = scores.models[0]
    for metric, region in scores.table[["metric", "region"]].drop_duplicates().itertuples(index=False):
        for name in parts:
            lost = scores.difference((model, QUERIES), (model, f"without {name}"), metric=metric, region=region)
            inside = importances[(importances["group"] == name) & (importances["region"] == region)]
            count = near.width - parts[name].width
            rows.append(
                {
                    "metric": metric,
                    "region": region,
                    "group": name,
                    "queries": count,
                    "unique": lost.value,
                    "low": lost.low,
                    "high": lost.high,
                }
                | {"p": lost.p, "importance": inside["importance"].sum() if len(inside) and metric == "eReg" else np.nan}
            )
    return pandas.DataFrame(rows, columns=["metric", "region", "group", "queries", "unique", "low", "high", "p", "importance"])
