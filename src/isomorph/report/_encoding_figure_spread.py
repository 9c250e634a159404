"""Figures of what stands behind the scores: dimensionality, single units, penalties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.report._encoding_figures import MOST_MODELS, above, best_models, cut, panels, signed, two_lines
from isomorph.report._names import printable, slugs
from isomorph.report._palette import INK, KIND_COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from isomorph.report._encoding_view import EncodingView, UnitScores

COLOURS = (
    *("#0067a6", "#c04f00", "#00775b", "#8b5fb0", "#b8860b", "#6b7076"),
    *("#a0405f", "#4b9fd5", "#7a9a01", "#5c4033", "#d08fb0", "#20a39e"),
)
MARKERS = "osD^vPX*<>hp"
_BLUE = KIND_COLOURS["model"]


def spread_figures(view: EncodingView) -> Iterator[tuple[str, str, Figure]]:
    """`(stem, caption, figure)` of what there is to draw."""
    names = slugs(view.metrics)
    if view.has_dimensionality:
        for metric in view.metrics:
            yield (
                f"dimensionality-{names[metric]}",
                f"Test score against effective dimensionality, {metric}: one mark a layer, with the least-squares line.",
                _dimensionality(view, metric),
            )
    for metric in view.metrics:
        drawn = view.unit_scores(metric)
        if drawn:
            yield (
                f"units-{names[metric]}",
                f"Test score of single units, {metric}, at the layer that train chose; the line is the mean, the broken line the ceiling.",
                _units(drawn),
            )
    if len(view.penalties):
        yield (
            "penalties",
            "Ridge penalties along the layers: median over units with its lower and upper quantile; and the share of units whose penalty "
            "is the grid's smallest or largest.",
            _alphas(view),
        )


def _dimensionality(view: EncodingView, metric: str) -> Figure:
    figure, axes = panels(len(view.regions), width=2.3, height=2.1)
    handles: dict[str, Any] = {}
    for at, region in zip(axes, view.regions, strict=True):
        part, slope, intercept, r = view.dimensionality(metric, region)
        for place, model in enumerate(best_models(view)):
            rows = part[part["model"] == model]
            (mark,) = at.plot(
                rows["effective_dimensionality"], rows["score"], MARKERS[place], color=COLOURS[place], ms=3.5, mew=0, alpha=0.75, ls=""
            )
            handles.setdefault(view.labels[model], mark)
        at.set_xscale("log")
        if np.isfinite(r):
            ends = part["effective_dimensionality"].agg(["min", "max"]).to_numpy(dtype=float)
            at.plot(ends, slope * np.log10(ends) + intercept, color=INK, lw=1.2)
        at.set_title(two_lines(region) + (f"\nr = {signed(r)}" if np.isfinite(r) else ""), loc="left")
        _few_log_ticks(at.xaxis)
    figure.supxlabel("effective dimensionality", fontsize=9)
    figure.supylabel(printable(metric), fontsize=9)
    above(figure, list(handles.values()), [cut(each, 34) for each in handles])
    return figure


def _few_log_ticks(axis: Any) -> None:
    """Powers of ten, or 1, 2 and 5 of each where there are few; written out."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    low, high = axis.get_view_interval()
    wide = np.log10(max(high, 1e-12) / max(low, 1e-12)) > 1.6
    axis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0), numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _units(drawn: list[UnitScores]) -> Figure:
    figure, axes = panels(len(drawn), width=2.1, height=1.8, sharex=True)
    for at, each in zip(axes, drawn, strict=True):
        at.hist(each.values, bins=40, color=_BLUE, alpha=0.75, lw=0)
        at.axvline(float(each.values.mean()), color=INK, lw=1.2)
        if np.isfinite(each.ceiling):
            at.axvline(each.ceiling, color="#b07a1e", lw=1.4, ls=(0, (3, 2)))
        at.set_title(
            f"{cut(each.model, 26)}\n{cut(each.layer, 26)}{f', {cut(each.recording, 16)}' * bool(each.recording)}", loc="left", fontsize=8
        )
        at.set_yticks([])
        at.spines["left"].set_visible(False)
    figure.supxlabel("score of a unit", fontsize=9)
    figure.supylabel("units", fontsize=9)
    return figure


def _alphas(view: EncodingView) -> Figure:
    from matplotlib.figure import Figure

    m = view.penalties
    metric = str(m["metric"].iloc[0])
    shown = [each for each in best_models(view) if (m["model"] == each).any()][:MOST_MODELS]
    figure = Figure(figsize=(max(3.4, 1.9 * min(4, len(shown))) + 0.4, 3.6 * -(-len(shown) // 4) + 0.5), layout="constrained")
    rows = 2 * -(-len(shown) // 4)
    grid = figure.subplots(rows, min(4, len(shown)), squeeze=False, sharex=True, height_ratios=[3, 1.3] * (rows // 2))
    for spare in grid.flat:
        spare.set_axis_off()
    for place, model in enumerate(shown):
        over, under = grid[2 * (place // 4), place % 4], grid[2 * (place // 4) + 1, place % 4]
        for k, region in enumerate(view.regions[: len(COLOURS)]):
            rows_of = m[(m["model"] == model) & (m["region"] == region)]
            depth = rows_of["depth"]
            over.fill_between(depth, rows_of["alpha_low"], rows_of["alpha_high"], color=COLOURS[k], alpha=0.15, lw=0)
            over.plot(depth, rows_of["alpha_median"], color=COLOURS[k], lw=1.3, marker=MARKERS[k], ms=3, label=cut(region, 34))
            under.plot(depth, rows_of["units_at_edge"], color=COLOURS[k], lw=1.1, marker=MARKERS[k], ms=2.5)
        for at in (over, under):
            at.set_axis_on()
            at.set_xlim(-0.03, 1.03)
        over.set_yscale("log")
        _few_log_ticks(over.yaxis)
        over.set_title(cut(view.labels[model], 26), loc="left")
        under.set_ylim(0, max(0.1, 1.15 * float(m["units_at_edge"].max())))
        under.set_xticks([0, 1], ["input", "output"])
        if place % 4 == 0:
            over.set_ylabel(f"penalty ({printable(metric)})")
            under.set_ylabel("at an edge")
    above(figure, *grid[0, 0].get_legend_handles_labels())
    return figure
