"""Human alignment against a downstream task: does a map give the best of both worlds?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.errors import FileError, InputError
from isomorph.report._figures import paper_style, write_figure
from isomorph.report._names import printable
from isomorph.report._palette import INK, KIND_COLOURS, KIND_MARKERS, MUTED, check_matplotlib
from isomorph.report._repel import place_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from isomorph.alignment import AlignmentCheck

_HUMAN = ("odd-one-out", "RSA")
_DOWNSTREAM = ("few-shot logistic", "linear probe", "few-shot 1-NN", "anomaly one-vs-rest", "anomaly rest-vs-one")
_WORDS = {
    "odd-one-out": "odd-one-out accuracy",
    "RSA": "RSA with people (ρ)",
    "few-shot logistic": "few-shot accuracy, logistic regression",
    "few-shot 1-NN": "few-shot accuracy, nearest neighbour",
    "linear probe": "accuracy of a linear probe",
    "anomaly one-vs-rest": "anomaly detection, one class against the rest (AUROC)",
    "anomaly rest-vs-one": "anomaly detection, the rest against one class (AUROC)",
}
_BETTER = "#dcebe3"


def best_of_both_worlds(
    check: AlignmentCheck, folder: Path | str, *, human: str | None = None, downstream: str | None = None
) -> list[Path]:
    """Draw human alignment against a downstream task: a point for every map and one for the untouched features.

    Bars are the intervals of the paired difference from the untouched features: where a bar lies wholly within the shaded quadrant, the map
    gains on both sides.

    Args:
        check: What `alignment.check_alignment` found.
        folder: Where `best-of-both-worlds.png`, `.svg` and `.pdf` go; made if absent.
        human: The question on the horizontal axis; None for the first of odd-one-out and RSA that was asked.
        downstream: The one on the vertical axis; None for the first of few-shot, linear probe and anomaly detection.

    Returns:
        The files.

    Raises:
        InputError: No such question was asked, or every judgment had been seen by a map.
        MissingDependencyError: matplotlib is not installed.
        FileError: The folder cannot be written.
    """
    check_matplotlib()
    across = _asked(check, human, _HUMAN, "human alignment: pass triplets or an rdm to check_alignment")
    up = _asked(check, downstream, _DOWNSTREAM, "a downstream task: pass labels to check_alignment")
    rows = {name: (check.row(across, name), check.row(up, name)) for name in check.transforms}
    if any(math.isnan(each["after"]) for pair in rows.values() for each in pair):
        raise InputError(f"{across} has no judgment that no map has seen, so that there is no point to draw. Use seen='keep' to mark them.")
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with paper_style():
            stem, _ = write_figure(
                folder, "best-of-both-worlds", "", best_of_both_figure(rows, level=float(check.options.get("level", 0.95)))
            )
    except OSError as error:
        raise FileError(f"the figure cannot be written into {folder}: {error.strerror or error}. Choose another folder.") from error
    return [folder / f"{stem}.{ending}" for ending in ("png", "svg", "pdf")]


def _asked(check: AlignmentCheck, wanted: str | None, known: tuple[str, ...], what: str) -> str:
    """The question wanted, or the first of those known that was asked."""
    found = next((each for each in known if each in check.questions), None)
    if wanted is None and found is None:
        raise InputError(f"the check says nothing of {what}.")
    return wanted or str(found)


def best_of_both_figure(rows: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]], *, level: float) -> Figure:
    """The figure, from the two rows of each map; `level` is what its intervals cover."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.8, 4.0))
    FigureCanvasAgg(figure)  # measures texts
    axes = figure.add_axes((0.13, 0.13, 0.84, 0.8))
    pairs = list(rows.values())
    start = np.array([each["before"] for each in pairs[0]])
    points = np.array([[each["after"] for each in pair] for pair in pairs])
    ends = np.array([[_ends(each) for each in pair] for pair in pairs])  # [map, axis, end]
    _frame(axes, start, np.concatenate([ends.reshape(-1, 2, 2).transpose(0, 2, 1).reshape(-1, 2), points, start[None]]))
    for point, bars in zip(points, ends, strict=True):
        axes.plot(bars[0], [point[1]] * 2, color=KIND_COLOURS["model"], lw=1.1, alpha=0.65, zorder=3)
        axes.plot([point[0]] * 2, bars[1], color=KIND_COLOURS["model"], lw=1.1, alpha=0.65, zorder=3)
    axes.plot(*points.T, KIND_MARKERS["model"], color=KIND_COLOURS["model"], ms=7, mec="white", mew=0.9, zorder=4)
    axes.plot(*start, KIND_MARKERS["control"], color=KIND_COLOURS["control"], ms=7, mec="white", mew=0.9, zorder=4)
    across, up = (f"{_WORDS.get(each['question'], each['question'])} (chance {each['chance']:.2f})" for each in pairs[0])
    axes.set(xlabel=across, ylabel=up)
    bars = f"bars: {level:.0%} interval of the paired difference from the untouched features"
    axes.text(0, 1.02, bars, transform=axes.transAxes, fontsize=7.5, color=MUTED)
    _label(figure, axes, ["untouched", *(printable(name)[:32] for name in rows)], np.vstack([start, points]), ends)
    return figure


def _ends(row: Mapping[str, Any]) -> tuple[float, float]:
    """The interval of the difference, from where the untouched features stand."""
    return (row["after"],) * 2 if row["low"] is None else (row["before"] + row["low"], row["before"] + row["high"])


def _frame(axes: Axes, start: np.ndarray[Any, Any], shown: np.ndarray[Any, Any]) -> None:
    low, high = shown.min(axis=0), shown.max(axis=0)
    room = np.maximum(0.12 * (high - low), 0.01)
    axes.set_xlim(low[0] - room[0], high[0] + room[0])
    axes.set_ylim(low[1] - room[1], high[1] + room[1])
    axes.locator_params(nbins=6)
    (_, right), (_, top) = axes.get_xlim(), axes.get_ylim()
    axes.fill([start[0], right, right, start[0]], [start[1], start[1], top, top], color=_BETTER, lw=0, zorder=0)
    axes.axvline(start[0], color=MUTED, lw=0.7, ls=(0, (4, 3)), zorder=1)
    axes.axhline(start[1], color=MUTED, lw=0.7, ls=(0, (4, 3)), zorder=1)
    axes.text(0.985, 0.985, "better at both", transform=axes.transAxes, ha="right", va="top", fontsize=7.5, color=KIND_COLOURS["behaviour"])


def _label(figure: Figure, axes: Axes, names: list[str], points: np.ndarray[Any, Any], ends: np.ndarray[Any, Any]) -> None:
    """Names that keep off points, bars and one another."""
    texts = [axes.text(0, 0, name, fontsize=8, color=INK, va="bottom", ha="left", zorder=5) for name in names]
    figure.draw_without_rendering()
    sizes = np.array([[box.width, box.height] for box in (each.get_window_extent() for each in texts)])
    frame = axes.get_window_extent()
    bars = [((x, y), (across, up)) for (x, y), (across, up) in zip(points[1:], ends, strict=True)]
    lines = [((across[0], y), (across[1], y)) for (_, y), (across, _) in bars] + [((x, up[0]), (x, up[1])) for (x, _), (_, up) in bars]
    (left, right), (low, high), (x, y) = axes.get_xlim(), axes.get_ylim(), points[0]
    lines += [((left, y), (right, y)), ((x, low), (x, high))]
    along = [np.linspace(*line, 25) for line in lines]
    obstacles = axes.transData.transform(np.concatenate([points, *along])) - frame.min
    nothing = np.zeros((len(obstacles) - len(points), 2))
    radius = 4.5 * figure.dpi / 100
    corners = place_labels(obstacles, np.vstack([sizes, nothing]), size=(frame.width, frame.height), radius=radius)[: len(points)]
    for text, corner in zip(texts, axes.transData.inverted().transform(corners + frame.min), strict=True):
        text.set_position((float(corner[0]), float(corner[1])))
