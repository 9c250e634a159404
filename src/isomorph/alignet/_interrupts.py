"""Ctrl-C between two updates, never within one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class CutShortError(KeyboardInterrupt):
    """Ctrl-C came twice: what was being done is half done."""


@contextmanager
def finished_first() -> Iterator[None]:
    """Ctrl-C waits for what is inside to end, and then counts; a second one counts at once.

    Raises:
        KeyboardInterrupt: At the end.
        CutShortError: At once.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # others decide what Ctrl-C does
        return
    asked = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise CutShortError
        asked = True

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if asked:
        raise KeyboardInterrupt
