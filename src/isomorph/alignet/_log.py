"""The record of a run: a line of JSON a step, and TensorBoard's events where they are wanted."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from isomorph.errors import FileError, MissingDependencyError
from isomorph.store._atomic import write_bytes


class LogError(FileError):
    """A line cannot be written, such as on a full disk; the cause says why."""


class Log:
    """Writes `log.jsonl`; when a run goes on from a checkpoint, later lines are dropped and written again.

    Args:
        folder: Where.
        first: The step that comes next.
        writes: Whether this process writes.
        tensorboard: Also write events; a run that goes on adds to them.
    """

    def __init__(self, folder: Path, first: int, *, writes: bool = True, tensorboard: bool = False) -> None:
        self.history = _entries(folder / "log.jsonl", first) if first else []
        self._file = self._board = None
        if not writes:
            return
        if tensorboard:
            self._board = _board(folder)
        with _told():
            write_bytes(folder / "log.jsonl", "".join(json.dumps(entry) + "\n" for entry in self.history).encode())
            self._file = (folder / "log.jsonl").open("a", encoding="utf-8")

    def __enter__(self) -> Log:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for each in (self._file, self._board):
            if each is not None:
                with suppress(OSError):  # a full disk has been told of already: whatever counts was flushed
                    each.close()

    def add(self, entry: Mapping[str, Any]) -> None:
        """Record one step."""
        self.history.append(dict(entry))
        with _told():
            if self._file is not None:
                self._file.write(json.dumps(entry) + "\n")
            if self._board is not None:
                for name, value in _flat(entry):
                    self._board.add_scalar(name, value, entry["step"])

    def flush(self) -> None:
        """Let others read what was written."""
        with _told():
            for each in (self._file, self._board):
                if each is not None:
                    each.flush()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        raise LogError("the log cannot be written") from cause


def _entries(path: Path, first: int) -> list[dict[str, Any]]:
    """The steps before `first`, as far as the file holds them."""
    found: list[dict[str, Any]] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            entry = json.loads(line)
            if entry["step"] < first:
                found.append(entry)
        except (ValueError, KeyError, TypeError):  # a line that a kill cut short
            continue
    return found


def _flat(entry: Mapping[str, Any], before: str = "") -> list[tuple[str, float]]:
    found = []
    for name, value in entry.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{before}{name}/")
        elif name != "step":
            found.append((f"{before}{name}", float(value)))
    return found


def _board(folder: Path) -> Any:
    # Unless this module exists, TensorBoard imports TensorFlow where it is installed, and that sets Keras to a backend which is not ours.
    sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingDependencyError("tensorboard", needed_by="TensorBoard's events", install="pip install tensorboard") from error
    return SummaryWriter(str(folder))
