"""The ranking as a figure: a dot with its interval for each model, over the noise ceiling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isomorph.report._names import measure_words, printable
from isomorph.report._palette import CEILING, INK, KIND_COLOURS, KIND_MARKERS, MUTED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from isomorph.report._question import Question


def ranking_figure(question: Question) -> Figure:
    """One row a model, the closest on top; 7 inches wide."""
    from matplotlib.figure import Figure

    answers = question.answers
    figure = Figure(figsize=(7, 1.1 + 0.36 * len(answers)), layout="constrained")
    axes = figure.subplots()
    if question.ceiling:
        axes.axvspan(*question.ceiling, color=CEILING, lw=0)
        axes.text(sum(question.ceiling) / 2, -0.62, "noise ceiling", ha="center", va="bottom", color=MUTED, fontsize=8)
    axes.axvline(0, color=MUTED, lw=0.8)
    for row, answer in enumerate(answers):
        colour, best = KIND_COLOURS[answer.kind], answer.best
        if best.low is not None and best.high is not None:
            axes.plot([best.low, best.high], [row, row], color=colour, lw=1.8, solid_capstyle="butt")
        axes.plot(best.value, row, marker=KIND_MARKERS[answer.kind], color=colour, ms=6, mec="white", mew=0.8)
    axes.set_yticks(range(len(answers)), [f"{each.label}\n{printable(each.best.layer)[:40]}" for each in answers], fontsize=7.5, color=INK)
    axes.set_ylim(len(answers) - 0.4, -0.65)
    axes.set_xlim(*question.best_domain)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(
        f"similarity to {printable(question.target.name)} ({question.symbol}, {measure_words(question.measure)}; best layer, 95% interval)"
    )
    return figure
