"""The figures of a consistency study for papers: PNG, SVG and PDF."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.report._consistency_words import set_name
from isomorph.report._figures import paper_style, write_figure
from isomorph.report._names import slugs
from isomorph.report._palette import CONTEXT, HEAT, INK, KIND_COLOURS, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from isomorph.report._consistency_view import Floats, View

_BLUE, _GREEN = KIND_COLOURS["model"], KIND_COLOURS["behaviour"]
_GROUPS = (
    "#0067a6",
    "#c04f00",
    "#00775b",
    "#8b5fb0",
    "#b8860b",
    "#6b7076",
    "#a0405f",
    "#4b9fd5",
    "#7a9a01",
    "#5c4033",
    "#d08fb0",
    "#20a39e",
)
_MARKERS = "osD^vPX*<>hp"
_MOST_PANELS = 12


def draw_consistency_figures(view: View, folder: Path) -> list[tuple[str, str]]:
    """Write every figure; return `(file name without ending, caption)` of each."""
    with paper_style():
        return [write_figure(folder, stem, caption, figure) for stem, caption, figure in _figures(view)]


def _figures(view: View) -> Iterator[tuple[str, str, Figure]]:
    s = view.similarities
    names = slugs(s.measures)
    for k, measure in enumerate(s.measures):
        slug = names[measure]
        yield (
            f"heatmaps-{slug}",
            f"Similarity of every two models by {measure}, ordered by average-linkage leaves; mean and SD over data sets.",
            _heatmaps(view, k),
        )
        yield f"spread-{slug}", f"Mean similarity of each pair of models against its SD over data sets, {measure}.", _spread(view, k)
        yield f"against-{slug}", f"The same pairs of models on two data sets, {measure}.", _against(view, k)
        for grouping, result in view.results.items():
            rows = result.summary[result.summary["measure"] == measure]
            stem = slugs(list(view.results))[grouping]
            if len(rows) > 1:
                yield (
                    f"sets-{stem}-{slug}",
                    f"Consistency over pairs of data sets, models grouped by {grouping}, {measure}; below, the median and its interval; in "
                    "brackets: pairs of models.",
                    _boxes(view, grouping, measure),
                )
        if len(s.datasets) > 2:
            yield f"datasets-{slug}", f"Consistency between every two data sets, all models, {measure}.", _datasets(view, measure)
        for column in view.attributes:
            yield (
                f"map-{slugs(list(view.attributes))[column]}-{slug}",
                f"The models on a plane for each data set, coloured by {column}, {measure}.",
                _maps(view, k, column),
            )
        if any(view.gaps_of(each) is not None for each in range(len(s.datasets))):
            yield f"gap-{slug}", f"Similarity against the gap in accuracy, {measure}.", _gaps(view, k)
    if len(s.measures) > 1:
        yield "measures", f"Mean similarity by {s.measures[0]} against the other measures.", _measures(view)


def _grid(panels: int, *, width: float = 2.5, height: float = 2.4, columns: int = 4) -> tuple[Figure, Sequence[Axes]]:
    from matplotlib.figure import Figure

    columns = min(columns, panels)
    rows = math.ceil(panels / columns)
    figure = Figure(figsize=(width * columns + 0.3, height * rows + 0.3), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for spare in axes[panels:]:
        spare.set_axis_off()
    return figure, axes[:panels]


def _heatmaps(view: View, k: int) -> Figure:
    s = view.similarities
    chosen = list(range(len(s.datasets)))[: _MOST_PANELS - 2]
    figure, axes = _grid(len(chosen) + 2, width=2.7, height=2.8)
    finite = s.values[:, k][np.isfinite(s.values[:, k])]
    low, high = float(np.quantile(finite, 0.01)), float(finite.max())
    panels = [(s.values[d, k], s.datasets[d]) for d in chosen] + [(view.mean[k], "mean")]
    for at, (matrix, name) in zip(axes, panels, strict=False):
        image = _image(at, matrix[np.ix_(view.order, view.order)], name, view, low, high)
    figure.colorbar(image, ax=axes[:-1], location="bottom", shrink=0.4, aspect=30, pad=0.02, label=s.measures[k])
    spread = view.spread[k][np.ix_(view.order, view.order)]
    image = _image(axes[-1], spread, "SD over data sets", view, 0.0, float(np.nanmax(spread)))
    figure.colorbar(image, ax=axes[-1], location="bottom", shrink=0.8, aspect=20, pad=0.02)
    return figure


def _image(axes: Axes, matrix: Floats, name: str, view: View, low: float, high: float) -> Any:
    image = axes.imshow(matrix, cmap=HEAT, vmin=low, vmax=high, interpolation="nearest")
    axes.set_title(name)
    axes.set_yticks([])
    place = axes.get_subplotspec()
    if len(matrix) <= 24 and place is not None and place.is_first_col():
        axes.set_yticks(range(len(matrix)), [_cut(view.labels[view.similarities.models[each]]) for each in view.order], fontsize=5)
    axes.set_xticks([])
    return image


def _cut(name: str, most: int = 28) -> str:
    """Long names lose their middle: the ends tell them apart."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-(most // 2 - 1) :]}"


def _spread(view: View, k: int) -> Figure:
    figure, (axes,) = _grid(1, width=3.6, height=3.2)
    upper = np.triu_indices(len(view.similarities.models), 1)
    axes.scatter(view.mean[k][upper], view.spread[k][upper], s=10, alpha=0.5, color=_BLUE, lw=0)
    axes.set(xlabel=f"mean {view.similarities.measures[k]}", ylabel="SD over data sets")
    return figure


def _against(view: View, k: int) -> Figure:
    s = view.similarities
    chosen = list(combinations(range(len(s.datasets)), 2))[:_MOST_PANELS]
    figure, axes = _grid(len(chosen))
    for at, (d, e) in zip(axes, chosen, strict=True):
        x, y = view.pairs_of(d, k), view.pairs_of(e, k)
        both = np.isfinite(x) & np.isfinite(y)
        at.scatter(x[both], y[both], s=8, alpha=0.5, color=_BLUE, lw=0)
        at.set(xlabel=s.datasets[d], ylabel=s.datasets[e])
        if both.sum() > 2 and np.ptp(x[both]) and np.ptp(y[both]):
            at.set_title(f"r = {np.corrcoef(x[both], y[both])[0, 1]:.2f}")
    return figure


def _boxes(view: View, grouping: str, measure: str) -> Figure:
    result = view.results[grouping]
    rows = result.summary[result.summary["measure"] == measure].sort_values("median")
    figure, (axes,) = _grid(1, width=5.2, height=0.42 * len(rows) + 0.9)
    pairs = result.pairs[result.pairs["measure"] == measure]
    for place, (_, row) in enumerate(rows.iterrows()):
        r = pairs[(pairs["set_a"] == row["set_a"]) & (pairs["set_b"] == row["set_b"])]["r"].dropna().to_numpy()
        if len(r) > 4:
            axes.boxplot(r, positions=[place], orientation="horizontal", widths=0.55, showfliers=False, medianprops={"color": INK},
                         boxprops={"color": MUTED}, whiskerprops={"color": MUTED}, capprops={"color": MUTED})  # fmt: skip
        axes.plot(r, place + np.linspace(-0.18, 0.18, len(r)) if len(r) > 1 else [place], "o", ms=3, color=_BLUE, alpha=0.5, mew=0)
        axes.plot([row["low"], row["high"]], [place - 0.33] * 2, color=_GREEN, lw=1.6)
        axes.plot(row["median"], place - 0.33, "|", ms=7, mew=1.8, color=INK)
    axes.set_yticks(range(len(rows)), [f"{set_name(row)} ({int(row['model_pairs'])})" for _, row in rows.iterrows()])
    axes.set_xlabel("consistency")
    axes.set_ylim(-0.6, len(rows) - 0.4)
    return figure


def _datasets(view: View, measure: str) -> Figure:
    result = view.results.get("all", view.first[1])
    rows = result.pairs[result.pairs["measure"] == measure]
    last = rows.iloc[-1]  # all models stand last where there are groups
    square = result.matrix(measure=measure, set_a=str(last["set_a"]), set_b=str(last["set_b"])).reindex(
        index=view.similarities.datasets, columns=view.similarities.datasets
    )
    count = len(square)
    side = max(2.6, 0.5 * count + 1.2)
    figure, (axes,) = _grid(1, width=side + 0.6, height=side)
    values = square.to_numpy(dtype=float, copy=True)
    np.fill_diagonal(values, np.nan)
    image = axes.imshow(values, cmap=HEAT, vmin=min(0.0, float(np.nanmin(values))) if np.isfinite(values).any() else 0.0, vmax=1.0)
    axes.set_xticks(range(count), list(square.columns), rotation=50, ha="right")
    axes.set_yticks(range(count), list(square.index))
    if count <= 12:
        for i, j in np.argwhere(np.isfinite(values)):
            axes.text(j, i, f"{values[i, j]:.2f}", ha="center", va="center", fontsize=7, color="white" if values[i, j] < 0.55 else "black")
    figure.colorbar(image, ax=axes, shrink=0.7).set_label("consistency")
    return figure


def _maps(view: View, k: int, column: str) -> Figure:
    s, words = view.similarities, view.attributes[column]
    groups = sorted(set(words))
    chosen: list[int | None] = [*range(len(s.datasets))][: _MOST_PANELS - 1]
    chosen.append(None)
    figure, axes = _grid(len(chosen))
    for at, d in zip(axes, chosen, strict=True):
        points, present, stress = view.map(k, d)
        for g, group in enumerate(groups):
            rows = [row for row, m in enumerate(present) if words[m] == group]
            at.plot(points[rows, 0], points[rows, 1], _MARKERS[g], color=_GROUPS[g], ms=4.5, mew=0, ls="", label=group)
        at.set_title(f"{'mean' if d is None else s.datasets[d]} (stress {stress:.2f})")
        at.set_aspect("equal", adjustable="datalim")
        at.set_xticks([])
        at.set_yticks([])
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=min(5, len(groups)), frameon=False, fontsize=8)
    return figure


def _gaps(view: View, k: int) -> Figure:
    s = view.similarities
    gaps = {d: each for d in range(len(s.datasets)) if (each := view.gaps_of(d)) is not None}
    chosen = list(gaps)[:_MOST_PANELS]
    figure, axes = _grid(len(chosen))
    for at, d in zip(axes, chosen, strict=True):
        at.scatter(gaps[d], view.pairs_of(d, k), s=8, alpha=0.5, color=_GREEN, lw=0)
        at.set(title=s.datasets[d], xlabel="|Δ accuracy|", ylabel=s.measures[k][:24])
    return figure


def _measures(view: View) -> Figure:
    s = view.similarities
    upper = np.triu_indices(len(s.models), 1)
    figure, axes = _grid(len(s.measures) - 1, width=2.9, height=2.7)
    for at, k in zip(axes, range(1, len(s.measures)), strict=True):
        x, y = view.mean[0][upper], view.mean[k][upper]
        at.scatter(x, y, s=8, alpha=0.5, color=_BLUE, lw=0)
        at.axline((0, 0), slope=1, color=CONTEXT, lw=0.8, zorder=0)
        at.set(xlabel=f"mean {s.measures[0]}", ylabel=f"mean {s.measures[k]}"[:44])
        at.set_xlim(np.nanmin(x) - 0.03, np.nanmax(x) + 0.03)
        at.set_ylim(np.nanmin(y) - 0.03, np.nanmax(y) + 0.03)
    return figure
