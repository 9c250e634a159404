"""Signals by which a scheduler asks for the machine back."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

STOPPED = 75
"""The exit status after SIGUSR1 (`EX_TEMPFAIL` of sysexits.h): come back later."""


class StopRequested(BaseException):
    """Somebody wants the machine back; raised in the midst of a unit, which is then abandoned with its finished shards kept.

    Attributes:
        status: The exit status: 75 after SIGUSR1, by which a job is told to queue again; 143 after SIGTERM, by which it is cancelled.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.status = 128 + number if number == signal.SIGTERM else STOPPED


class StopSignals:
    """Within: SIGUSR1 and SIGTERM raise `StopRequested` in the main thread; elsewhere than in the main thread it does nothing.

    Example:
        >>> with StopSignals() as signals:
        ...     signals.check()
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGUSR1", "SIGTERM"):
                if number := getattr(signal, name, None):
                    self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise if a signal came whose exception was lost, as one in a finalizer is."""
        if self.asked:
            raise StopRequested(self.asked)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if not self.asked:  # a second signal must not interrupt the cleaning up
            self.asked = number
            raise StopRequested(number)
