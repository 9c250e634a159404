"""Figures for papers: PNG, SVG and PDF, the same bytes for the same results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.report._names import printable, slugs
from isomorph.report._palette import INK, MUTED
from isomorph.report._question import all_labels
from isomorph.report._relations import heatmaps

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from isomorph.report._page import Section
    from isomorph.results import Results

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # ships with matplotlib: the same on every machine
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "figure.facecolor": "white",
    "figure.dpi": 200,
    "savefig.dpi": "figure",
    "svg.hashsalt": "isomorph",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": "Isomorph"},
    "pdf": {"CreationDate": None, "Creator": "Isomorph", "Producer": "matplotlib"},
}


def draw_figures(results: Results, part: Section, folder: Path) -> list[tuple[str, str]]:
    """Write every figure of one benchmark; return `(file name without ending, caption)` of each."""
    from isomorph.report._figure_curves import curves_figure
    from isomorph.report._figure_geometry import heatmaps_figure, map_figure
    from isomorph.report._figure_ranking import ranking_figure

    written: list[tuple[str, str]] = []
    name, labels = printable(part.record.name), all_labels(results)

    def write(kind: str, caption: str, figure: Figure) -> None:
        written.append(write_figure(folder, f"{part.slug}-{kind}", caption, figure))

    with paper_style():
        targets = slugs([each.target.name for each in part.asked])
        for question in part.asked:
            target, words = targets[question.target.name], printable(question.target.name)
            write(
                f"ranking-{target}",
                f"{name}: models by similarity to {words}, with 95% intervals and noise ceiling.",
                ranking_figure(question),
            )
            write(f"curves-{target}", f"{name}: similarity to {words} at every layer, with 95% intervals.", curves_figure(question))
        first = part.asked[0].target.name if part.asked else ""
        chosen = [each for each in heatmaps(results, part.record) if not each.targets or first in each.targets]
        if chosen:
            write(
                "rdms",
                f"{name}: RDMs as ranks; models by their best layer for the first target.",
                heatmaps_figure(chosen, part.drawn, labels),
            )
        if part.placed is not None:
            write("map", f"{name}: all geometries on one plane (stress {part.placed.stress:.2f}).", map_figure(part.placed, labels))
    return written


def write_figure(folder: Path, stem: str, caption: str, figure: Figure) -> tuple[str, str]:
    """Write a figure in all formats; return its file name without ending, and its caption."""
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
    figure.set_layout_engine(None)  # laid out once; with "none" a place holder would make every format draw twice
    for ending, metadata in _METADATA.items():
        figure.savefig(folder / f"{stem}.{ending}", metadata=metadata)
    return stem, caption


@contextmanager
def paper_style() -> Iterator[None]:
    """Type, lines and colours of all figures, without touching the caller's own settings."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        for name, value in _STYLE.items():
            mpl.rcParams[name] = value
        yield
