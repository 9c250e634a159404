"""Progress: lines in pipes, bars on terminals, silence when quiet; the rate is of this run only."""

import os
import sys
import time
from contextlib import suppress
from io import StringIO

import pytest

from isomorph.engine import Progress
from isomorph.engine import _progress as progress_module


def test_quiet_shows_nothing_but_counts() -> None:
    stream = StringIO()
    with Progress(quiet=True, stream=stream) as progress, progress.task("a", 3) as task:
        task.advance(2)
    assert (task.done, stream.getvalue()) == (2, "")


def test_a_short_task_is_one_line_in_a_pipe() -> None:
    stream = StringIO()
    with Progress(stream=stream) as progress, progress.task("resnet18", 1000, unit="images") as task:
        for _ in range(1000):
            task.advance(1)
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().startswith("resnet18: 1,000/1,000 images, ")


def test_a_long_task_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "_LINE_SECONDS", 0.05)
    stream, started = StringIO(), time.monotonic()
    with Progress(stream=stream) as progress, progress.task("a", 60) as task:
        for _ in range(60):
            time.sleep(0.005)
            task.advance(1)
    lines = stream.getvalue().splitlines()
    assert 3 <= len(lines) <= (time.monotonic() - started) / 0.05 + 1
    assert lines[0].endswith(" s left")
    assert lines[-1].startswith("a: 60/60 items, ")


def test_a_task_that_is_left_open_is_shown_at_the_end() -> None:
    stream = StringIO()
    with Progress(stream=stream) as progress:
        progress.task("a").advance(7)
    assert stream.getvalue().startswith("a: 7 items")


def test_what_an_earlier_run_did_does_not_count_for_the_rate() -> None:
    with Progress(quiet=True) as progress:
        task = progress.task("a", 1000, done=900)
        assert (task.rate, task.seconds_left) == (None, None)
        time.sleep(0.02)
        task.advance(10)
    assert task.rate is not None
    assert task.seconds_left is not None
    assert task.rate < 10 / 0.02
    assert task.seconds_left == pytest.approx(90 / task.rate, rel=0.5)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_bars_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    leader, follower = os.openpty()
    with os.fdopen(follower, "w") as stream, Progress(stream=stream) as progress, progress.task("net [18]", 20, unit="images") as task:
        task.advance(20)
    shown = b""
    with suppress(OSError):  # the end of a pseudo-terminal is an error; one read may give only a part
        while part := os.read(leader, 4096):
            shown += part
    os.close(leader)
    text = shown.decode()
    assert "net [18]" in text
    assert "20/20" in text
    assert "images/s" in text
    assert "\x1b[" in text
