"""Small files beside a store's objects: who works on what, and how it went."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from isomorph.store._atomic import file_system_time, listing, make_folder, publishing, write_bytes

LEASE_SECONDS = 300.0
"""How long a note of a process of another machine holds after it was last written, by the store's clock."""


@dataclass(frozen=True)
class Note:
    """A note's name, its bytes, and when it was last written by the store's clock, in seconds."""

    name: str
    content: bytes
    written: float


class Notes(Protocol):
    """The notes in one folder of a store; names are `folder/rest`. Every call may raise an `OSError`."""

    def read(self, folder: str, start: str = "") -> list[Note]:
        """The notes of a folder whose names begin with `start`, sorted."""

    def about(self, fingerprints: Collection[str]) -> list[Note]:
        """The notes `<2 hex>/<fingerprint>.…` on many units, sorted, told by as few looks into the store as possible."""

    def write(self, name: str, content: bytes) -> None:
        """Write a note, in place of what there is."""

    def renew(self, name: str, content: bytes) -> None:
        """Let a note that was written with `content` look as if it had just been written."""

    def append(self, name: str, line: bytes) -> None:
        """Add a line to a note that only this process writes."""

    def delete(self, name: str) -> None:
        """Remove a note; one that is gone already is no error."""

    def now(self) -> float:
        """The time by the store's clock."""

    def alone(self, folder: str) -> AbstractContextManager[bool]:
        """Within, nobody else writes into the folder, if what is yielded is true; otherwise that cannot be known."""


class FolderNotes:
    """Notes in a folder of this machine or of a network file system."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, folder: str, start: str = "") -> list[Note]:
        """The notes of a folder whose names begin with `start`, sorted."""
        return _read(path for path in listing(self._root / folder) if path.name.startswith(start))

    def about(self, fingerprints: Collection[str]) -> list[Note]:
        """The notes on many units, sorted; each folder is listed once."""
        asked, folders = set(fingerprints), sorted({each[:2] for each in fingerprints})
        return _read(path for folder in folders for path in listing(self._root / folder) if path.name.partition(".")[0] in asked)

    def write(self, name: str, content: bytes) -> None:
        """Write a note, in place of what there is."""
        self._folder(name.partition("/")[0])
        write_bytes(self._root / name, content, durable=False)

    def renew(self, name: str, content: bytes) -> None:
        """Let a note look as if it had just been written; one that is gone stays so."""
        if (self._root / name).exists():
            (self._root / name).touch()

    def append(self, name: str, line: bytes) -> None:
        """Add a line to a note that only this process writes."""
        self._folder(name.partition("/")[0])
        with (self._root / name).open("ab") as file:
            file.write(line + b"\n")

    def delete(self, name: str) -> None:
        """Remove a note."""
        (self._root / name).unlink(missing_ok=True)

    def now(self) -> float:
        """The time by the clock of the file system: machines' clocks differ, and jump."""
        return file_system_time(self._root)

    @contextmanager
    def alone(self, folder: str) -> Iterator[bool]:
        """Within, nobody else on this machine writes into the folder."""
        with publishing(self._folder(folder)):
            yield True

    def _folder(self, name: str) -> Path:
        """A folder of notes, made if need be; of these only the store's own must survive a power cut."""
        folder = self._root / name
        if not folder.is_dir():
            make_folder(self._root.parent)
            folder.mkdir(parents=True, exist_ok=True)
        return folder


def _read(paths: Iterable[Path]) -> list[Note]:
    notes = []
    for path in paths:
        with suppress(OSError):  # it has just gone
            notes.append(Note(f"{path.parent.name}/{path.name}", path.read_bytes(), path.stat().st_mtime))
    return notes
