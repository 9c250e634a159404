"""The page of brain scores: its numbers, and what the template fills in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph._version import __version__
from isomorph.report._encoding_charts import charts
from isomorph.report._encoding_words import CITATIONS, caveats, ceiling_words, headline, headlines, hierarchy, procedure, with_ends
from isomorph.report._headline import number, p_value
from isomorph.report._names import printable
from isomorph.report._page import environment
from isomorph.report._payload import as_script

if TYPE_CHECKING:
    import pandas

    from isomorph.report._encoding_view import EncodingView, Floats, UnitScores

_MOST_CURVES = 60_000
"""More layers than this in one page are thinned out: `table.csv` has them all."""


def encoding_page(view: EncodingView, *, title: str, notes: Sequence[str], figures: Sequence[tuple[str, str]]) -> str:
    """The HTML."""
    leading = headline(view)
    rows = [_row(view, row) for _, row in view.choices.sort_values("score", ascending=False, kind="stable").iterrows()]
    return environment().get_template("encoding.html").render(
        version=__version__,
        title=title,
        headline=leading,
        others=[each for each in headlines(view).values() if each != leading],
        caveats=[*hierarchy(view), *caveats(view)],
        notes=notes,
        models=[view.labels[each] for each in view.models],
        first_model=_first(view),
        metrics=view.metrics,
        regions=view.regions,
        subjects=view.most_subjects,
        columns={key: title for key, title in _COLUMNS.items() if any(each[key][0] != "–" for each in rows)},
        rows=rows,
        has_dimensionality=view.has_dimensionality,
        unit_panels=[(place, each) for place, each in enumerate(_unit_panels(view))],
        has_penalties=len(view.penalties) > 0,
        contrasts=view.paired,
        contrast_files=list(dict.fromkeys((each.file, each.name) for each in view.paired)),
        queries=view.queries,
        figures=figures,
        procedure=procedure(view),
        citations=CITATIONS,
        data=as_script(_payload(view)),
    )  # fmt: skip


def _first(view: EncodingView) -> int:
    """The model that the page opens with: the best by the first metric and region."""
    ranked = view.ranked(view.metrics[0], view.regions[-1])
    return view.models.index(str(ranked["model"].iloc[0])) if len(ranked) else 0


def _unit_panels(view: EncodingView) -> list[str]:
    """A panel a model, of each recording that has units."""
    return list(dict.fromkeys(_panel(each) for metric in view.metrics for each in view.unit_scores(metric)))


def _panel(units: UnitScores) -> str:
    return f"{units.model}, {units.recording}" if units.recording else units.model


_COLUMNS = {
    "depth": "Depth", "score": "Score", "ceiling": "Ceiling", "normalised": "Normalised", "p": "p", "units": "Units", "penalty": "Penalty",
    "dimensionality": "Dimensionality",
}  # fmt: skip


def _row(view: EncodingView, row: pandas.Series[Any]) -> dict[str, Any]:
    name, _, recording = str(row["region"]).partition(" (")
    return {
        "metric": view.metrics.index(row["metric"]),
        "region": name,
        "recording": recording.removesuffix(")"),
        "model": view.labels[row["model"]],
        "layer": row["layer"],
        "agreed": f"{row['agreed']} of {row['subjects']} subjects" if row["subjects"] > 1 else "",
        "depth": (number(float(row["depth"])), ""),
        "score": (number(float(row["score"])), with_ends(row).partition(" ")[2]),
        "ceiling": (ceiling_words(row) or "–", ""),
        "normalised": (_shown(row["normalised"]), ""),
        "p": (p_value(float(row["p"]) if np.isfinite(row["p"]) else None), ""),
        "units": (f"{row['n_units']:,}" if row["n_units"] else "–", ""),
        "penalty": (f"{row['alpha_median']:.3g}", f"{row['units_at_edge']:.1%} at an edge")
        if np.isfinite(row["alpha_median"])
        else ("–", ""),
        "dimensionality": (f"{row['effective_dimensionality']:.1f}" if np.isfinite(row["effective_dimensionality"]) else "–", ""),
    }


def _payload(view: EncodingView) -> dict[str, Any]:
    queries = view.queries
    return {
        "charts": charts(),
        "models": [view.labels[each] for each in view.models],
        "metrics": [printable(each) for each in view.metrics],
        "regions": [printable(each) for each in view.regions],
        "subjects": [view.subjects[each] for each in view.regions],
        "domains": [[_plain(view.domain(metric, region)) for region in view.regions] for metric in view.metrics],
        "curves": _curves(view),
        "choices": [_choice(view, row) for _, row in _ordered(view).iterrows()],
        "dimensionality": _dimensionality(view) if view.has_dimensionality else [],
        "units": _units(view),
        "penalties": _penalties(view),
        "contrasts": [
            {"levels": list(each.levels), "pairs": [[name, _plain(values)] for name, values in each.pairs], "means": _plain(each.means)}
            for each in view.paired
        ],
        "queries": {
            "importances": [
                [[printable(name), *_plain(values)] for name, values in each] for each in (queries.importances.values() if queries else ())
            ],
            "null": [
                {"bins": bins(each.values), "queries": round(each.queries, 5), "full": _one(each.full)}
                for each in (queries.null if queries else ())
            ],
        },
    }  # fmt: skip


def _curves(view: EncodingView) -> list[dict[str, Any]]:
    keys = [(m, k, r) for m in range(len(view.models)) for k in range(len(view.metrics)) for r in range(len(view.regions))]
    step = max(1, len(view.mean) // 2 // _MOST_CURVES + 1)
    found = []
    for m, k, r in keys:
        key = view.models[m], view.metrics[k], view.regions[r]
        test, train = (view.curve(*key, split) for split in ("test", "train"))
        if not len(test):
            continue
        marked = {layer for layer, _, _ in view.marks(*key)}
        kept = [row for row, layer in enumerate(test["layer"]) if row % step == 0 or row == len(test) - 1 or layer in marked]
        test, train = test.iloc[kept], train.set_index("layer").reindex(test["layer"].iloc[kept])
        found.append(
            {
                "model": m,
                "metric": k,
                "region": r,
                "layer": [printable(str(each)) for each in test["layer"]],
                "depth": _plain(test["depth"]),
            }
            | {
                name: [_plain(each) for each in rows[["score", "low", "high"]].to_numpy(dtype=float)]
                for name, rows in (("test", test), ("train", train))
            }
            | {"marks": [[printable(layer), count] for layer, _, count in view.marks(*key)], "ceiling": _ceiling(test)}
        )
    return found


def _ceiling(rows: pandas.DataFrame) -> list[float]:
    bounds = rows[["ceiling_lower", "ceiling_upper"]].to_numpy(dtype=float)
    if np.isfinite(bounds).all(axis=1).any():
        return [round(float(each), 4) for each in np.nanmean(bounds, axis=0)]
    one = rows["ceiling"].to_numpy(dtype=float)
    return [round(float(np.nanmean(one)), 4)] if np.isfinite(one).any() else []


def _ordered(view: EncodingView) -> pandas.DataFrame:
    means = view.choices.groupby("model")["score"].mean()
    regions = {each: place for place, each in enumerate(view.regions)}
    rows = view.choices.assign(rank=view.choices["model"].map(-means), place=view.choices["region"].map(regions))
    return rows.sort_values(["rank", "place"], kind="stable")


def _choice(view: EncodingView, row: pandas.Series[Any]) -> dict[str, Any]:
    return {
        "model": view.models.index(row["model"]), "metric": view.metrics.index(row["metric"]), "region": view.regions.index(row["region"]),
        "value": _one(row["score"]), "layer": printable(str(row["layer"])), "score": with_ends(row),
    }  # fmt: skip


def _dimensionality(view: EncodingView) -> list[dict[str, Any]]:
    found = []
    for k, metric in enumerate(view.metrics):
        for r, region in enumerate(view.regions):
            part, slope, intercept, fit = view.dimensionality(metric, region)
            known = part["effective_dimensionality"]
            ends = (float(known.min()), float(known.max())) if np.isfinite(fit) else ()
            points = [
                [view.models.index(model), printable(str(layer)), round(float(dimensionality), 3), _one(score)]
                for model, layer, dimensionality, score in zip(part["model"], part["layer"], known, part["score"], strict=True)
            ]
            line = [[round(each, 3), round(float(slope * np.log10(each) + intercept), 5)] for each in ends]
            found.append({"metric": k, "region": r, "r": _one(fit), "points": points, "fit": line})
    return found


def _units(view: EncodingView) -> list[dict[str, Any]]:
    panels = _unit_panels(view)
    return [
        {
            "metric": k, "panel": panels.index(_panel(each)), "layer": printable(each.layer), "bins": bins(each.values),
            "mean": _one(each.values.mean()), "ceiling": _one(each.ceiling),
        }
        for k, metric in enumerate(view.metrics)
        for each in view.unit_scores(metric)
    ]  # fmt: skip


def _penalties(view: EncodingView) -> list[dict[str, Any]]:
    columns = ["alpha_median", "alpha_low", "alpha_high", "units_at_edge"]
    found = []
    for (model, region), part in view.penalties.groupby(["model", "region"], sort=False):
        rows = [
            [printable(str(row["layer"])), _one(row["depth"]), *(_significant(row[each]) for each in columns)]
            for row in part.to_dict("records")
        ]
        found.append({"model": view.models.index(model), "region": view.regions.index(region), "rows": rows})
    return found


def bins(values: Floats, count: int = 36) -> list[list[float]]:
    """`[from, to, how many]`."""
    heights, edges = np.histogram(values, bins=count)
    return [[round(float(a), 5), round(float(b), 5), int(n)] for a, b, n in zip(edges, edges[1:], heights, strict=False)]


def _shown(value: Any) -> str:
    return number(float(value)) if np.isfinite(float(value)) else "–"


def _one(value: Any) -> float | None:
    return round(float(value), 5) if np.isfinite(float(value)) else None


def _significant(value: Any) -> float | None:
    return float(f"{float(value):.5g}") if np.isfinite(float(value)) else None


def _plain(values: Any) -> list[float | None]:
    return [_one(each) for each in values]
