"""The interactive charts of the page of a VisAlign set as Vega-Lite; the page's script puts rows and colours in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isomorph.report._perception_charts import SCHEMA, SHAPES, cells
from isomorph.report._perception_visalign_view import NEVER

if TYPE_CHECKING:
    from isomorph.report._perception_visalign_view import VisalignView


def visalign_charts(view: VisalignView) -> dict[str, dict[str, Any]]:
    """Every chart by the `data-chart` of its place in the page."""
    found = {
        "distance": cells("distance", len(view.models), domain=(0.0, 1.0)),
        "abstaining": cells("abstaining", 1 + len(view.models), domain=(0.0, 1.0)),
        "worth": _worth(view),
    }
    if view.severity:
        found["severity"] = _severity(view)
    return found


def visalign_rows(view: VisalignView) -> dict[str, Any]:
    """The rows of all charts."""
    return {"distance": view.distance, "abstaining": view.abstaining, "worth": view.worth, "severity": view.severity}


def _colour(view: VisalignView) -> dict[str, Any]:
    return {
        "field": "observer",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": view.series, "range": list(range(len(view.series)))},
    }


def _mark(view: VisalignView) -> dict[str, Any]:
    scale = {"domain": view.series, "range": [SHAPES[at % len(SHAPES)] for at in range(len(view.series))]}
    return {"field": "observer", "type": "nominal", "legend": None, "scale": scale}


def _worth(view: VisalignView) -> dict[str, Any]:
    worst = min([0.0, *(each["score"] for each in view.worth)])
    y = {
        "field": "score", "type": "quantitative", "title": "score per picture", "axis": {"tickCount": 6},
        "scale": {"domain": [max(worst, -1.0), 1], "clamp": False},
    }  # fmt: skip
    x = {
        "field": "c", "type": "quantitative", "title": "cost c of a wrong answer", "axis": {"tickCount": 6, "grid": False},
        "scale": {"domain": [0, view.dearest], "nice": False},
    }  # fmt: skip
    tooltip = [{"field": "observer"}, {"field": "c", "format": ".2f"}, {"field": "score", "format": ".3f"}]
    never = f"datum.observer === '{NEVER}'"
    return {
        "$schema": SCHEMA, "width": "container", "height": 280, "data": {"name": "worth"},
        "layer": [
            {"transform": [{"filter": never}], "mark": {"type": "line", "style": "zero", "strokeWidth": 1.5}, "encoding": {"x": x, "y": y}},
            {"transform": [{"filter": f"!({never})"}], "mark": {"type": "line", "strokeWidth": 2, "clip": True},
             "encoding": {"x": x, "y": y, "color": _colour(view), "tooltip": tooltip}},
            {"transform": [{"filter": f"!({never})"}, {"filter": "abs(datum.c % " + str(round(view.dearest / 8, 4)) + ") < 1e-3"}],
             "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1, "clip": True},
             "encoding": {"x": x, "y": y, "color": _colour(view), "shape": _mark(view), "tooltip": tooltip}},
        ],
    }  # fmt: skip


def _severity(view: VisalignView) -> dict[str, Any]:
    x = {
        "field": "severity", "type": "quantitative", "title": "severity of the corruption", "scale": {"zero": False, "padding": 12},
        "axis": {"values": [float(each) for each in view.severities], "format": "d", "grid": False},
    }  # fmt: skip
    y = {"type": "quantitative", "title": "mean probability of abstaining", "scale": {"domain": [0, 1]}, "axis": {"tickCount": 5}}
    tooltip = [{"field": "observer"}, {"field": "severity"}, {"field": "value", "title": "abstaining", "format": ".3f"}]
    value = {**y, "field": "value"}
    return {
        "$schema": SCHEMA, "width": "container", "height": 280, "data": {"name": "severity"},
        "layer": [
            {"mark": {"type": "rule", "strokeWidth": 1.2, "opacity": 0.5},
             "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": _colour(view)}},
            {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {"x": x, "y": value, "color": _colour(view)}},
            {"mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
             "encoding": {"x": x, "y": value, "color": _colour(view), "shape": _mark(view), "tooltip": tooltip}},
        ],
    }  # fmt: skip
