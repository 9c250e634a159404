"""The command line: parse, call one function, print."""

from isomorph.cli._main import main

__all__ = ["main"]
