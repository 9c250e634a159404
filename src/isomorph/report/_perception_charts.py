"""The interactive charts of the page of perception as Vega-Lite; the page's script puts rows and colours in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isomorph.report._names import printable
from isomorph.report._perception_view import columns_of

if TYPE_CHECKING:
    from isomorph.report._perception_view import PerceptionView

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")


def charts(view: PerceptionView) -> dict[str, dict[str, Any]]:
    """Every chart by the `data-chart` of its place in the page."""
    found = {"kappa": _kappa(view), "confusion": _confusion(), "reliability": _reliability(view)}
    if view.shape:
        found["shape"] = _shape(view)
    if view.abstention is not None:
        found["abstention"] = cells("abstention", view.abstention["method"].nunique())
    return found


def rows(view: PerceptionView) -> dict[str, Any]:
    """The rows of all charts."""
    found: dict[str, Any] = {"kappa": view.points, "bands": view.bands, "reliability": view.reliability, "shape": view.shape}
    if view.abstention is not None:
        table = view.abstention[["method", "category", "value"]].to_dict("records")
        found["abstention"] = [
            {
                "method": printable(str(each["method"])),
                "category": printable(str(each["category"])),
                "value": round(float(each["value"]), 4),
            }
            for each in table
        ]
    return found


def _colour(view: PerceptionView) -> dict[str, Any]:
    return {
        "field": "observer",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": view.series, "range": list(range(len(view.series)))},
    }


def _mark(view: PerceptionView) -> dict[str, Any]:
    scale = {"domain": view.series, "range": [SHAPES[at % len(SHAPES)] for at in range(len(view.series))]}
    return {"field": "observer", "type": "nominal", "legend": None, "scale": scale}


def _kappa(view: PerceptionView) -> dict[str, Any]:
    """One panel, of the data set that the page's script filters for."""
    x = {
        "field": "accuracy",
        "type": "quantitative",
        "title": "accuracy",
        "scale": {"domain": [0, 1]},
        "axis": {"tickCount": 5, "format": ".0%"},
    }
    ends = [each[key] for each in [*view.points, *view.bands] for key in ("kappa", "low", "high") if each.get(key) is not None]
    domain = [min([0.0, *ends]), max([0.6, *ends])]
    y = {"type": "quantitative", "title": "κ with people", "scale": {"domain": domain}, "axis": {"tickCount": 5}}
    is_people = "datum.observer === 'people'"
    tooltip = [{"field": "name", "title": "who"}, {"field": "accuracy", "format": ".3f"}, {"field": "kappa", "title": "κ", "format": ".3f"}]
    full = {"x": {"datum": 0, "type": "quantitative"}, "x2": {"datum": 1}}
    return {
        "$schema": SCHEMA, "width": "container", "height": 220,
        "layer": [
            {"data": {"name": "bands"}, "mark": {"type": "rect", "style": "ceiling"},
             "encoding": {**full, "y": {**y, "field": "low"}, "y2": {"field": "high"}}},
            {"data": {"name": "bands"}, "mark": {"type": "rule", "style": "ceiling-line"},
             "encoding": {**full, "y": {**y, "field": "value"}}},
            {"data": {"name": "kappa"}, "transform": [{"filter": is_people}],
             "mark": {"type": "point", "filled": True, "size": 34, "opacity": 0.55},
             "encoding": {"x": x, "y": {**y, "field": "kappa"}, "color": _colour(view), "shape": _mark(view), "tooltip": tooltip}},
            {"data": {"name": "kappa"}, "transform": [{"filter": f"!({is_people})"}], "mark": {"type": "rule", "strokeWidth": 1.5},
             "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": _colour(view)}},
            {"data": {"name": "kappa"}, "transform": [{"filter": f"!({is_people})"}],
             "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
             "encoding": {"x": x, "y": {**y, "field": "kappa"}, "color": _colour(view), "shape": _mark(view), "tooltip": tooltip}},
        ],
    }  # fmt: skip


def _confusion() -> dict[str, Any]:
    axis = {"labelFontSize": 9.5, "labelPadding": 3, "grid": False}
    return {
        "$schema": SCHEMA, "width": "container", "height": 250, "data": {"name": "confusion"},
        "mark": {"type": "rect"},
        "encoding": {
            "y": {"field": "truth", "type": "nominal", "sort": None, "title": None, "axis": axis},
            "x": {"field": "answer", "type": "nominal", "sort": None, "title": None, "axis": {**axis, "labelAngle": -90}},
            "color": {"field": "share", "type": "quantitative", "legend": None, "scale": {"domain": [0, 1], "range": ["low", "high"]}},
            "tooltip": [{"field": "truth"}, {"field": "answer"}, {"field": "share", "format": ".0%"}],
        },
    }  # fmt: skip


def _reliability(view: PerceptionView) -> dict[str, Any]:
    y = {
        "field": "score",
        "type": "quantitative",
        "title": "score per image",
        "scale": {"domain": [-2, 1], "clamp": False},
        "axis": {"tickCount": 6},
    }
    x = {"field": "c", "type": "quantitative", "title": "cost c of a wrong answer", "axis": {"tickCount": 6, "grid": False}}
    how = columns_of(view.reliability, "how")
    dash = {"field": "how", "type": "nominal", "legend": None, "scale": {"domain": how, "range": [[1, 0], [5, 4]][: len(how)]}}
    tooltip = [{"field": "observer"}, {"field": "how", "title": "rule"}, {"field": "c"}, {"field": "score", "format": ".3f"}]
    zero = {"y": {"datum": 0, "type": "quantitative"}}
    return {
        "$schema": SCHEMA, "width": "container", "height": 260, "data": {"name": "reliability"},
        "layer": [
            {"data": {"values": [{}]}, "mark": {"type": "rule", "style": "zero"}, "encoding": zero},
            {"mark": {"type": "line", "strokeWidth": 2, "clip": True},
             "encoding": {"x": x, "y": y, "color": _colour(view), "strokeDash": dash, "tooltip": tooltip}},
        ],
    }  # fmt: skip


def _shape(view: PerceptionView) -> dict[str, Any]:
    y = {"field": "category", "type": "nominal", "title": None, "sort": columns_of(view.shape, "category"), "axis": {"grid": True}}
    x = {"field": "bias", "type": "quantitative", "title": "shape bias (0%: texture, 100%: shape)", "scale": {"domain": [0, 1]},
         "axis": {"format": ".0%", "tickCount": 5}}  # fmt: skip
    apart = {"field": "observer", "type": "nominal", "scale": {"domain": view.series, "paddingOuter": 2}}
    counts = [{"field": name, "title": f"{name} answers"} for name in ("shape", "texture")]
    tooltip = [{"field": "observer"}, {"field": "category"}, {"field": "bias", "format": ".0%"}, *counts]
    return {
        "$schema": SCHEMA, "width": "container", "height": 28 * len(columns_of(view.shape, "category")), "data": {"name": "shape"},
        "mark": {"type": "point", "filled": True, "size": 75, "opacity": 0.9},
        "encoding": {"x": x, "y": y, "yOffset": apart, "color": _colour(view), "shape": _mark(view), "tooltip": tooltip},
    }  # fmt: skip


def cells(name: str, methods: int, *, domain: tuple[float, float] | None = None) -> dict[str, Any]:
    """A heat map, methods × categories, with its numbers; rows of the data set `name` have `method`, `category` and `value`."""
    place = {
        "y": {"field": "method", "type": "nominal", "sort": None, "title": None, "axis": {"grid": False}},
        "x": {"field": "category", "type": "nominal", "sort": None, "title": "category", "axis": {"labelAngle": 0, "grid": False}},
    }
    tooltip = [{"field": each} for each in ("method", "category", "value")]
    scale = {"range": ["low", "high"]} | ({"domain": list(domain)} if domain else {})
    colour = {"field": "value", "type": "quantitative", "legend": None, "scale": scale}
    return {
        "$schema": SCHEMA, "width": "container", "height": 30 * methods, "data": {"name": name},
        "layer": [
            {"mark": {"type": "rect"}, "encoding": {**place, "color": colour, "tooltip": tooltip}},
            {"mark": {"type": "text", "style": "cell"}, "encoding": {**place, "text": {"field": "value", "format": ".2f"}}},
        ],
    }  # fmt: skip
