"""The page of a consistency report: its numbers, and what the template fills in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph._version import __version__
from isomorph.report._consistency_charts import charts
from isomorph.report._consistency_words import CITATIONS, between, caveats, headline, procedure, set_name
from isomorph.report._headline import number, p_value
from isomorph.report._names import printable, slugs
from isomorph.report._page import environment
from isomorph.report._payload import as_script

if TYPE_CHECKING:
    import pandas

    from isomorph.report._consistency_view import Floats, View


def consistency_page(view: View, *, title: str, notes: Sequence[str], figures: Sequence[tuple[str, str]]) -> str:
    """The HTML."""
    s = view.similarities
    gap = view.first[1].gap
    return environment().get_template("consistency.html").render(
        version=__version__,
        title=title,
        headline=headline(view),
        caveats=caveats(view),
        notes=notes,
        measures=s.measures,
        datasets=s.datasets,
        level=f"{100 * float(view.first[1].options.get('level', 0.95)):g}%",
        leading=view.first[0],
        tables={name: [_summary_row(row) for _, row in result.summary.iterrows()] for name, result in view.results.items()},
        slugs=slugs(list(view.results)),
        attributes=list(view.attributes),
        has_gap=gap is not None and len(gap) > 0,
        gaps=[] if gap is None else [_gap_row(row) for _, row in gap.iterrows() if row["model_pairs"]],
        figures=figures,
        procedure=procedure(view),
        columns=[str(each).replace("_", " ") for each in s.table.columns],
        model_rows=[(name, [_cell(each) for each in s.table.loc[name]]) for name in s.models],
        citations=CITATIONS,
        data=as_script(_payload(view)),
    )  # fmt: skip


def _payload(view: View) -> dict[str, Any]:
    s = view.similarities
    count, kinds = len(s.datasets), range(len(s.measures))
    own = np.diagonal(s.values, axis1=2, axis2=3)
    upper = np.triu_indices(len(s.models), 1)
    gaps = [view.gaps_of(each) for each in range(count)]
    return {
        "charts": charts(len(s.models), count, lowest=_lowest(view)),
        "measures": list(s.measures),
        "datasets": [printable(each) for each in s.datasets],
        "models": [printable(each) for each in s.models],
        "labels": [view.labels[each] for each in s.models],
        "order": view.order,
        "values": [[_plain(view.pairs_of(d, k)) for k in kinds] for d in range(count)],
        "own": [[_plain(own[d, k]) for k in kinds] for d in range(count)],
        "mean": [_plain(view.mean[k][upper]) for k in kinds],
        "spread": [_plain(view.spread[k][upper]) for k in kinds],
        "maps": [[_map(view, k, d) for d in [*range(count), None]] for k in kinds],
        "attributes": {name: [printable(each) for each in words] for name, words in view.attributes.items()},
        "gaps": [None if each is None else _plain(each) for each in gaps],
        "groupings": {
            name: {
                "summary": [_median(row) for _, row in result.summary.iterrows()],
                "pairs": [_pair(row) for _, row in result.pairs.iterrows()],
            }
            for name, result in view.results.items()
        },
    }  # fmt: skip


def _lowest(view: View) -> float:
    """0, or the least consistency of any where that is below."""
    known = [float(result.pairs["r"].min()) for result in view.results.values()]
    return min([0.0, *(round(each, 2) for each in known if np.isfinite(each))])


def _median(row: pandas.Series[Any]) -> dict[str, Any]:
    shown = {"set": printable(set_name(row)), "measure": row["measure"], "shown": between(row)}
    return shown | {name: _one(row[name]) for name in ("median", "low", "high")}


def _pair(row: pandas.Series[Any]) -> dict[str, Any]:
    return {
        "set": printable(set_name(row)),
        "measure": row["measure"],
        "a": printable(str(row["dataset_a"])),
        "b": printable(str(row["dataset_b"])),
        "r": _one(row["r"]),
        "shown": between(row, "r"),
        "p": p_value(_one(row["p"])),
        "model_pairs": int(row["model_pairs"]),
    }


def _map(view: View, measure: int, dataset: int | None) -> dict[str, Any]:
    points, present, stress = view.map(measure, dataset)
    return {"points": [_plain(each) for each in points], "models": present, "stress": round(stress, 3)}


def _summary_row(row: pandas.Series[Any]) -> dict[str, Any]:
    ends = between(row).partition(" ")[2]
    left_out = [row["leave_one_out_low"], row["leave_one_out_high"]]
    return {
        "set": set_name(row),
        "measure": row["measure"],
        "median": number(float(row["median"])),
        "ends": ends,
        "p": p_value(_one(row["p_fdr"])),
        "matched": _shown(row["size_matched_median"]),
        "disattenuated": _shown(row["disattenuated_median"]),
        "partial": _shown(row["width_partial_median"]),
        "sd": _shown(row["sd_median"]),
        "model_pairs": int(row["model_pairs"]),
        "dataset_pairs": int(row["dataset_pairs"]),
        "left_out": "–".join(map(_shown, left_out)) if np.isfinite(np.array(left_out, dtype=float)).all() else "–",
    }


def _gap_row(row: pandas.Series[Any]) -> dict[str, Any]:
    return {
        "measure": row["measure"],
        "dataset": row["dataset"],
        "r": _shown(row["r"]),
        "ends": between(row, "r").partition(" ")[2],
        "p": p_value(_one(row["p_fdr"])),
        "model_pairs": int(row["model_pairs"]),
    }


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    return f"{int(value):,}" if isinstance(value, float) and value == int(value) else str(value)


def _shown(value: Any) -> str:
    return number(float(value)) if np.isfinite(float(value)) else "–"


def _one(value: Any) -> float | None:
    return round(float(value), 5) if np.isfinite(float(value)) else None


def _plain(values: Floats) -> list[float | None]:
    return [None if not np.isfinite(each) else round(float(each), 4) for each in values]
