"""The plot of human alignment against a downstream task."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from isomorph.alignment import AlignmentCheck
from isomorph.alignment._check_result import COLUMNS
from isomorph.report import best_of_both_worlds
from isomorph.report._best_of_both import best_of_both_figure


def row(transform, question, before, after, low, high):
    known = {"transform": transform, "question": question, "before": before, "after": after, "difference": after - before}
    known |= {"low": low, "high": high, "chance": 0.1, "n": 50, "unit": "stimuli", "note": ""}
    return dict.fromkeys(COLUMNS) | known


@pytest.fixture
def check():
    rows = [
        row("naive", "few-shot 1-NN", 0.8, 0.6, -0.25, -0.1),
        row("naive", "odd-one-out", 0.5, 0.6, 0.05, 0.15),
        row("gLocal $x$", "few-shot 1-NN", 0.8, 0.82, 0.01, 0.03),
        row("gLocal $x$", "odd-one-out", 0.5, 0.58, 0.02, 0.12),
    ]
    return AlignmentCheck(rows=tuple(rows))


def drawn(check, **changes):
    names = check.transforms
    rows = {name: (check.row("odd-one-out", name) | changes, check.row("few-shot 1-NN", name) | changes) for name in names}
    return best_of_both_figure(rows, level=0.9)


def test_points_bars_and_quadrant(check):
    axes = drawn(check).axes[0]
    lines = [np.column_stack(line.get_data()) for line in axes.lines]
    shown = [line.tolist() for line in lines]
    assert [[0.6, 0.6], [0.58, 0.82]] in shown  # the maps
    assert [[0.5, 0.8]] in shown  # the untouched features
    for bar in ([[0.55, 0.6], [0.65, 0.6]], [[0.6, 0.55], [0.6, 0.7]], [[0.52, 0.82], [0.62, 0.82]], [[0.58, 0.81], [0.58, 0.83]]):
        assert any(line.shape == (2, 2) and np.allclose(line, bar) for line in lines)
    quadrant = axes.patches[0].get_xy()
    assert quadrant.min(axis=0).tolist() == [0.5, 0.8]
    assert quadrant.max(axis=0) == pytest.approx([axes.get_xlim()[1], axes.get_ylim()[1]])
    said = {text.get_text() for text in axes.texts}
    assert {"untouched", "naive", "gLocal $x$", "bars: 90% interval of the paired difference from the untouched features"} <= said


def test_names_keep_inside_and_apart(check):
    figure = drawn(check)
    axes = figure.axes[0]
    frame = axes.get_window_extent()
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text() in ("untouched", "naive", "gLocal $x$")]
    assert len(boxes) == 3
    for at, box in enumerate(boxes):
        assert (frame.x0 <= box.x0, box.x1 <= frame.x1, frame.y0 <= box.y0, box.y1 <= frame.y1) == (True,) * 4
        assert not any(box.overlaps(other) for other in boxes[:at])


def test_without_intervals_there_are_no_bars(check):
    axes = drawn(check, low=None, high=None).axes[0]
    assert axes.get_xlim()[0] == pytest.approx(0.488)
    assert len({tuple(map(tuple, np.column_stack(line.get_data()))) for line in axes.lines[2:6]}) == 2  # each bar is its point


def test_equal_checks_give_equal_bytes(check, tmp_path):
    one, two = (best_of_both_worlds(check, tmp_path / name, downstream="few-shot 1-NN") for name in "ab")
    assert [path.name for path in one] == [f"best-of-both-worlds.{ending}" for ending in ("png", "svg", "pdf")]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
