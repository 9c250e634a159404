"""Notes in an object store."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from isomorph.store._notes import Note
from isomorph.store._remote_files import RemoteFile, RemoteFiles

_PATIENCE_SECONDS = 5.0  # notes are advisory: the work does not wait for them
_LONGEST_BYTES = 32 * 2**10


class RemoteNotes:
    """Notes under one folder of an address. Objects cannot be appended to: lines are gathered and written over, up to 32 KiB a file."""

    def __init__(self, files: RemoteFiles, folder: str) -> None:
        self._files, self._root = files.hurried(_PATIENCE_SECONDS), folder
        self._lines: dict[str, tuple[str, bytes]] = {}

    def read(self, folder: str, start: str = "") -> list[Note]:
        """The notes of a folder whose names begin with `start`, sorted."""
        return self._read(self._files.list(f"{self._root}/{folder}", start))

    def about(self, fingerprints: Collection[str]) -> list[Note]:
        """The notes on many units, sorted: one listing, of units that run or failed, in whatever study."""
        asked = set(fingerprints)
        there = self._files.list(self._root) if asked else {}
        return self._read({name: file for name, file in there.items() if PurePosixPath(name).name.partition(".")[0] in asked})

    def _read(self, there: dict[str, RemoteFile]) -> list[Note]:
        contents = self._files.read_all(there)
        return [Note(name.removeprefix(f"{self._root}/"), contents[name], file.written) for name, file in there.items() if name in contents]

    def write(self, name: str, content: bytes) -> None:
        """Write a note, in place of what there is."""
        self._files.write(f"{self._root}/{name}", content)

    def renew(self, name: str, content: bytes) -> None:
        """Write a note again."""
        self.write(name, content)

    def append(self, name: str, line: bytes) -> None:
        """Add a line to a note that only this process writes."""
        path = PurePosixPath(name)
        real, content = self._lines.get(name, ("", b""))
        if not real or len(content) > _LONGEST_BYTES:
            real, content = f"{path.parent}/{path.stem}-{secrets.token_hex(4)}{path.suffix}", b""
        content += line + b"\n"
        self._lines[name] = (real, content)
        self.write(real, content)

    def delete(self, name: str) -> None:
        """Remove a note."""
        self._files.delete([f"{self._root}/{name}"])

    def now(self) -> float:
        """The time by the store's clock."""
        return self._files.now()

    @contextmanager
    def alone(self, folder: str) -> Iterator[bool]:
        """Object stores have no locks."""
        yield False
