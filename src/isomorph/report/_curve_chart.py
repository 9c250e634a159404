"""The layer-depth curve of one model as a Vega-Lite chart: the page puts the data in and draws one a model."""

from __future__ import annotations

from typing import Any

from isomorph.report._palette import CEILING, CONTEXT, KIND_COLOURS
from isomorph.report._question import Answer, Question


def chart(question: Question) -> dict[str, Any]:
    """The specification; its data sets `layers`, `others`, `ceiling` and `best` are filled in for each model."""
    x = {"field": "depth", "type": "quantitative", "scale": {"domain": [0, 1], "nice": False}, "title": None}
    x["axis"] = {"values": [0, 0.5, 1], "labelExpr": "datum.value == 0 ? 'input' : datum.value == 1 ? 'output' : ''", "labelFlush": True}
    y = {"field": "value", "type": "quantitative", "scale": {"domain": list(question.domain), "nice": False}, "title": None}
    y["axis"] = {"tickCount": 4, "format": ".1f", "grid": True}
    blue = KIND_COLOURS["model"]
    ceiling = {
        "data": {"name": "ceiling"},
        "mark": {"type": "rect", "color": CEILING, "style": "ceiling"},
        "encoding": {"y": {**y, "field": "lower"}, "y2": {"field": "upper"}},
    }
    others = {
        "data": {"name": "others"},
        "mark": {"type": "line", "color": CONTEXT, "strokeWidth": 1, "style": "context"},
        "encoding": {"x": x, "y": y, "detail": {"field": "model", "type": "nominal"}, "order": {"field": "index", "type": "quantitative"}},
    }
    band = {
        "data": {"name": "layers"},
        "mark": {"type": "area", "color": blue, "opacity": 0.22, "style": "band"},
        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
    }
    line = {
        "data": {"name": "layers"},
        "mark": {"type": "line", "color": blue, "strokeWidth": 2, "style": "curve"},
        "encoding": {"x": x, "y": y, "order": {"field": "index", "type": "quantitative"}},
    }
    whisker = {
        "data": {"name": "best"},
        "mark": {"type": "rule", "color": blue, "strokeWidth": 1.5, "style": "curve"},
        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
    }
    dot = {
        "data": {"name": "best"},
        "mark": {"type": "point", "filled": True, "size": 60, "color": blue, "opacity": 1, "style": "best"},
        "encoding": {"x": x, "y": y},
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": "container",
        "height": 150,
        "padding": {"left": 2, "right": 6, "top": 6, "bottom": 2},
        "layer": [ceiling, others, band, line, whisker, dot, _hover(x, y, question.symbol)],
        "config": {"view": {"stroke": None}, "axis": {"domain": False, "ticks": False}},
    }


def _hover(x: dict[str, Any], y: dict[str, Any], symbol: str) -> dict[str, Any]:
    return {
        "data": {"name": "layers"},
        "params": [{"name": "nearest", "select": {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout"}}],
        "mark": {"type": "point", "filled": True, "size": 45, "style": "hover"},
        "encoding": {
            "x": x,
            "y": y,
            "opacity": {"condition": {"param": "nearest", "empty": False, "value": 1}, "value": 0},
            "tooltip": [
                {"field": "layer", "type": "nominal", "title": "layer"},
                {"field": "score", "type": "nominal", "title": symbol},
            ],
        },
    }


def curves(answer: Answer) -> list[dict[str, Any]]:
    """The rows of the data set `layers` for one model."""
    from isomorph.report._headline import with_interval

    return [
        {
            "model": answer.label,
            "index": index,
            "layer": each.layer,
            "depth": each.depth,
            "value": round(each.value, 5),
            "low": None if each.low is None else round(each.low, 5),
            "high": None if each.high is None else round(each.high, 5),
            "score": with_interval(each),
        }
        for index, each in enumerate(answer.layers)
    ]
