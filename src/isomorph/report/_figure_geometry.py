"""RDMs side by side, and the map of all geometries, as figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from isomorph.report._names import printable
from isomorph.report._palette import HEAT, INK, KIND_COLOURS, KIND_MARKERS, MUTED
from isomorph.report._relations import Heatmap, Map, Shown, square
from isomorph.report._repel import place_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 5


def heatmaps_figure(maps: Sequence[Heatmap], drawn: Shown, labels: Mapping[str, str]) -> Figure:
    """Up to five RDMs a row: targets, then models by their best layer; white lines between categories."""
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, len(maps))
    rows = math.ceil(len(maps) / columns)
    figure = Figure(figsize=(1.65 * columns + 0.5, 1.95 * rows + 0.35), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, each in zip(grid.flat, maps, strict=False):
        image = axes.imshow(square(each.rdm, drawn.positions, drawn.total) * 100, cmap=HEAT, vmin=0, vmax=100, interpolation="nearest")
        for _, start, _ in drawn.groups[1:]:
            axes.axhline(start - 0.5, color="white", lw=0.5)
            axes.axvline(start - 0.5, color="white", lw=0.5)
        axes.set_title(f"{labels[each.name][:26]}\n{printable(each.layer)[:28] or each.kind}", fontsize=7, color=INK)
    bar = figure.colorbar(image, ax=grid, location="bottom", shrink=0.35, aspect=28, pad=0.02)
    bar.set_label("dissimilarity (percentile of pairs)", fontsize=8)
    bar.outline.set_visible(False)
    return figure


def map_figure(placed: Map, labels: Mapping[str, str]) -> Figure:
    """Kinds by colour and shape; labels keep out of one another's way."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.2, 5.2))
    FigureCanvasAgg(figure)  # measures texts
    axes = figure.add_axes((0.02, 0.1, 0.96, 0.88))
    axes.set_axis_off()
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.22, 0.12)
    for kind in dict.fromkeys(placed.kinds):
        points = placed.points[np.array([each == kind for each in placed.kinds])]
        axes.plot(points[:, 0], points[:, 1], KIND_MARKERS[kind], color=KIND_COLOURS[kind], ms=8, mec="white", mew=0.9, ls="", label=kind)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=4, frameon=False, fontsize=8, handletextpad=0.2)
    texts = [axes.text(0, 0, labels[name][:32], fontsize=8, va="bottom", ha="left") for name in placed.names]
    figure.draw_without_rendering()
    sizes = np.array([[box.width, box.height] for box in (each.get_window_extent() for each in texts)])
    pixels, frame = axes.transData.transform(placed.points), axes.get_window_extent()
    corners = place_labels(pixels - frame.min, sizes, size=(frame.width, frame.height), radius=7 * figure.dpi / 100)
    for text, corner, point, size in zip(texts, corners + frame.min, pixels, sizes, strict=True):
        left, low = axes.transData.inverted().transform(corner)
        text.set_position((float(left), float(low)))
        nearest = np.clip(point, corner, corner + size)
        if np.hypot(*(nearest - point)) > 16 * figure.dpi / 100:
            ends = axes.transData.inverted().transform([point, nearest])
            axes.plot(ends[:, 0], ends[:, 1], color=MUTED, lw=0.7, zorder=0)
    figure.text(0.02, 0.01, f"distance ≈ 1 − r between RDMs; stress {placed.stress:.2f}", fontsize=7.5, color=MUTED)
    return figure
