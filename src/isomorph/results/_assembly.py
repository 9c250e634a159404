"""Rows into the tidy table: columns in order, p-values corrected, best layers marked; several results into one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.errors import InputError
from isomorph.results._records import BenchmarkRecord
from isomorph.results._results import COLUMNS, Results

if TYPE_CHECKING:
    import pandas as pd

_QUESTION = ["benchmark", "target", "measure"]
_ROW = ["model", "model_fingerprint", "layer", *_QUESTION, "seed", "replicates"]


def tidy(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The table of `rows`, with `p_corrected` and `best_on_same_data` filled in."""
    import pandas as pd

    frame = pd.DataFrame(list(rows), columns=[each for each in COLUMNS if each not in ("p_corrected", "best_on_same_data")])
    for name in ("value", "low", "high", "p", "ceiling_lower", "ceiling_upper", "depth"):
        frame[name] = frame[name].astype(np.float64)
    frame["p_corrected"] = np.nan
    frame["best_on_same_data"] = False
    for _, group in frame.groupby(_QUESTION, sort=False):
        _correct(frame, group)
    scored = frame[frame["value"].notna()]
    best = scored.groupby([*_QUESTION, "model"], sort=False)["value"].idxmax()
    frame.loc[best.to_numpy(), "best_on_same_data"] = True
    return frame[list(COLUMNS)]


def _correct(frame: pd.DataFrame, group: pd.DataFrame) -> None:
    from isomorph.inference import correct_p_values

    known = group.index[group["p"].notna()]
    if len(known):
        frame.loc[known, "p_corrected"] = correct_p_values(group.loc[known, "p"].to_numpy(), method="fdr_bh")


def merge(parts: Sequence[Results]) -> Results:
    """One value of several."""
    import pandas as pd

    if not parts:
        raise InputError("there are no results to merge.")
    benchmarks: dict[str, BenchmarkRecord] = {}
    for part in parts:
        for record in part.benchmarks:
            known = benchmarks.setdefault(record.name, record)
            if known.fingerprint != record.fingerprint:
                raise InputError(
                    f"two results ask different questions under the name {record.name!r} (fingerprints {known.fingerprint[:12]} and "
                    f"{record.fingerprint[:12]}); evaluate both with the same version of the benchmark."
                )
    table = pd.concat([part.table for part in parts], ignore_index=True).drop_duplicates([*_ROW, "value", "low", "high"])
    clash = table[table.duplicated(["model", "layer", *_QUESTION], keep=False)]
    if len(clash):
        first = clash.iloc[0]
        raise InputError(
            f"the results hold different scores for {len(clash)} rows; the first is {first['model']!r}, layer {first['layer']!r}, "
            f"{first['benchmark']} × {first['target']}. Keep one of them, or evaluate again with one seed and number of replicates."
        )
    geometry = {(each.benchmark, each.model, each.target): each for part in reversed(parts) for each in part.geometry}
    return Results(
        table=tidy({str(key): value for key, value in row.items()} for row in table.to_dict("records")),  # corrected anew over all models
        benchmarks=tuple(benchmarks.values()),
        geometry=tuple(geometry.values()),
        methods=_merge_methods([part.methods for part in parts]),
    )


def _merge_methods(methods: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for each in methods:
        for key, value in each.items():
            if isinstance(value, Mapping):
                merged[key] = {**merged.get(key, {}), **value}
            elif isinstance(value, list | tuple):
                merged[key] = list(dict.fromkeys([*merged.get(key, []), *value]))
            else:
                merged.setdefault(key, value)
    return merged
