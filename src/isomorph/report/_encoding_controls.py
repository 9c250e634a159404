"""Controlled contrasts and query sheets as the report shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.report._headline import number, p_value
from isomorph.report._names import slugs


@dataclass(frozen=True, eq=False)
class Paired:
    """A controlled contrast: scores of pairs that differ in one thing.

    Attributes:
        name: What was compared.
        cell: Where: region and metric; empty where there is one.
        file: The CSV that holds its pairs.
        levels: What the two of a pair are.
        pairs: `(name, its two scores)`.
        means: Of each level.
        said: The answer in a sentence.
    """

    name: str
    cell: str
    file: str
    levels: tuple[str, ...]
    pairs: tuple[tuple[str, tuple[float, ...]], ...]
    means: tuple[float, ...]
    said: str


@dataclass(frozen=True, eq=False)
class Null:
    """Scores of random sets of queries in one region, by one metric.

    Attributes:
        region: Where.
        values: Of each random set.
        queries: Of the queries that were asked about.
        full: Of all features.
        said: How many random sets do as well.
    """

    region: str
    values: Any
    queries: float
    full: float
    said: str


@dataclass(frozen=True, eq=False)
class Queries:
    """A query sheet as the report shows it.

    Attributes:
        headline: The answer in a sentence.
        importances: Region → `(query, (importance, low, high))`, largest first; intervals are over stimuli.
        null: One a metric and region.
        rows: Of the score sheet, on test and train.
        notes: What a reader should know.
    """

    headline: str
    importances: Mapping[str, tuple[tuple[str, tuple[float, float, float]], ...]]
    null: tuple[Null, ...]
    rows: tuple[Mapping[str, str], ...]
    notes: tuple[str, ...]


def paired_contrasts(contrasts: dict[str, Any]) -> tuple[Paired, ...]:
    """Contrasts by name as `isomorph.results.contrast` returns them: one `Paired` a cell and pair of levels."""
    files = slugs(list(contrasts))
    return tuple(each for name, contrast in contrasts.items() for each in _paired(name, f"contrast-{files[name]}.csv", contrast))


def _paired(name: str, file: str, contrast: Any) -> Sequence[Paired]:
    found = []
    keys = [*contrast.options["by"], "level_a", "level_b"]
    answers = {tuple(row[key] for key in keys): row for row in contrast.table.to_dict("records")}
    for cell, part in contrast.pairs.groupby(keys, sort=False):
        row, *levels = answers[cell], *map(str, cell[-2:])
        where = ", ".join(map(str, cell[:-2]))
        pairs = tuple(
            (str(stratum) or f"{a} – {b}", (float(first), float(second)))
            for stratum, a, b, first, second in part[["stratum", "units_a", "units_b", "score_a", "score_b"]].itertuples(index=False)
        )
        means = (float(row["score_a"]), float(row["score_b"]))
        found.append(Paired(name, where, file, tuple(levels), pairs, means, _difference(row)))
    return found


def _difference(row: Mapping[str, Any]) -> str:
    ends = "" if not np.isfinite(row["low"]) else f" [{number(row['low'])}, {number(row['high'])}]"
    p = "" if not np.isfinite(row["p_corrected"]) else f", p = {p_value(row['p_corrected'])} corrected".replace("= <", "<")
    return f"{row['level_a']} − {row['level_b']}: {number(row['difference'])}{ends}{p}; {row['test']}."


def shown_queries(sheet: Any) -> Queries:
    """A sheet as `isomorph.encoding.query_sheet` returns it."""
    importances = {
        str(region): tuple(
            (str(query), (float(value), float(low), float(high)))
            for query, value, low, high in part[["query", "importance", "low_stimuli", "high_stimuli"]].itertuples(index=False)
        )
        for region, part in sheet.importances.groupby("region", sort=False)
    }
    tested = sheet.table[sheet.table["split"] == "test"].to_dict("records")
    return Queries(
        headline=_query_headline(sheet, tested[0]),
        importances=importances,
        null=tuple(each for row in tested if (each := _null(sheet, row, several=sheet.table["metric"].nunique() > 1))),
        rows=tuple(_sheet_row(row) for row in sheet.table.to_dict("records")),
        notes=tuple(sheet.notes),
    )


def _query_headline(sheet: Any, row: Mapping[str, Any]) -> str:
    said = (
        f"In {row['region']}, {len(sheet.queries)} queries ({sheet.dimensions:.1%} of {sheet.width:,} dimensions) score "
        f"{row['queries']:.3f}, {row['performance']:.1%} of the {row['full']:.3f} of all features"
    )
    sets = sheet.null["draw"].nunique()
    return f"{said}; {sets:,} random sets of as many score {row['null_mean']:.3f} on average." if sets else f"{said}."


def _null(sheet: Any, row: Mapping[str, Any], *, several: bool) -> Null | None:
    drawn = sheet.null[(sheet.null["metric"] == row["metric"]) & (sheet.null["region"] == row["region"])]
    values = drawn["score"].to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    name = f"{row['region']}, {row['metric']}" if several else str(row["region"])
    return Null(name, values, float(row["queries"]), float(row["full"]), f"p = {p_value(float(row['p']))}".replace("= <", "<"))


def _sheet_row(row: Mapping[str, Any]) -> dict[str, str]:
    def ends(name: str) -> str:
        low, high = row.get(f"{name}_low", np.nan), row.get(f"{name}_high", np.nan)
        return f"[{number(low)}, {number(high)}]" if np.isfinite(low) and np.isfinite(high) else ""

    tested = np.isfinite(row.get("null_mean", np.nan))
    return {name: str(row[name]) for name in ("metric", "region", "split")} | {
        "full": number(row["full"]), "full_ends": ends("full"), "queries": number(row["queries"]), "queries_ends": ends("queries"),
        "performance": f"{row['performance']:.1%}",
        "null": number(row["null_mean"]) if tested else "–", "null_ends": ends("null") if tested else "",
        "p": p_value(float(row["p"])) if tested else "–",
    }  # fmt: skip
