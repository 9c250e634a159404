"""The page of perception: its tables and pictures, and what the template fills in."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from isomorph._version import __version__
from isomorph.report._page import environment
from isomorph.report._payload import as_script
from isomorph.report._perception_charts import SHAPES, charts, rows
from isomorph.report._perception_view import HardImage, PerceptionView
from isomorph.report._perception_words import CITATIONS, caveats, headline, procedure

_PIXELS = 128
TABLES: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    ("Trial by trial", "Answers as right or wrong, beside each person’s on the same image.", (
        ("error_consistency", "κ with people", "higher"), ("ood_accuracy", "Accuracy", "higher"),
        ("observed_consistency", "Both right or both wrong", "higher"), ("accuracy_difference", "Accuracy difference²", "lower"),
        ("shape_bias", "Shape bias", "as people"), ("mean_rank", "Mean rank", "lower"),
    )),
    ("As distributions", "Probabilities beside the shares of people’s votes.", (
        ("hellinger", "Hellinger", "lower"), ("jensen_shannon", "Jensen–Shannon", "lower"), ("total_variation", "Total variation", "lower"),
        ("soft_cross_entropy", "Cross-entropy", "lower"), ("brier", "Brier", "lower"), ("ece", "Calibration error", "lower"),
    )),
    ("As somebody to rely on", "Errors when the least sure answers are left out, and R − cW per image, c a share of the n images.", (
        ("aurc", "AURC", "lower"), ("reliability(c=0n)", "c = 0", "higher"), ("reliability(c=0.5n)", "c = n/2", "higher"),
        ("reliability(c=1n)", "c = n", "higher"),
    )),
)  # fmt: skip


def perception_page(view: PerceptionView, *, notes: Sequence[str], figures: Sequence[tuple[str, str]]) -> str:
    """The HTML."""
    return environment().get_template("perception.html").render(
        version=__version__,
        title=view.results.benchmark,
        headline=headline(view),
        caveats=caveats(view),
        notes=notes,
        series=list(zip(view.series, (SHAPES[at % len(SHAPES)] for at in range(len(view.series))), range(len(view.series)), strict=True)),
        datasets=view.datasets,
        tables=list(_tables(view)),
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


def _tables(view: PerceptionView) -> Iterator[dict[str, Any]]:
    names = [*view.results.models, "humans"]
    for title, caption, measures in TABLES:
        used = [each for each in measures if any((view.score(name, each[0]) or {}).get("value") is not None for name in names)]
        if used:
            lines = [
                {"name": view.labels.get(name, "people among themselves"), "people": name == "humans",
                 "cells": [_cell(view.score(name, measure)) for measure, _, _ in used]}
                for name in names
            ]  # fmt: skip
            heads = [(words, better) for _, words, better in used]
            yield {"title": title, "caption": caption, "heads": heads, "lines": [each for each in lines if any(each["cells"])]}


def _cell(score: dict[str, Any] | None) -> tuple[str, str] | None:
    if score is None or score["value"] is None:
        return None
    ends = "" if score["low"] is None else f"[{_text(score['low'])}, {_text(score['high'])}]"
    return f"{score['value']:.1f}" if score["measure"] == "mean_rank" else _text(score["value"]), ends


def _text(value: float) -> str:
    return (f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}").replace("-", "−")


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
