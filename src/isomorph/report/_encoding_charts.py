"""The interactive charts of brain scores as Vega-Lite; the page's script puts the rows and colours in."""

from __future__ import annotations

from typing import Any

from isomorph.report._palette import HEAT

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_DEPTH_AXIS = {"values": [0, 1], "labelExpr": "datum.value == 0 ? 'input' : 'output'", "labelFlush": True}
_ORDER = {"field": "index", "type": "quantitative"}
_POINT = {"type": "point", "filled": True, "opacity": 1}
Plain = dict[str, Any]


def charts() -> dict[str, Plain]:
    """Every chart by the `data-chart` of its place in the page."""
    return {
        "curve": _curve(),
        "heat": _heat(),
        "dimensionality": _dimensionality(),
        "units": _units(),
        "penalties": _penalties(),
        "pairs": _pairs(),
        "importances": _importances(),
        "null": _null(),
    }


def _chart(height: int, layers: list[Plain]) -> Plain:
    padding = {"left": 2, "right": 8, "top": 6, "bottom": 2}
    return {"$schema": _SCHEMA, "width": "container", "height": height, "padding": padding, "layer": layers}


def _layer(data: str, mark: str | Plain, style: str, encoding: Plain, **more: Any) -> Plain:
    drawn = {"type": mark} if isinstance(mark, str) else mark
    return {"data": {"name": data}, "mark": {**drawn, "style": style}, "encoding": encoding, **more}


def _quantity(field: str, title: str | None = None, **more: Any) -> Plain:
    return {"field": field, "type": "quantitative", "title": title, **more}


def _tips(*fields: str) -> list[Plain]:
    return [{"field": each, "type": "nominal"} for each in fields]


def _ends(y: Plain, low: str = "low", high: str = "high", axis: str = "y") -> Plain:
    return {axis: {**y, "field": low}, f"{axis}2": {"field": high}}


def _depth() -> Plain:
    return _quantity("depth", scale={"domain": [0, 1], "nice": False}, axis=_DEPTH_AXIS)


def _curve() -> Plain:
    x, y = _depth(), _quantity("value", axis={"tickCount": 4, "format": ".2~f"})
    size = {"field": "share", "type": "quantitative", "scale": {"domain": [0, 1], "range": [25, 90]}, "legend": None}
    line = {"x": x, "y": y, "order": _ORDER}
    near = {"name": "near", "select": {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout"}}
    shown = {"condition": {"param": "near", "empty": False, "value": 1}, "value": 0}
    return _chart(
        150,
        [
            _layer("band", "rect", "ceiling", _ends(y, "lower", "upper")),
            _layer("line", {"type": "rule", "strokeWidth": 2}, "ceilingline", {"y": {**y, "field": "ceiling"}}),
            _layer("others", {"type": "line", "strokeWidth": 1}, "context", {**line, "detail": {"field": "model", "type": "nominal"}}),
            _layer("train", {"type": "line", "strokeWidth": 1.2, "strokeDash": [4, 3]}, "train", line),
            _layer("test", {"type": "area", "opacity": 0.22}, "test", {"x": x, **_ends(y)}),
            _layer("test", {"type": "line", "strokeWidth": 2}, "test", line),
            _layer("marks", _POINT, "test", {"x": x, "y": y, "size": size, "tooltip": _tips("layer", "chosen by", "score")}),
            _layer(
                "test", {"type": "point", "filled": True, "size": 45}, "test",
                {"x": x, "y": y, "opacity": shown, "tooltip": _tips("layer", "score", "train")}, params=[near],
            ),
        ],
    )  # fmt: skip


def _heat() -> Plain:
    axis = {"labelLimit": 190, "labelFontSize": 11.5}
    place = {
        "x": {"field": "region", "type": "nominal", "title": None, "sort": None, "axis": axis | {"labelAngle": -35}},
        "y": {"field": "model", "type": "nominal", "title": None, "sort": None, "axis": axis},
    }
    colour = _quantity("value", scale={"scheme": HEAT}, legend={"gradientLength": 90})
    number = {"condition": {"test": "datum.dark", "value": "white"}, "value": "black"}
    layers = [
        _layer("rows", "rect", "cell", {**place, "color": colour, "tooltip": _tips("model", "region", "layer", "score")}),
        _layer("rows", {"type": "text", "fontSize": 11.5}, "number", {**place, "text": {"field": "shown"}, "color": number}),
    ]
    return {"$schema": _SCHEMA, "width": {"step": 62}, "height": {"step": 28}, "layer": layers}


def _dimensionality() -> Plain:
    x = _quantity("dimensionality", scale={"type": "log", "nice": False, "padding": 8}, axis={"tickCount": 4, "format": "~s"})
    y = _quantity("value", axis={"tickCount": 4, "format": ".2~f"}, scale={"zero": False, "nice": True})
    told = {"field": "model", "type": "nominal", "title": None, "legend": None}
    tips = _tips("model", "layer", "score", "effective dimensionality")
    mark = {"type": "point", "filled": True, "size": 34, "opacity": 0.8}
    return _chart(
        180,
        [
            _layer(
                "rows", mark, "layer", {"x": x, "y": y, "color": {**told, "scale": {"scheme": "models"}}, "shape": told, "tooltip": tips}
            ),
            _layer("fit", {"type": "line", "strokeWidth": 1.5}, "fit", {"x": x, "y": y}),
        ],
    )


def _bins(x: Plain, count: str) -> Plain:
    tips = _tips(count, "from", "to")
    return {"x": {**x, "bin": {"binned": True}}, "x2": {"field": "high"}, "y": _quantity(count, axis=None), "tooltip": tips}


def _units() -> Plain:
    x = _quantity("low", axis={"tickCount": 4, "format": ".2~f"}, scale={"zero": False, "nice": False})
    at, rule = {**x, "field": "value"}, {"type": "rule", "strokeWidth": 2}
    return _chart(
        110,
        [
            _layer("bins", {"type": "bar", "opacity": 0.8}, "test", _bins(x, "units")),
            _layer("mean", rule, "fit", {"x": at, "tooltip": _tips("mean")}),
            _layer("limit", {**rule, "strokeDash": [5, 3]}, "ceilingline", {"x": at, "tooltip": _tips("ceiling")}),
        ],
    )


def _penalties() -> Plain:
    x, y = _depth(), _quantity("alpha", "penalty", scale={"type": "log", "nice": True}, axis={"tickCount": 4, "format": "~e"})
    return _chart(
        140,
        [
            _layer("rows", {"type": "area", "opacity": 0.2}, "test", {"x": x, **_ends(y)}),
            _layer("rows", "line", "test", {"x": x, "y": y, "order": _ORDER}),
            _layer("rows", {**_POINT, "size": 30}, "test", {"x": x, "y": y, "tooltip": _tips("layer", "median", "at an edge")}),
        ],
    )


def _pairs() -> Plain:
    x = {"field": "level", "type": "nominal", "title": None, "sort": None, "axis": {"labelAngle": 0, "labelLimit": 110}}
    y = _quantity("value", axis={"tickCount": 4, "format": ".2~f"}, scale={"zero": False, "nice": True})
    pair = {"field": "pair", "type": "nominal"}
    return _chart(
        200,
        [
            _layer("rows", {"type": "line", "strokeWidth": 1.2, "opacity": 0.55}, "train", {"x": x, "y": y, "detail": pair}),
            _layer("rows", {**_POINT, "size": 45}, "test", {"x": x, "y": y, "tooltip": _tips("pair", "level", "score")}),
            _layer("means", {"type": "tick", "thickness": 3, "size": 46}, "fit", {"x": x, "y": y}),
        ],
    )


def _importances() -> Plain:
    y = {"field": "query", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 330, "labelFontSize": 11}}
    x = _quantity("value", "importance", scale={"zero": True}, axis={"tickCount": 6})
    layers = [
        _layer("rows", {"type": "rule", "strokeWidth": 2}, "train", {"y": y, **_ends(x, axis="x")}),
        _layer("rows", {**_POINT, "size": 42}, "test", {"y": y, "x": x, "tooltip": _tips("query", "importance")}),
    ]
    return _chart(15, layers)  # times the number of queries


def _null() -> Plain:
    x = _quantity("low", "test score", axis={"tickCount": 5, "format": ".3~f"}, scale={"zero": False, "nice": True})
    at, rule = {**x, "field": "value"}, {"type": "rule", "strokeWidth": 2}
    return _chart(
        140,
        [
            _layer("bins", "bar", "context", _bins(x, "sets")),
            _layer("queries", rule, "test", {"x": at, "tooltip": _tips("these queries")}),
            _layer("full", {**rule, "strokeDash": [5, 3]}, "fit", {"x": at, "tooltip": _tips("all features")}),
        ],
    )
