"""How far the work is: bars on a terminal, now and then a line elsewhere, nothing when quiet. Always on stderr."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import ProgressColumn, TaskID

_LINE_SECONDS = 5.0


class _Display(Protocol):
    def show(self, task: Task) -> None: ...
    def stop(self) -> None: ...


class Progress:
    """Shows tasks while its `with` block runs.

    Args:
        quiet: Show nothing.
        stream: Where to; None is stderr. Bars on a terminal, elsewhere one line a task at most every five seconds.

    Example:
        >>> with Progress(quiet=True) as progress, progress.task("resnet18", 100, unit="images") as task:
        ...     for _ in range(100):
        ...         task.advance(1)
        >>> task.done
        100
    """

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._display: _Display | None = None

    def __enter__(self) -> Progress:
        if not self._quiet and self._display is None:
            terminal = self._stream.isatty() and os.environ.get("TERM") != "dumb"
            self._display = _Bars(self._stream) if terminal else _Lines(self._stream)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._display is not None:
            self._display.stop()
            self._display = None

    def task(self, label: str, total: int | None = None, *, unit: str = "items", done: int = 0) -> Task:
        """Begin to show a task.

        Args:
            label: What is done, in a few words.
            total: How many units there are; None if that is not known.
            unit: What is counted, in the plural.
            done: How many were done before, in an earlier run; they do not count for the rate.
        """
        return Task(label, total, unit, done, self._display)


class Task:
    """One row of a `Progress`; use it in a `with` block, or call `close`, so that its last state is shown."""

    def __init__(self, label: str, total: int | None, unit: str, done: int, display: _Display | None) -> None:
        self.label, self.total, self.unit, self.done = label, total, unit, done
        self.closed = False
        self._before, self._started = done, time.monotonic()
        self._display = display
        self._show()

    def __enter__(self) -> Task:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def advance(self, n: int = 1) -> None:
        """Count `n` more as done."""
        self.done += n
        self._show()

    def close(self) -> None:
        """The task is over, finished or not."""
        if not self.closed:
            self.closed = True
            self._show()

    @property
    def rate(self) -> float | None:
        """Units a second in this run; None before the first."""
        seconds = time.monotonic() - self._started
        return (self.done - self._before) / seconds if self.done > self._before and seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """The time the rest will take at this rate; None where that cannot be told."""
        return (self.total - self.done) / self.rate if self.total is not None and self.rate else None

    def __str__(self) -> str:
        of = "" if self.total is None else f"/{self.total:,}"
        return ", ".join([f"{self.label}: {self.done:,}{of} {self.unit}", *filter(None, (self.speed, self.wait))])

    @property
    def speed(self) -> str:
        """The rate in words; empty before the first unit."""
        rate = self.rate
        return "" if rate is None else f"{rate:,.0f} {self.unit}/s" if rate >= 100 else f"{rate:.3g} {self.unit}/s"

    @property
    def wait(self) -> str:
        """The time left in words; empty where it cannot be told or nothing is left."""
        return "" if self.closed or not self.seconds_left else f"{_duration(self.seconds_left)} left"

    def _show(self) -> None:
        if self._display is not None:
            self._display.show(self)


class _Lines:
    """Plain lines, for log files and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._next: dict[Task, float] = {}
        self._shown: dict[Task, int] = {}

    def show(self, task: Task) -> None:
        now = time.monotonic()
        if now < self._next.setdefault(task, now + _LINE_SECONDS) and not task.closed:
            return
        self._next[task] = now + _LINE_SECONDS
        if self._shown.get(task) != task.done or task.done != task.total:  # the end is said once
            print(task, file=self._stream, flush=True)
        self._shown[task] = task.done

    def stop(self) -> None:
        for task in self._next:
            task.close()


class _Bars:
    """Rich's live bars."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bars

        self._bars: Bars = Bars(*_columns(), console=Console(file=stream))
        self._rows: dict[Task, TaskID] = {}
        self._bars.start()

    def show(self, task: Task) -> None:
        if task not in self._rows:
            self._rows[task] = self._bars.add_task(task.label, total=task.total, rate="", left="")
        self._bars.update(self._rows[task], completed=task.done, rate=task.speed, left=task.wait)

    def stop(self) -> None:
        self._bars.stop()


def _columns() -> list[ProgressColumn | str]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

    fields: list[Any] = [TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn()]
    return [*fields, TextColumn("{task.fields[rate]}", markup=False), TextColumn("{task.fields[left]}", markup=False)]


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
