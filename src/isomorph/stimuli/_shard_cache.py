"""Blocks of remote shards on a disk of this machine, for the next model that sees the same pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import xxhash

from isomorph.engine import parse_bytes
from isomorph.errors import StoreError
from isomorph.spec import fingerprint
from isomorph.store._atomic import TEMPORARY, make_folder, write_bytes

try:
    import fcntl
except ImportError:  # Windows: there, two processes may fetch one block twice
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from isomorph.stimuli._remote_shard import RemoteShard

_DEFAULT_SIZE = "50GB"
_DIGEST_BYTES = 16
_SHARE = 16  # so many processes may write at once before the limit is passed
_OURS = re.compile(rf"[0-9a-f]{{32}}-[0-9]+|\.[0-9a-f]{{32}}-[0-9]+\..*{re.escape(TEMPORARY)}")
"""What blocks are called, and what a killed process leaves of one; other files of the folder are somebody's."""


class ShardCache:
    """A folder of at most about `limit` bytes, whose oldest blocks go first; any number of processes may share it.

    A block is named by its shard's address, size and ETag, so that one of a shard that has changed is never read, and ends with its digest:
    what is damaged is fetched again. A disk that is full or gone costs nothing but the fetching.

    Args:
        folder: Where; made if it is not there.
        limit: How many bytes.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self._limit, self._left = folder, limit, 0

    def read(self, shard: RemoteShard, number: int) -> bytes | None:
        """A block, or None."""
        path = self._path(shard, number)
        with suppress(OSError):
            whole = path.read_bytes()
            content, digest = whole[:-_DIGEST_BYTES], whole[-_DIGEST_BYTES:]
            if digest == xxhash.xxh3_128(content).digest():
                os.utime(path)  # the oldest is what was not read for longest; what is not ours to touch is not taken
                return content
            path.unlink()
        return None

    def write(self, shard: RemoteShard, number: int, content: bytes) -> None:
        """Keep a block, and make room for it."""
        size = len(content) + _DIGEST_BYTES
        if size > self._limit:
            return
        with suppress(OSError, StoreError):
            if size > self._left:
                self._tidy(size)
            self._left -= size
            path = self._path(shard, number)
            make_folder(path.parent)
            write_bytes(path, content + xxhash.xxh3_128(content).digest(), durable=False)

    @contextmanager
    def alone(self, shard: RemoteShard, number: int) -> Iterator[None]:
        """While one process fetches a block, others of this machine wait for it; where there are no locks, nobody waits."""
        descriptor = -1
        try:
            with suppress(OSError, StoreError):
                make_folder(self._folder)
                descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
                if fcntl is not None:
                    fcntl.lockf(descriptor, fcntl.LOCK_EX, 1, crc32(self._path(shard, number).name.encode()))
            yield
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def _path(self, shard: RemoteShard, number: int) -> Path:
        name = fingerprint(shard.identity())[:32]
        return self._folder / name[:2] / f"{name}-{number}"

    def _tidy(self, needed: int) -> None:
        """Remove the oldest blocks until a tenth is free, if little is; then so much may be written before the next look."""
        found = []
        for path in (each for each in self._folder.glob("??/*") if _OURS.fullmatch(each.name)):
            with suppress(OSError):  # another process tidies, too
                status = path.stat()
                found.append((status.st_mtime_ns, status.st_size, path))
        held = sum(size for _, size, _ in found)
        if held + needed > self._limit * 0.95:
            for _, size, path in sorted(found):
                if held + needed <= self._limit * 0.9:
                    break
                with suppress(OSError):
                    path.unlink()
                held -= size
        self._left = max(needed, (self._limit - held) // _SHARE)


def shard_cache() -> ShardCache | None:
    """The cache that `ISOMORPH_SHARD_CACHE` names, of at most `ISOMORPH_SHARD_CACHE_SIZE` (50GB); None where it is not set.

    Raises:
        InputError: The size is no amount of memory.
    """
    folder = os.environ.get("ISOMORPH_SHARD_CACHE")
    return _cache_at(folder, os.environ.get("ISOMORPH_SHARD_CACHE_SIZE") or _DEFAULT_SIZE) if folder else None


@lru_cache(maxsize=4)
def _cache_at(folder: str, size: str) -> ShardCache:
    return ShardCache(Path(folder), parse_bytes(size, name="ISOMORPH_SHARD_CACHE_SIZE"))
