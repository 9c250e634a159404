"""`isomorph run` of an AligNet study."""

from __future__ import annotations

from isomorph.cli._alignet import run_study
from isomorph.cli._parse import call


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(run_study, words, command="run")
