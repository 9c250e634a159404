"""`isomorph run` of a VisAlign study."""

from __future__ import annotations

from isomorph.cli._parse import call
from isomorph.cli._visalign import run_study


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(run_study, words, command="run")
