"""Progress for commands: to stderr, and quiet where asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isomorph.engine import Progress


def progress(*, quiet: bool = False) -> Progress:
    """A progress display for one command."""
    from isomorph.engine import Progress

    return Progress(quiet=quiet)
