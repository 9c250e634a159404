"""The page of perception: its tables and pictures, and what the template fills in."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from isomorph._version import __version__
from isomorph.report._page import environment
from isomorph.report._payload import as_script
from isomorph.report._perception_charts import SHAPES, charts, rows
from isomorph.report._perception_view import HardImage, PerceptionView
from isomorph.report._perception_words import CITATIONS, caveats, headline, procedure

_PIXELS = 128


def perception_page(view: PerceptionView, *, notes: Sequence[str], figures: Sequence[tuple[str, str]]) -> str:
    """The HTML."""
    return environment().get_template("perception.html").render(
        version=__version__,
        title=view.results.benchmark,
        headline=headline(view.scores),
        caveats=caveats(view.scores),
        notes=notes,
        series=list(zip(view.series, (SHAPES[at % len(SHAPES)] for at in range(len(view.series))), range(len(view.series)), strict=True)),
        datasets=view.datasets,
        tables=list(view.scores.tables()),
        any_abstention=view.abstention is not None,
        any_shape=bool(view.shape),
        any_half=any(view.results.joined.answers.values()),
        hardest={name: [_shown(view, each) for each in images] for name, images in view.hardest.items() if images},
        procedure=procedure(view),
        licence=view.results.licence,
        figures=figures,
        citations=list(dict.fromkeys(filter(None, [view.results.citation, *CITATIONS]))),
        data=as_script({"charts": charts(view), "datasets": rows(view), "confusions": view.confusions, "series": view.series}),
    )  # fmt: skip


def _shown(view: PerceptionView, image: HardImage) -> dict[str, Any]:
    return {
        "name": image.name,
        "dataset": image.dataset,
        "truth": image.truth,
        "right": image.right,
        "people": image.people,
        "models": [
            (word, [name for name, each in image.models if each == word]) for word in dict.fromkeys(word for _, word in image.models)
        ],
        "picture": _picture(view, image),
    }


def _picture(view: PerceptionView, image: HardImage) -> str:
    """The picture as a small JPEG, where it is at hand."""
    from isomorph.benchmarks._behaviour_match_images import Images

    stimuli = view.results.stimuli.get(image.dataset)
    if stimuli is None:
        return ""
    where = Images.of(view.results.joined.trials, image.dataset)
    row = where.find(image.name, stimuli.ids)
    return "" if row is None else "data:image/jpeg;base64," + base64.b64encode(stimuli.thumbnail(row, _PIXELS)).decode()
