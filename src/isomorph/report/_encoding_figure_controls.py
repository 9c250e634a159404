"""Figures of controlled contrasts and query sheets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from isomorph.report._encoding_figures import cut, panels
from isomorph.report._names import slugs
from isomorph.report._palette import CONTEXT, INK, KIND_COLOURS, MUTED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from isomorph.report._encoding_controls import Null, Paired, Queries
    from isomorph.report._encoding_view import EncodingView

_BLUE = KIND_COLOURS["model"]
_MOST_QUERIES = 80


def control_figures(view: EncodingView) -> Iterator[tuple[str, str, Figure]]:
    """`(stem, caption, figure)` of what there is to draw."""
    for name, slug in slugs(list(dict(view.contrasts))).items():
        yield (
            f"contrast-{slug}",
            f"Controlled contrast of {name}: one line a pair of models that differ in this alone; the bar is the mean.",
            _contrasts([each for each in view.paired if each.name == name]),
        )
    if view.queries:
        if view.queries.importances:
            yield (
                "importances",
                "Importance of each query: mean absolute standardised coefficient over units, with its interval over stimuli.",
                _importances(view.queries),
            )
        if view.queries.null:
            yield (
                "random-queries",
                "Test scores of random sets of queries (grey), of the queries asked about (solid) and of all features (broken).",
                _null(view.queries.null),
            )


def _contrasts(paired: Sequence[Paired]) -> Figure:
    figure, axes = panels(len(paired), width=2.1, height=2.3)
    for at, each in zip(axes, paired, strict=True):
        places = np.arange(len(each.levels))
        for _, values in each.pairs:
            at.plot(places, values, "-", color=MUTED, lw=0.8, alpha=0.5)
            at.plot(places, values, "o", color=_BLUE, ms=3.5, mew=0)
        at.hlines(each.means, places - 0.16, places + 0.16, color=INK, lw=2.2, zorder=4)
        at.set_xticks(places, [cut(level, 16) for level in each.levels])
        at.set_xlim(-0.4, len(places) - 0.6)
        at.set_title(cut(each.cell or each.name, 28), loc="left")
    figure.supylabel("score", fontsize=9)
    return figure


def _importances(queries: Queries) -> Figure:
    from matplotlib.figure import Figure

    regions = list(queries.importances.items())[:4]
    tallest = min(_MOST_QUERIES, max(len(each) for _, each in regions))
    figure = Figure(figsize=(4.1 * len(regions), 0.9 + 0.155 * tallest), layout="constrained")
    for at, (region, every) in zip(figure.subplots(1, len(regions), squeeze=False)[0], regions, strict=True):
        shown = every[:_MOST_QUERIES]
        for place, (_, (value, low, high)) in enumerate(shown):
            at.plot([low, high], [place, place], color=MUTED, lw=1.4)
            at.plot(value, place, "o", color=_BLUE, ms=3.6, mew=0)
        at.set_yticks(range(len(shown)), [cut(name, 40) for name, _ in shown], fontsize=7)
        at.set_ylim(len(shown) - 0.4, -0.6)
        at.set_xlim(left=0)
        at.tick_params(axis="y", length=0)
        at.set_title(cut(region), loc="left")
        at.set_xlabel("importance")
    return figure


def _null(null: tuple[Null, ...]) -> Figure:
    figure, axes = panels(len(null), width=2.4, height=1.8)
    for at, each in zip(axes, null, strict=True):
        at.hist(each.values, bins=24, color=CONTEXT, lw=0)
        at.axvline(each.queries, color=_BLUE, lw=1.6)
        if np.isfinite(each.full):
            at.axvline(each.full, color=INK, lw=1.2, ls=(0, (3, 2)))
        at.set_title(f"{cut(each.region)}  {each.said}", loc="left", fontsize=8)
        at.set_yticks([])
        at.spines["left"].set_visible(False)
    figure.supxlabel("test score", fontsize=9)
    return figure
