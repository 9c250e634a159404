"""An archive of a SavedModel, unpacked as a foreign file."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath

from isomorph.errors import FileError

LIMIT_BYTES = 8 << 30
LIMIT_FILES = 10_000


def unpack(archive: Path, folder: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
    """Unpack the plain files of a `.tar.gz` into `folder`, which appears only when all are there.

    Raises:
        FileError: The archive is damaged, holds a link, a device or a path that leaves the folder, more than 10,000 files, or more bytes
            than `limit_bytes`; or the folder cannot be written. Nothing is left behind.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    try:
        with tarfile.open(archive, "r:gz") as members:
            _extract(members, part, archive, limit_bytes)
        part.replace(folder)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{archive} cannot be unpacked into {folder}: {error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _extract(members: tarfile.TarFile, part: Path, archive: Path, limit_bytes: int) -> None:
    total = 0
    for count, member in enumerate(members):
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or "\\" in member.name or ":" in member.name:
            raise FileError(f"{archive} is not unpacked: it holds the path {member.name!r}, which leaves the folder.")
        if not (member.isfile() or member.isdir()):
            raise FileError(f"{archive} is not unpacked: {member.name!r} is neither a file nor a folder.")
        total += member.size
        if total > limit_bytes or count >= LIMIT_FILES:
            raise FileError(f"{archive} is not unpacked: it holds more than {limit_bytes:,} bytes or {LIMIT_FILES:,} files.")
        target = part.joinpath(*path.parts)
        if member.isdir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        source = members.extractfile(member)
        with target.open("xb") as out:
            if source is not None:
                shutil.copyfileobj(source, out)
