"""The interactive charts of an AligNet report as Vega-Lite; the page's script puts rows and colours in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isomorph.report._alignet_view import WORDS, AlignetView, difference, is_share
from isomorph.report._names import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_STUDENTS = ["student", "control"]
SETS = ("training batches", "seen pictures", "held-out pictures")
_DASHES = [[1, 0], [2, 3], [7, 3]]


def charts(view: AlignetView) -> dict[str, dict[str, Any]]:
    """Every chart by the `data-chart` of its place in the page."""
    return {"agreement": _curve("agreement", ".0%"), "loss": _curve("loss", ".3~g"), "gains": _gains()}


def curve_rows(view: AlignetView) -> list[dict[str, Any]]:
    """The rows of both curves."""
    return [{key: round(each, 5) if isinstance(each, float) else each for key, each in point.items()} for point in view.curves()]


def gain_rows(view: AlignetView) -> list[dict[str, Any]]:
    """The rows of the chart of differences: what was asked but for neighbours, which can only be lost."""
    return list(_gain_rows(view))


def _gain_rows(view: AlignetView) -> Iterator[dict[str, Any]]:
    for question in view.questions:
        for at, name in enumerate(view.students):
            row = view.row(question, name)
            if row is None or question in view.of_neighbours:
                continue
            by, ends = difference(row)
            scale = 100  # correlations are drawn on the same axis, in hundredths
            yield {
                "question": printable(question),
                "student": WORDS[name],
                "place": at,
                "difference": round(scale * row["difference"], 3),
                "low": None if row["low"] is None else round(scale * row["low"], 3),
                "high": None if row["high"] is None else round(scale * row["high"], 3),
                "shown": f"{by} {ends}" + (" points" if is_share(row) else ""),
            }


def _colour(**more: Any) -> dict[str, Any]:
    return {"field": "student", "type": "nominal", "title": None, "scale": {"domain": _STUDENTS, "range": ["student", "control"]}, **more}


def _curve(field: str, form: str) -> dict[str, Any]:
    x = {"field": "step", "type": "quantitative", "title": "step", "axis": {"tickCount": 5, "tickMinStep": 1, "format": "~s"}}
    y = {
        "field": field,
        "type": "quantitative",
        "title": None,
        "scale": {"zero": False, "nice": True},
        "axis": {"tickCount": 5, "format": form},
    }
    tooltip = [{"field": "student"}, {"field": "set"}, {"field": "step"}, {"field": field, "format": ".4f"}]
    dash = {"field": "set", "type": "nominal", "scale": {"domain": list(SETS), "range": _DASHES}, "legend": None}
    batches, looks = (f"datum.set {sign} '{SETS[0]}'" for sign in ("===", "!=="))
    line = {"x": x, "y": y, "color": _colour(legend=None), "strokeDash": dash}
    return {
        "$schema": _SCHEMA,
        "width": "container",
        "height": 230,
        "data": {"name": "curves"},
        "layer": [
            {"transform": [{"filter": batches}], "mark": {"type": "line", "strokeWidth": 1, "opacity": 0.4}, "encoding": line},
            {"transform": [{"filter": looks}], "mark": {"type": "line", "strokeWidth": 2}, "encoding": line},
            {
                "transform": [{"filter": looks}],
                "mark": {"type": "point", "filled": True, "size": 42, "opacity": 1},
                "encoding": {"x": x, "y": y, "color": _colour(legend=None), "tooltip": tooltip},
            },
        ],
    }


def _gains() -> dict[str, Any]:
    y = {"field": "question", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 260}}
    offset = {"field": "student", "type": "nominal", "scale": {"domain": _STUDENTS, "paddingOuter": 0.9}}
    x: dict[str, Any] = {"field": "difference", "type": "quantitative", "title": "after − before, hundredths", "axis": {"tickCount": 7}}
    place = {"y": y, "yOffset": offset, "color": _colour(legend=None)}
    tooltip = [{"field": "question"}, {"field": "student"}, {"field": "shown", "title": "difference"}]
    return {
        "$schema": _SCHEMA,
        "width": "container",
        "data": {"name": "gains"},
        "layer": [
            {"data": {"values": [{}]}, "mark": {"type": "rule", "style": "zero"}, "encoding": {"x": {"datum": 0, "type": "quantitative"}}},
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": {**place, "x": {**x, "field": "low"}, "x2": {"field": "high"}}},
            {
                "mark": {"type": "point", "filled": True, "size": 75, "opacity": 1},
                "encoding": {
                    **place,
                    "x": x,
                    "shape": {
                        "field": "student",
                        "type": "nominal",
                        "scale": {"domain": _STUDENTS, "range": ["circle", "square"]},
                        "legend": None,
                    },
                    "tooltip": tooltip,
                },
            },
        ],
    }
