"""The interactive charts of a consistency report as Vega-Lite; the page's script puts the rows in."""

from __future__ import annotations

from typing import Any

from isomorph.report._palette import HEAT

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_MOST_NAMES = 30
"""More names than this on a map hide one another; pointing at a model shows its name."""


def charts(models: int, datasets: int, *, lowest: float) -> dict[str, dict[str, Any]]:
    """Every chart by the `data-chart` of its place in the page; `lowest`: where the colours of correlations begin."""
    return {
        "matrix": _heat("row", "column", "value", side=models, tips=("row", "column", "value")),
        "consistency": _heat(
            "row", "column", "value", side=datasets, tips=("row", "column", "shown"), ends=(lowest, 1.0), numbers=datasets <= 12
        ),
        "sets": _sets(),
        "map": _map(named=models <= _MOST_NAMES),
        "against": _scatter("x", "y", "similarity on the first data set", "on the second", tips=("a", "b", "x", "y")),
        "spread": _scatter("x", "y", "mean over data sets", "standard deviation", tips=("a", "b", "x", "y")),
        "gap": _gap(),
    }


def _heat(
    row: str,
    column: str,
    value: str,
    *,
    side: int,
    tips: tuple[str, ...],
    ends: tuple[float, float] | None = None,
    numbers: bool = False,
) -> dict[str, Any]:
    cell = max(5, min(46, 620 // max(side, 1)))
    axis = {"labelLimit": 150, "labelFontSize": max(6, min(11, cell))}
    places = {
        "x": {"field": column, "type": "nominal", "title": None, "axis": axis | {"labelAngle": -60}, "sort": {"field": "j", "op": "min"}},
        "y": {"field": row, "type": "nominal", "title": None, "axis": axis, "sort": {"field": "i", "op": "min"}},
    }
    scale: dict[str, Any] = {"scheme": HEAT} | ({"domain": list(ends)} if ends else {})
    colour = {"field": value, "type": "quantitative", "title": None, "scale": scale, "legend": {"gradientLength": 120}}
    tooltip = [{"field": each, "type": "quantitative" if each == value else "nominal"} for each in tips]
    tooltip = [each | ({"format": ".3f"} if each["field"] == value else {}) for each in tooltip]
    layers: list[dict[str, Any]] = [{"mark": "rect", "encoding": {**places, "color": colour, "tooltip": tooltip}}]
    if numbers and ends:
        light = {"condition": {"test": f"datum.{value} < {sum(ends) / 2}", "value": "white"}, "value": "black"}
        layers.append(
            {"mark": {"type": "text", "fontSize": 11}, "encoding": {**places, "text": {"field": value, "format": ".2f"}, "color": light}}
        )
    return {"$schema": _SCHEMA, "width": {"step": cell}, "height": {"step": cell}, "data": {"name": "rows"}, "layer": layers}


def _sets() -> dict[str, Any]:
    y = {"field": "set", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 230}}
    x = {
        "field": "r",
        "type": "quantitative",
        "title": "correlation between data sets",
        "scale": {"nice": True, "zero": False},
    }
    points = {
        "data": {"name": "rows"},
        "mark": {"type": "point", "filled": True, "size": 26, "opacity": 0.5, "style": "model"},
        "encoding": {
            "x": x, "y": y, "yOffset": {"field": "place", "type": "quantitative", "scale": {"domain": [-0.6, 1.6]}},
            "tooltip": [{"field": each, "type": "nominal"} for each in ("set", "datasets", "shown", "p", "model_pairs")],
        },
    }  # fmt: skip
    interval = {"data": {"name": "summary"}, "mark": {"type": "rule", "strokeWidth": 2}}
    interval["encoding"] = {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}, "y": y}
    median = {"data": {"name": "summary"}, "mark": {"type": "tick", "thickness": 4, "size": 22}}
    median["encoding"] = {
        "x": {"field": "median", "type": "quantitative"},
        "y": y,
        "tooltip": [{"field": "set"}, {"field": "shown", "title": "median"}],
    }
    return {"$schema": _SCHEMA, "width": "container", "height": 200, "layer": [points, interval, median]}


def _map(*, named: bool) -> dict[str, Any]:
    place = {"type": "quantitative", "axis": None, "scale": {"zero": False, "nice": False, "padding": 30}}
    colour = {
        "field": "group",
        "type": "nominal",
        "title": None,
        "scale": {"scheme": "tableau10"},
        "legend": {"orient": "top", "columns": 5},
    }
    encoding = {"x": {"field": "x", **place}, "y": {"field": "y", **place}}
    dot = {"mark": {"type": "point", "filled": True, "size": 90, "opacity": 0.9}}
    dot["encoding"] = {
        "color": colour,
        "shape": {"field": "group", "type": "nominal", "title": None},
        "tooltip": [{"field": "model"}, {"field": "group"}],
    }
    name = {
        "mark": {"type": "text", "align": "left", "dx": 8, "fontSize": 10.5},
        "encoding": {"text": {"field": "short"}},
    }
    return {
        "$schema": _SCHEMA,
        "width": "container",
        "height": 460,
        "data": {"name": "rows"},
        "encoding": encoding,
        "layer": [dot, name] if named else [dot],
    }


def _scatter(x: str, y: str, x_title: str, y_title: str, *, tips: tuple[str, ...]) -> dict[str, Any]:
    scale = {"zero": False, "nice": True}
    return {
        "$schema": _SCHEMA,
        "width": "container",
        "height": 340,
        "data": {"name": "rows"},
        "mark": {"type": "point", "filled": True, "size": 28, "opacity": 0.5, "style": "model"},
        "encoding": {
            "x": {"field": x, "type": "quantitative", "title": x_title, "scale": scale},
            "y": {"field": y, "type": "quantitative", "title": y_title, "scale": scale},
            "tooltip": [{"field": each, "type": "quantitative" if each in (x, y) else "nominal"} for each in tips],
        },
    }


def _gap() -> dict[str, Any]:
    scale = {"zero": False, "nice": True}
    return {
        "$schema": _SCHEMA,
        "data": {"name": "rows"},
        "facet": {"field": "dataset", "type": "nominal", "title": None, "sort": None, "header": {"labelFontSize": 12, "labelLimit": 200}},
        "columns": 4,
        "spec": {
            "width": 200,
            "height": 150,
            "mark": {"type": "point", "filled": True, "size": 22, "opacity": 0.5, "style": "performance"},
            "encoding": {
                "x": {"field": "gap", "type": "quantitative", "title": "|Δ accuracy|", "axis": {"tickCount": 4}},
                "y": {"field": "similarity", "type": "quantitative", "title": "similarity", "scale": scale, "axis": {"tickCount": 4}},
                "tooltip": [{"field": "a"}, {"field": "b"}, {"field": "similarity", "format": ".3f"}, {"field": "gap", "format": ".3f"}],
            },
        },
    }
