"""Layer-depth curves as a figure: one small panel a model, the others behind it in grey."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from isomorph.report._names import printable
from isomorph.report._palette import CEILING, CONTEXT, KIND_COLOURS, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from isomorph.report._question import Answer, Question

_COLUMNS = 4


def curves_figure(question: Question) -> Figure:
    """Up to four panels a row, the closest model first."""
    from matplotlib.figure import Figure

    count = len(question.answers)
    columns = min(_COLUMNS, count)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(max(3.4, 1.9 * columns), 0.35 + 1.65 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= count:
            axes.set_axis_off()
            continue
        _panel(axes, question, question.answers[place])
        axes.tick_params(labelbottom=place + columns >= count, length=0)
        for label, side in zip(axes.get_xticklabels(), ("left", "right"), strict=False):  # hidden labels are not listed
            label.set_horizontalalignment(side)
    if question.ceiling:
        grid[0, 0].text(0.04, sum(question.ceiling) / 2, "noise ceiling", fontsize=7, color=MUTED, va="center")
    figure.supxlabel("depth", fontsize=9)
    figure.supylabel(f"similarity to {printable(question.target.name)} ({question.symbol})", fontsize=9)
    return figure


def _panel(axes: Axes, question: Question, answer: Answer) -> None:
    colour = KIND_COLOURS[answer.kind]
    if question.ceiling:
        axes.axhspan(*question.ceiling, color=CEILING, lw=0)
    for other in question.answers:
        if other is not answer and len(other.layers) > 1:
            axes.plot([each.depth for each in other.layers], [each.value for each in other.layers], color=CONTEXT, lw=0.7)
    depth, value = [each.depth for each in answer.layers], [each.value for each in answer.layers]
    low = [each.value if each.low is None else each.low for each in answer.layers]
    high = [each.value if each.high is None else each.high for each in answer.layers]
    axes.fill_between(depth, low, high, color=colour, alpha=0.22, lw=0)
    axes.plot(depth, value, color=colour, lw=1.4)
    best, at = answer.best, answer.layers.index(answer.best)
    axes.plot([best.depth] * 2, [low[at], high[at]], color=colour, lw=1.2)
    axes.plot(best.depth, best.value, "o", color=colour, ms=4, clip_on=False)
    axes.axhline(0, color=MUTED, lw=0.6)
    axes.set_title(answer.label[:28], loc="left", fontsize=8)
    axes.set_xlim(0, 1.03)
    axes.set_ylim(*question.domain)
    axes.set_xticks([0, 1], ["input", "output"])
