"""Figures of perception for papers: PNG, SVG and PDF."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.report._figures import paper_style, write_figure
from isomorph.report._palette import CEILING, HEAT, KIND_COLOURS, MUTED
from isomorph.report._perception_view import PEOPLE, columns_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from isomorph.report._perception_view import PerceptionView

COLOURS = (KIND_COLOURS["behaviour"], "#0067a6", "#c04f00", "#8a4f9e", "#a07800", "#a8325e", "#4a6b8a", "#6b7076")
MARKERS = ("o", "s", "^", "D", "P", "v", ">", "<")


def draw_perception_figures(view: PerceptionView, folder: Path) -> list[tuple[str, str]]:
    """Write every figure; return `(file name without ending, caption)` of each."""
    with paper_style():
        return [write_figure(folder, stem, caption, figure) for stem, caption, figure in _figures(view)]


def _figures(view: PerceptionView) -> Iterator[tuple[str, str, Figure]]:
    level = f"{view.results.level:.0%}"
    yield (
        "kappa",
        f"Error consistency with people against accuracy; bars and the band of people among themselves are {level} intervals.",
        _kappa(view),
    )
    yield "confusion", "What is taken for what: shares of answers, all data sets with equal weight.", _confusion(view)
    if view.shape:
        yield "shape-bias", "Shape bias by category of shape.", _shape(view)


def _look(view: PerceptionView, observer: str) -> tuple[str, str]:
    at = view.series.index(observer)
    return COLOURS[at % len(COLOURS)], MARKERS[at % len(MARKERS)]


def _kappa(view: PerceptionView) -> Figure:
    from matplotlib.figure import Figure

    names = columns_of(view.points, "dataset")
    across = min(3, len(names))
    down = math.ceil(len(names) / across)
    figure = Figure(figsize=(0.5 + 2.2 * across, 0.9 + 2.0 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, name in zip(panels, names, strict=False):
        for band in (each for each in view.bands if each["dataset"] == name):
            if band["low"] is not None:
                axes.axhspan(band["low"], band["high"], color=CEILING, lw=0)
            axes.axhline(band["value"], color=MUTED, lw=0.8)
        for point in (each for each in view.points if each["dataset"] == name):
            colour, marker = _look(view, point["observer"])
            person = point["observer"] == PEOPLE
            if point["low"] is not None and not person:
                axes.vlines(point["accuracy"], point["low"], point["high"], color=colour, lw=1)
            axes.plot(point["accuracy"], point["kappa"], marker, color=colour, ms=3 if person else 5, alpha=0.6 if person else 1, mew=0)
        axes.set(title=name, xlim=(0, 1))
    _outer(panels, len(names), across, "accuracy", "κ with people")
    _legend(view, figure)
    return figure


def _legend(view: PerceptionView, figure: Figure) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], marker=_look(view, each)[1], color=_look(view, each)[0], lw=0, ms=5, label=each) for each in view.series]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(4, len(handles)), frameon=False, fontsize=8)


def _confusion(view: PerceptionView) -> Figure:
    import numpy as np
    from matplotlib.figure import Figure

    truths, answers = view.confusions["truths"], view.confusions["answers"]
    across = min(3, len(view.series))
    down = math.ceil(len(view.series) / across)
    figure = Figure(figsize=(1.0 + 2.1 * across, 0.9 + 2.1 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, who in zip(panels, view.series, strict=False):
        tables = [np.array(each[who], dtype=float) for each in view.confusions["sets"].values() if who in each]
        axes.imshow(np.mean(tables, axis=0), vmin=0, vmax=1, cmap=HEAT, aspect="auto")
        axes.set_title(who)
        axes.set_xticks(range(len(answers)), answers, rotation=90, fontsize=5.5)
        axes.set_yticks(range(len(truths)), truths, fontsize=5.5)
        axes.tick_params(length=0)
    _outer(panels, len(view.series), across, "answer", "truth")
    return figure


def _outer(panels: Iterable[Axes], shown: int, across: int, below: str, beside: str) -> None:
    """Labels at the panels that have none below or to the left of them; the empty places stay empty."""
    for at, axes in enumerate(panels):
        axes.set_visible(at < shown)
        if at + across >= shown:
            axes.set_xlabel(below)
            axes.tick_params(labelbottom=True)
        if at % across == 0:
            axes.set_ylabel(beside)


def _shape(view: PerceptionView) -> Figure:
    from matplotlib.figure import Figure

    categories = columns_of(view.shape, "category")
    figure = Figure(figsize=(5.2, 1.0 + 0.19 * len(categories)), layout="constrained")
    axes = figure.subplots()
    for each in view.shape:
        colour, marker = _look(view, each["observer"])
        axes.plot(each["bias"], -categories.index(each["category"]), marker, color=colour, ms=4.5, mew=0, alpha=0.9)
    axes.set_yticks([-at for at in range(len(categories))], categories)
    axes.set(xlim=(-0.02, 1.02), xlabel="shape bias (0: texture, 1: shape)")
    axes.grid(axis="y", color="#e4e2dd", lw=0.6)
    axes.tick_params(length=0)
    _legend(view, figure)
    return figure
