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
    scored = frame[frame["value"].notna() & (frame["layer"] != "")]  # an answer is no layer that was chosen
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
    _refuse_namesakes(table)
    clash = table[table.duplicated(["model", "layer", *_QUESTION], keep=False)]
    if len(clash):
        first = clash.iloc[0]
        raise InputError(
            f"the results hold different scores for {len(clash)} rows; the first is {first['model']!r}, layer {first['layer']!r}, "
            f"{first['benchmark']} × {first['target']}. Keep one of them, or evaluate again with one seed and number of replicates."
        )
    behaviour = {each.name: each for part in reversed(parts) for each in part.behaviour}
    geometry = {(each.benchmark, each.model, each.target): each for part in reversed(parts) for each in part.geometry}
    return Results(
        table=tidy({str(key): value for key, value in row.items()} for row in table.to_dict("records")),  # corrected anew over all models
        benchmarks=tuple(benchmarks.values()),
        geometry=tuple(geometry.values()),
        behaviour=tuple(reversed(behaviour.values())),
        methods=_merge_methods([part.methods for part in parts]),
    )


def joined(versions: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The version of each package, or all that took part: `"2.12.0 and 2.13.0"`."""
    found: dict[str, dict[str, None]] = {}
    for each in versions:
        for name, version in each.items():
            found.setdefault(name, {}).update(dict.fromkeys(version.split(" and ")))
    return {name: " and ".join(several) for name, several in found.items()}


def _refuse_namesakes(table: pd.DataFrame) -> None:
    for name, several in table.groupby("model", sort=False)["model_fingerprint"].unique().items():
        if len(several) > 1:
            fingerprints = " and ".join(each[:12] for each in several)
            raise InputError(
                f"the results hold {len(several)} different models called {name!r} (fingerprints {fingerprints}). Evaluate each under a "
                "name of its own."
            )


def _merge_methods(methods: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    told = [each["options"] for each in methods if "options" in each]
    for name in ("resample", "permutations"):  # the rows do not say these, so that they must hold for all
        several = {each.get(name) for each in told}
        if len(several) > 1:
            raise InputError(
                f"the results were made with different {name}: {' and '.join(sorted(map(str, several)))}. Evaluate again with one."
            )
    merged: dict[str, Any] = {}
    for each in methods:
        for key, value in each.items():
            if isinstance(value, Mapping):
                merged[key] = {**merged.get(key, {}), **value}
            elif isinstance(value, list | tuple):
                merged[key] = list(dict.fromkeys([*merged.get(key, []), *value]))
    if any("isomorph" in each for each in methods):
        merged |= joined({"isomorph": each["isomorph"]} for each in methods if "isomorph" in each)
    if told:
        merged["options"] = {key: value for key, value in told[0].items() if all(key in each and each[key] == value for each in told)}
    return merged | {"versions": joined(each.get("versions", {}) for each in methods)}
