"""Commands that a batch system may stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from isomorph.cli._output import say


@contextmanager
def stoppable() -> Iterator[None]:
    """Within, SIGUSR1 and SIGTERM end the command with their own exit status and a sentence; the unit in hand is to blame for nothing."""
    from isomorph.engine import StopRequested, StopSignals

    try:
        with StopSignals():
            yield
    except StopRequested as stop:
        say("stopped by a signal. What was finished is in the store; the same command goes on.")
        raise SystemExit(stop.status) from None
