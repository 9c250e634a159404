"""The figures of an AligNet study for papers: PNG, SVG and PDF."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.report._alignet_charts import SETS, gain_rows
from isomorph.report._alignet_view import CONTROL, STUDENT, WORDS
from isomorph.report._best_of_both import best_of_both_figure
from isomorph.report._figures import paper_style, write_figure
from isomorph.report._names import printable
from isomorph.report._palette import KIND_COLOURS, KIND_MARKERS, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from isomorph.report._alignet_view import AlignetView

_KINDS = {STUDENT: "model", CONTROL: "control"}
_COLOURS = {WORDS[name]: KIND_COLOURS[kind] for name, kind in _KINDS.items()}
_LINES: dict[str, Any] = {SETS[0]: "-", SETS[1]: ":", SETS[2]: "--"}
_DOWNSTREAM = ("few-shot logistic", "linear probe", "superclass")


def draw_alignet_figures(view: AlignetView, folder: Path) -> list[tuple[str, str]]:
    """Write every figure; return `(file name without ending, caption)` of each."""
    with paper_style():
        return [write_figure(folder, stem, caption, figure) for stem, caption, figure in _figures(view)]


def _figures(view: AlignetView) -> Iterator[tuple[str, str, Figure]]:
    level = float(view.outcome.check.options.get("level", 0.95))
    if gain_rows(view):
        yield (
            "before-and-after",
            f"Before (hollow) and after (filled), and the paired difference; bars are {level:.0%} intervals.",
            _before_and_after(view),
        )
    yield "curves", "Agreement with the own teacher and loss while training.", _curves(view)
    across = next(iter(view.of_people), None)
    up = next((each for start in _DOWNSTREAM for each in view.questions if each.startswith(start) and view.row(each)), None)
    if across and up:
        rows = {WORDS[name]: (view.row(across, name), view.row(up, name)) for name in view.students}
        whole = {name: (one, two) for name, (one, two) in rows.items() if one is not None and two is not None}
        yield "best-of-both-worlds", f"{across} against {up}.", best_of_both_figure(whole, level=level)


def _before_and_after(view: AlignetView) -> Figure:
    from matplotlib.figure import Figure

    asked = [each for each in view.questions if view.row(each)]
    lines = [(question, name, row) for question in asked for name in view.students if (row := view.row(question, name))]
    figure = Figure(figsize=(6.9, 0.7 + 0.27 * len(lines) + 0.1 * len(asked)), layout="constrained")
    values, differences = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    places, at, last = [], 0.0, ""
    for question, name, row in lines:
        at -= 1.0 if question == last else 1.5
        last = question
        places.append((at, question))
        colour, marker = KIND_COLOURS[_KINDS[name]], KIND_MARKERS[_KINDS[name]]
        for when, low, high, fill in (("before", "before_low", "before_high", "white"), ("after", "after_low", "after_high", colour)):
            lift = 0.14 if when == "before" else -0.14
            _bar(values, row[low], row[high], at + lift, colour)
            values.plot(row[when], at + lift, marker, ms=5, color=colour, mfc=fill, mew=1.1, zorder=4)
        if question not in view.of_neighbours:
            _bar(differences, row["low"], row["high"], at, colour)
            differences.plot(row["difference"], at, marker, ms=5, color=colour, zorder=4)
    for question in asked:
        own = [place for place, each in places if each == question]
        values.text(
            -0.02, sum(own) / len(own), printable(question), transform=values.get_yaxis_transform(), ha="right", va="center", fontsize=8
        )
    differences.axvline(0, color=MUTED, lw=0.8, zorder=0)
    values.set(yticks=[], xlabel="share, correlation or area", ylim=(at - 0.8, 0))
    differences.set_xlabel("after − before")
    for axes in (values, differences):
        axes.tick_params(left=False)
        axes.spines["left"].set_visible(False)
    _legend(values, view, {})
    return figure


def _bar(axes: Axes, low: float | None, high: float | None, at: float, colour: str) -> None:
    if low is not None and high is not None:
        axes.plot([low, high], [at, at], color=colour, lw=1.2, alpha=0.7, zorder=3)


def _curves(view: AlignetView) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.9, 2.7), layout="constrained")
    points = list(view.curves())
    drawn = [each for each in SETS if any(point["set"] == each for point in points)]
    panels = figure.subplots(1, 2)
    for axes, field in zip(panels, ("agreement", "loss"), strict=True):
        for name in view.students:
            for where in drawn:
                own = [point for point in points if point["student"] == WORDS[name] and point["set"] == where]
                style: dict[str, Any] = {"lw": 0.8, "alpha": 0.45} if where == SETS[0] else {"lw": 1.4, "marker": "o", "ms": 3}
                at, heights = [each["step"] for each in own], [each[field] for each in own]
                axes.plot(at, heights, _LINES[where], color=KIND_COLOURS[_KINDS[name]], **style)
        axes.set(xlabel="step", title=field)
    _legend(panels[0], view, {each: _LINES[each] for each in drawn})
    return figure


def _legend(axes: Axes, view: AlignetView, lines: dict[str, Any]) -> None:
    from matplotlib.lines import Line2D

    def handle(label: str, **style: Any) -> Line2D:
        return Line2D([], [], label=label, **style)

    handles = [handle(WORDS[name], color=KIND_COLOURS[_KINDS[name]], marker=KIND_MARKERS[_KINDS[name]], lw=0) for name in view.students]
    handles += [handle(label, color=MUTED, ls=style, lw=1.2) for label, style in lines.items()]
    figure = axes.figure
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False, fontsize=8)
