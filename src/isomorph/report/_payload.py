"""The numbers that the page's scripts draw, as one JSON text that is inert inside HTML."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from isomorph.report._curve_chart import chart, curves
from isomorph.report._names import printable
from isomorph.report._relations import Heatmap, Map, Shown, packed

if TYPE_CHECKING:
    from isomorph.report._question import Question
    from isomorph.results import BenchmarkRecord

_PICTURE = re.compile(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/]+={0,2}")


def as_script(plain: Any) -> str:
    """JSON whose `<`, `>` and `&` are escaped, so that no name in it can end the script element or open a comment."""
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for each in "<>&\u2028\u2029":
        text = text.replace(each, f"\\u{ord(each):04x}")
    return text


def picture(thumbnail: str) -> str:
    """`thumbnail` if it is an embedded PNG or JPEG, else an empty string: results may come from anywhere."""
    return thumbnail if _PICTURE.fullmatch(thumbnail) else ""


def payload(
    record: BenchmarkRecord,
    asked: tuple[Question, ...],
    drawn: Shown,
    maps: tuple[Heatmap, ...],
    placed: Map | None,
    *,
    labels: dict[str, str],
) -> dict[str, Any]:
    """Everything one benchmark's section draws."""
    return {
        "name": printable(record.name),
        "stimuli": _stimuli(record, drawn),
        "groups": [[printable(label), start, stop] for label, start, stop in drawn.groups],
        "rdms": [
            {
                "name": labels[each.name],
                "kind": each.kind,
                "layer": printable(each.layer),
                "targets": list(each.targets),
                "ranks": packed(each.rdm, drawn),
            }
            for each in maps
        ],
        "questions": [_question(each) for each in asked],
        "map": None if placed is None else _map(placed, labels),
    }


def _stimuli(record: BenchmarkRecord, drawn: Shown) -> dict[str, Any]:
    stimuli, places = record.stimuli, drawn.positions
    return {
        "ids": [printable(stimuli.ids[each]) for each in places],
        "labels": [printable(stimuli.labels[each]) for each in places],
        "texts": [printable(stimuli.texts[each]) for each in places] if stimuli.texts else [],
        "thumbnails": [picture(stimuli.thumbnails[each]) for each in places] if stimuli.thumbnails else [],
    }


def _question(question: Question) -> dict[str, Any]:
    return {
        "target": question.target.name,
        "chart": chart(question),
        "ceiling": [] if question.ceiling is None else [{"lower": question.ceiling[0], "upper": question.ceiling[1]}],
        "curves": [curves(each) for each in question.answers],
        "kinds": [each.kind for each in question.answers],
        "best": [each.layers.index(each.best) for each in question.answers],
    }


def _map(placed: Map, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "names": [labels[each] for each in placed.names],
        "kinds": list(placed.kinds),
        "points": [[round(float(x), 4), round(float(y), 4)] for x, y in placed.points],
        "similarity": [[round(float(each), 3) for each in row] for row in placed.similarity],
    }
