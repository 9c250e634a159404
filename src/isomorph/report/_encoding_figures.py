"""The figures of brain scores for papers: PNG, SVG and PDF."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.report._figures import paper_style, write_figure
from isomorph.report._names import printable, slugs
from isomorph.report._palette import CEILING, CONTEXT, HEAT, INK, KIND_COLOURS, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from isomorph.report._encoding_view import EncodingView

MOST_MODELS = 12
_COLUMNS = 4
_BLUE = KIND_COLOURS["model"]


def draw_encoding_figures(view: EncodingView, folder: Path) -> list[tuple[str, str]]:
    """Write every figure; return `(file name without ending, caption)` of each."""
    with paper_style():
        return [write_figure(folder, stem, caption, figure) for stem, caption, figure in _figures(view)]


def _figures(view: EncodingView) -> Iterator[tuple[str, str, Figure]]:
    from isomorph.report._encoding_figure_controls import control_figures
    from isomorph.report._encoding_figure_spread import spread_figures

    names = slugs(view.models)
    yield "heatmap", "Test score of each model's layer, chosen on train; the best model of a region in bold.", _heatmap(view)
    for model in best_models(view):
        yield (
            f"curves-{names[model]}",
            f"{view.labels[model]}: score along the layers; test (solid, with its interval), train (dashed), the noise ceiling, and the "
            "layers that train chose (dots; larger where more subjects did).",
            _curves(view, model),
        )
    yield from spread_figures(view)
    yield from control_figures(view)


def best_models(view: EncodingView) -> list[str]:
    """All models, or the dozen that scores best by the first metric."""
    c = view.choices
    order = c[c["metric"] == view.metrics[0]].groupby("model")["score"].mean().sort_values(ascending=False, kind="stable").index
    kept = {*list(order)[:MOST_MODELS]}
    return [each for each in view.models if each in kept]


def panels(count: int, *, width: float = 1.9, height: float = 1.75, columns: int = _COLUMNS, **shared: Any) -> tuple[Figure, list[Axes]]:
    """A figure with so many axes, a few a row; what is left over stays empty."""
    from matplotlib.figure import Figure

    columns = min(columns, count)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(max(3.4, width * columns) + 0.3, height * rows + 0.55), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False, **shared).flat)
    for spare in axes[count:]:
        spare.set_axis_off()
    for above in axes[max(0, count - columns) : count]:  # those without a neighbour below keep their numbers
        above.tick_params(labelbottom=True)
    return figure, axes[:count]


def _heatmap(view: EncodingView) -> Figure:
    from matplotlib.figure import Figure

    order = list(view.choices.groupby("model")["score"].mean().sort_values(ascending=False, kind="stable").index)
    wide, high = 0.62 * len(view.regions) + 0.75, 0.32 * len(order) + 1.3
    columns = max(1, min(len(view.metrics), int(9 / wide)))
    rows = math.ceil(len(view.metrics) / columns)
    figure = Figure(figsize=(columns * wide + 1.8, rows * high), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for spare in axes[len(view.metrics) :]:
        spare.set_axis_off()
    for place, (at, metric) in enumerate(zip(axes, view.metrics, strict=False)):
        part = view.choices[view.choices["metric"] == metric]
        grid = part.pivot(index="model", columns="region", values="score").reindex(index=order, columns=list(view.regions))
        values = grid.to_numpy(dtype=float)
        image = at.imshow(np.ma.masked_invalid(values), cmap=HEAT, aspect="auto")
        _numbers(at, values)
        at.set_title(printable(metric))
        at.set_xticks(range(len(view.regions)), [two_lines(each) for each in view.regions], rotation=40, ha="right", rotation_mode="anchor")
        at.set_yticks(range(len(order)), [cut(view.labels[each], 30) for each in order] if place % columns == 0 else [""] * len(order))
        at.tick_params(length=0)
        at.spines[:].set_visible(False)
        figure.colorbar(image, ax=at, location="bottom", shrink=0.9, aspect=18, pad=0.03).ax.tick_params(labelsize=7)
    return figure


def _numbers(axes: Axes, values: Any) -> None:
    known = values[np.isfinite(values)]
    middle = (known.min() + known.max()) / 2 if len(known) else 0.0
    best = np.nanargmax(np.where(np.isfinite(values), values, -np.inf), axis=0)
    for i, j in np.argwhere(np.isfinite(values)):
        axes.text(
            j, i, signed(values[i, j]), ha="center", va="center", fontsize=7.5, weight="bold" if best[j] == i else "normal",
            color="white" if values[i, j] < middle else "black",
        )  # fmt: skip


def _curves(view: EncodingView, model: str) -> Figure:
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, len(view.regions))
    blocks = math.ceil(len(view.regions) / columns)
    rows = len(view.metrics) * blocks
    figure = Figure(figsize=(max(3.6, 1.95 * columns) + 0.4, 1.7 * rows + 0.6), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True)
    for k, metric in enumerate(view.metrics):
        for place in range(blocks * columns):
            at = grid[k * blocks + place // columns, place % columns]
            if place >= len(view.regions):
                at.set_axis_off()
                continue
            _curve(at, view, model, metric, view.regions[place])
            at.set_ylim(*view.domain(metric, view.regions[place]))
            alone = place % columns == 0 or at.get_ylim() != grid[k * blocks + place // columns, place % columns - 1].get_ylim()
            at.tick_params(labelleft=alone, length=0)
            if k == 0 or blocks > 1:
                at.set_title(two_lines(view.regions[place]), loc="left")
            if place % columns == 0:
                at.set_ylabel(printable(metric))
    for at in grid[-1]:
        at.set_xticks([0, 1], ["input", "output"])
        for label, side in zip(at.get_xticklabels(), ("left", "right"), strict=False):
            label.set_horizontalalignment(side)
    figure.supxlabel("depth", fontsize=9)
    handles = _legend(view)
    above(figure, handles, [each.get_label() for each in handles])
    return figure


def _curve(axes: Axes, view: EncodingView, model: str, metric: str, region: str) -> None:
    test, train = (view.curve(model, metric, region, each) for each in ("test", "train"))
    span(axes, test)
    for other in view.models:
        behind = view.curve(other, metric, region, "test")
        if other != model and len(behind) > 1:
            axes.plot(behind["depth"], behind["score"], color=CONTEXT, lw=0.6, zorder=1)
    axes.axhline(0, color=MUTED, lw=0.6, zorder=1)
    axes.plot(train["depth"], train["score"], color=MUTED, lw=1.0, ls=(0, (3, 2)), zorder=2)
    axes.fill_between(test["depth"], test["low"], test["high"], color=_BLUE, alpha=0.22, lw=0, zorder=2)
    axes.plot(test["depth"], test["score"], color=_BLUE, lw=1.4, zorder=3)
    at = dict(zip(test["layer"], test["score"], strict=True))
    for layer, depth, count in view.marks(model, metric, region):
        axes.plot(
            depth, at[layer], "o", color=_BLUE, mec="white", mew=0.6, ms=3 + 3.5 * count / view.subjects[region], clip_on=False, zorder=4
        )
    axes.set_xlim(0, 1.03)


def span(axes: Axes, rows: Any) -> None:
    """The noise ceiling: a band between its bounds, or a line where it is one number."""
    lower, upper, one = (rows[each].to_numpy(dtype=float) for each in ("ceiling_lower", "ceiling_upper", "ceiling"))
    if np.isfinite(lower).any() and np.isfinite(upper).any():
        axes.axhspan(float(np.nanmean(lower)), float(np.nanmean(upper)), color=CEILING, lw=0, zorder=0)
    elif np.isfinite(one).any():
        axes.axhline(float(np.nanmean(one)), color="#b99b5a", lw=1.6, zorder=0)


def _legend(view: EncodingView) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    known: list[Any] = [Line2D([], [], color=_BLUE, lw=1.4, label="test"), Line2D([], [], color=MUTED, lw=1, ls=(0, (3, 2)), label="train")]
    known.append(Line2D([], [], color=_BLUE, marker="o", ls="", ms=5, label="chosen on train"))
    m = view.mean
    if np.isfinite(m[["ceiling", "ceiling_lower"]].to_numpy(dtype=float)).any():
        known.append(Patch(color=CEILING, label="noise ceiling"))
    if len(view.models) > 1:
        known.append(Line2D([], [], color=CONTEXT, lw=1, label="other models"))
    return known


def signed(value: float) -> str:
    """Two decimals with a real minus sign."""
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text.replace("-", "−")


def cut(name: str, most: int = 22) -> str:
    """Long names lose their middle: the ends tell them apart."""
    name = printable(name)
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-(most // 2 - 1) :]}"


def two_lines(region: str) -> str:
    """`human IT (kriegeskorte-92)`: the recording on a line of its own."""
    name, sign, recording = region.partition(" (")
    return f"{cut(name)}\n{cut(recording.removesuffix(')'))}" if sign else cut(region)


def above(figure: Figure, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """A legend over all panels, in as many columns as there is room for."""
    if handles:
        room = figure.get_figwidth() / (0.62 + 0.07 * max(map(len, labels)))
        columns = max(1, min(len(handles), int(room)))
        figure.legend(handles, labels, loc="outside upper center", ncols=columns, frameon=False, fontsize=8, labelcolor=INK)
