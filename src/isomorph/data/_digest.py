"""Checking a file's SHA-256 once, and remembering that it was right."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from isomorph.errors import DigestError

_checked: set[tuple[str, int, int, str]] = set()


def cache_folder() -> Path:
    """Where fetched files live: `$ISOMORPH_DATA`, else `~/.cache/isomorph/data`."""
    named = os.environ.get("ISOMORPH_DATA")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "isomorph" / "data"


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_digest(path: Path, sha256: str, *, name: str, again: bool = False) -> None:
    """Raise `DigestError` unless the file at `path` has the digest `sha256` (or begins with it).

    A right digest is remembered by path, size and modification time: in this process, and in the cache folder where that can be
    written. `again` reads the bytes whatever is remembered.
    """
    state = path.stat()
    key = (str(path.resolve()), state.st_size, state.st_mtime_ns, sha256)
    marker = cache_folder() / ".checked" / hashlib.sha256(repr(key).encode()).hexdigest()
    if not again and (key in _checked or marker.exists()):
        _checked.add(key)
        return
    actual = sha256_of(path)
    if not actual.startswith(sha256):
        raise DigestError(
            f"{name} does not hold the bytes it should: {path} has the SHA-256 {actual[:12]}… ({state.st_size:,} bytes), expected "
            f"{sha256[:12]}…. Delete that file to have it fetched or installed again; if it stays wrong, it was changed at its source."
        )
    _checked.add(key)
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time only
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
