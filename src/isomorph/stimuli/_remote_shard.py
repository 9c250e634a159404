"""A tar shard that is read over a network, range by range: HTTP by itself, S3 and its like through fsspec."""

from __future__ import annotations

import http.client
import io
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar, cast
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from isomorph._version import __version__
from isomorph.errors import FetchError, FileError, MissingDependencyError
from isomorph.stimuli._shard_cache import shard_cache

T = TypeVar("T")
BLOCK = 4 * 2**20
_KEPT_BLOCKS = 8
_TIMEOUT_SECONDS = 30.0
_PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0)
_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_CHANGED = "the shard {url} has changed since it was indexed ({what}); open the stream again."


@dataclass(frozen=True)
class RemoteShard:
    """A shard at an address, as it was when it was first seen.

    Attributes:
        path: The address, `http(s)://…` or one that fsspec knows (`s3://…`).
        size: Its bytes.
        tag: What changes with its content: the ETag, else the time of the last change.
    """

    path: str
    size: int
    tag: str

    @classmethod
    def of(cls, url: str) -> RemoteShard:
        """The shard as it is now.

        Raises:
            FileError: It is not there, or its server gives no ranges.
            FetchError: The server did not answer, again and again.
        """
        if url.startswith(("http://", "https://")):
            _, size, tag = _patiently(url, lambda: _http_range(url, 0, 1))
            return cls(url, size, tag)
        return _patiently(url, lambda: cls(url, *_fsspec_facts(url)))

    def read(self, offset: int, size: int) -> bytes:
        """Some bytes; those of a block are fetched at once and kept for the next picture."""
        parts = []
        for number in range(offset // BLOCK, (offset + size - 1) // BLOCK + 1 if size else 0):
            block = _BLOCKS.get(self, number)
            parts.append(block[max(0, offset - number * BLOCK) : max(0, offset + size - number * BLOCK)])
        return b"".join(parts)

    def open(self) -> BinaryIO:
        """As a file."""
        return cast("BinaryIO", _RangeFile(self))

    def identity(self) -> dict[str, Any]:
        """What its index is named by."""
        return {"path": self.path, "size": self.size, "tag": self.tag}

    def fetch(self, start: int, stop: int) -> bytes:
        """A range, whatever the blocks.

        Raises:
            FileError: The shard has changed, or the server does not keep to the range.
            FetchError: The server did not answer, again and again.
        """
        content, size, tag = _patiently(self.path, lambda: _range(self.path, start, stop))
        if (size, tag) != (self.size, self.tag):
            what = f"{size:,} bytes instead of {self.size:,}" if size != self.size else f"its tag is {tag} instead of {self.tag}"
            raise FileError(_CHANGED.format(url=self.path, what=what))
        return content


class _Blocks:
    """The last blocks that were fetched, of all shards."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[RemoteShard, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, shard: RemoteShard, number: int) -> bytes:
        with self._lock:  # two threads of one batch want the same block: one fetches it
            key = (shard, number)
            if key not in self._kept:
                self._kept[key] = _block(shard, number)
                while len(self._kept) > _KEPT_BLOCKS:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]


_BLOCKS = _Blocks()


def _block(shard: RemoteShard, number: int) -> bytes:
    """A block from the cache on disk, where there is one and the server vouches for the shard; else from the server."""

    def fetch() -> bytes:
        return shard.fetch(number * BLOCK, min(number * BLOCK + BLOCK, shard.size))

    cache = shard_cache() if shard.tag else None
    if cache is None:
        return fetch()
    found = cache.read(shard, number)
    if found is None:
        with cache.alone(shard, number):
            found = cache.read(shard, number)  # who had to wait finds what another process fetched
            if found is None:
                found = fetch()
                cache.write(shard, number, found)
    return found


class _RangeFile(io.RawIOBase):
    """A shard as a file for those who read headers."""

    def __init__(self, shard: RemoteShard) -> None:
        self._shard, self._at = shard, 0

    def read(self, size: int = -1) -> bytes:
        stop = self._shard.size if size < 0 else min(self._at + size, self._shard.size)
        content = self._shard.read(self._at, stop - self._at) if stop > self._at else b""
        self._at += len(content)
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._shard.size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at


def _patiently(url: str, action: Callable[[], T]) -> T:
    """The result, after further tries where an error may pass."""
    for pause in (*_PAUSES_SECONDS, None):
        try:
            return action()
        except HTTPError as error:
            error.close()
            if error.code not in _PASSING_STATUS:
                raise FileError(f"the shard {url} cannot be had: the server says {error.code} {error.reason}.") from error
            last: Exception = error
        except (FileNotFoundError, PermissionError) as error:
            raise error if isinstance(error, FileError) else FileError(f"the shard {url} cannot be had: {error}.") from error
        except (URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
            last = error
        if pause is not None:
            time.sleep(pause)
    tries = len(_PAUSES_SECONDS) + 1
    raise FetchError(
        f"the shard {url} could not be read in {tries} tries; the last: {last or type(last).__name__}. Try again later."
    ) from last


def _range(url: str, start: int, stop: int) -> tuple[bytes, int, str]:
    return _http_range(url, start, stop) if url.startswith(("http://", "https://")) else _fsspec_range(url, start, stop)


def _http_range(url: str, start: int, stop: int) -> tuple[bytes, int, str]:
    """The bytes, the size of the whole, its tag."""
    headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity", "User-Agent": f"isomorph/{__version__}"}
    with urlopen(Request(url, headers=headers), timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - the scheme was looked at
        told = _RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
        if answer.status != 206 or not told:
            raise FileError(
                f"the server of {url} gives no ranges of bytes (it answered {answer.status} to a request for {stop - start:,} of them), so "
                "that single pictures cannot be read. Download the shards, or serve them from a server that does."
            )
        content = answer.read(stop - start)
        if (int(told[1]), len(content)) != (start, stop - start):
            raise http.client.IncompleteRead(content, stop - start - len(content))
        return content, int(told[3]), answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""


def _fsspec_facts(url: str) -> tuple[int, str]:
    system, path = _file_system(url)
    system.invalidate_cache()
    facts = system.info(path)
    tag = next((str(facts[key]) for key in ("ETag", "etag", "LastModified", "updated", "mtime", "created") if facts.get(key)), "")
    return int(facts["size"]), tag


def _fsspec_range(url: str, start: int, stop: int) -> tuple[bytes, int, str]:
    system, path = _file_system(url)
    content = bytes(system.cat_file(path, start=start, end=stop))
    size, tag = _fsspec_facts(url)
    if len(content) != stop - start and stop <= size:
        raise http.client.IncompleteRead(content, stop - start - len(content))
    return content, size, tag


def _file_system(url: str) -> tuple[Any, str]:
    try:
        import fsspec

        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        package = error.name or "fsspec"
        raise MissingDependencyError(package, needed_by=repr(url), install="pip install 'isomorph[s3]'") from error
    except ValueError as error:
        raise FileError(f"{url!r} is no address of a shard: {error}.") from error
    return system, path
