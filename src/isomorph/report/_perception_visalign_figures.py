"""Figures of a VisAlign set for papers: PNG, SVG and PDF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.report._figures import paper_style, write_figure
from isomorph.report._palette import HEAT, MUTED
from isomorph.report._perception_figures import COLOURS, MARKERS
from isomorph.report._perception_view import columns_of
from isomorph.report._perception_visalign_view import NEVER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from isomorph.report._perception_visalign_view import VisalignView


def draw_visalign_figures(view: VisalignView, folder: Path) -> list[tuple[str, str]]:
    """Write every figure; return `(file name without ending, caption)` of each."""
    with paper_style():
        return [write_figure(folder, stem, caption, figure) for stem, caption, figure in _figures(view)]


def _figures(view: VisalignView) -> Iterator[tuple[str, str, Figure]]:
    yield "categories", "Hellinger distance from people, and mean probability of abstaining, by method and category.", _heat(view)
    yield "reliability", "What a picture is worth when a wrong answer costs c; dashed: who always abstains.", _worth(view)
    if view.severity:
        level = f"{view.results.level:.0%}"
        yield "severity", f"Mean probability of abstaining against the severity of corruptions, with {level} intervals.", _severity(view)


def _heat(view: VisalignView) -> Figure:
    from matplotlib.figure import Figure

    rows = max(len(view.models), 1)
    figure = Figure(figsize=(1.6 + 0.62 * len(view.categories) * 2, 1.3 + 0.3 * (rows + 1)), layout="constrained")
    left, right = figure.subplots(1, 2)
    _cells(left, view.distance, view.categories, "distance from people")
    _cells(right, view.abstaining, view.categories, "probability of abstaining")
    return figure


def _cells(axes: Axes, cells: Sequence[dict[str, Any]], categories: Sequence[str], title: str) -> None:
    import numpy as np

    methods = columns_of(cells, "method")
    found = {(each["method"], each["category"]): each["value"] for each in cells}
    table = np.array([[found.get((method, category), np.nan) for category in categories] for method in methods], dtype=float)
    axes.imshow(table, vmin=0, vmax=1, cmap=HEAT, aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        if np.isfinite(value):
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color="#1c1d1f" if value > 0.55 else "#fdfcfa")
    axes.set_xticks(range(len(categories)), categories)
    axes.set_yticks(range(len(methods)), methods)
    axes.tick_params(length=0)
    axes.set(title=title, xlabel="category")


def _worth(view: VisalignView) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 3.2), layout="constrained")
    axes = figure.subplots()
    for name in columns_of(view.worth, "observer"):
        points = [(each["c"], each["score"]) for each in view.worth if each["observer"] == name]
        x, y = zip(*points, strict=True)
        if name == NEVER:
            axes.plot(x, y, color=MUTED, lw=1, ls="--")
        else:
            axes.plot(x, y, color=_look(view, name)[0], marker=_look(view, name)[1], ms=4, mew=0, markevery=5, lw=1.3, label=name)
    axes.set(xlim=(0, view.dearest), ylim=(max(-1, min(each["score"] for each in view.worth)) - 0.02, 1.02))
    axes.set(xlabel="cost c of a wrong answer", ylabel="score per picture")
    _legend(axes)
    return figure


def _severity(view: VisalignView) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 3.2), layout="constrained")
    axes = figure.subplots()
    for name in columns_of(view.severity, "observer"):
        points = [each for each in view.severity if each["observer"] == name]
        colour, marker = _look(view, name)
        x = [each["severity"] for each in points]
        axes.plot(x, [each["value"] for each in points], color=colour, marker=marker, ms=4.5, mew=0, lw=1.3, label=name)
        for each in points:
            if each["low"] is not None:
                axes.vlines(each["severity"], each["low"], each["high"], color=colour, lw=0.8, alpha=0.6)
    axes.set(ylim=(0, 1), xticks=[float(each) for each in view.severities], xlabel="severity of the corruption")
    axes.set(ylabel="mean probability of abstaining")
    _legend(axes)
    return figure


def _look(view: VisalignView, observer: str) -> tuple[str, str]:
    at = view.series.index(observer)
    return COLOURS[at % len(COLOURS)], MARKERS[at % len(MARKERS)]


def _legend(axes: Axes) -> None:
    axes.figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8)
