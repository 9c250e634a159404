"""Files in an object store, by name: S3, Google Cloud Storage, Azure or memory, through fsspec."""

from __future__ import annotations

import os
import random
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from isomorph.errors import InputError, MissingDependencyError, StoreError
from isomorph.store._listed import ordered_page, which
from isomorph.store._receipt import JSON_LIMIT
from isomorph.store._remote_connection import RemoteConnection
from isomorph.store._remote_errors import code_of, comes_back, exists_already, no_bucket, of_this_disk, store_error

T = TypeVar("T")
PATIENCE_SECONDS = 60.0
_FIRST_CONTACT_SECONDS = 5.0
_CLOCK_SECONDS = 60.0
_PIECE = 16 * 2**20  # bytes of a part: what a slow line carries within the time-out
_AT_ONCE = 4
_TIMES = ("LastModified", "updated", "mtime", "last_modified", "created")


@dataclass(frozen=True)
class RemoteFile:
    """A file's size in bytes, and when it was written by the store's clock, in seconds."""

    bytes: int
    written: float


@dataclass(frozen=True)
class Upload:
    """An upload in parts that has begun: of which name, what the store calls it, and when it began by the store's clock, in seconds."""

    name: str
    id: str
    begun: float


class RemoteFiles:
    """Files under one address. Each is there whole or not at all; none appears before its last byte has arrived.

    Every call is tried again while the store does not answer, for `ISOMORPH_STORE_PATIENCE` seconds (60), five at the first contact, so
    that a wrong address is told soon. Only then it is a `StoreError`, whose cause says that it passes.

    Args:
        url: `s3://bucket/prefix`, `gs://…`, `az://…`, `memory://…`. Credentials come from the environment, never from here.

    Raises:
        InputError: It is no such address, or it carries a password.
        MissingDependencyError: The package for this kind of store is absent (when the store is first used).
    """

    def __init__(self, url: str) -> None:
        self._line = RemoteConnection(url)
        self._patience = _patience()
        self._clock: tuple[float, float] | None = None

    def hurried(self, seconds: float) -> RemoteFiles:
        """The same files, for calls that are not worth a long wait."""
        other = copy(self)
        other._patience = min(seconds, self._patience)
        return other

    @property
    def url(self) -> str:
        """The address."""
        return self._line.url

    def read(self, name: str) -> bytes | None:
        """A small file; None where there is none."""
        return self._try("be read", partial(_range, name, 0, JSON_LIMIT), missing=None)

    def read_all(self, names: Iterable[str]) -> dict[str, bytes]:
        """Small files, several at once; those that are there."""

        def some(fs: Any, root: str) -> dict[str, bytes]:
            paths = [f"{root}/{name}" for name in wanted]
            found = fs.cat_ranges(paths, [0] * len(paths), [JSON_LIMIT] * len(paths), on_error="return")
            for each in found:
                if isinstance(each, Exception) and not isinstance(each, FileNotFoundError):
                    raise each
            return {name: content for name, content in zip(wanted, found, strict=True) if isinstance(content, bytes)}

        wanted = list(names)
        return self._try("be read", some, missing={}) if wanted else {}

    def pieces(self, name: str, size: int) -> Iterator[bytes]:
        """The bytes of a large file, piece by piece."""
        for start in range(0, size, _PIECE):
            yield self._try("be read", partial(_range, name, start, min(start + _PIECE, size)), missing=None) or b""

    def download(self, name: str, path: Path) -> bool:
        """Write a file's bytes to `path`; False where there is none."""

        def get(fs: Any, root: str) -> bool:
            fs.get_file(f"{root}/{name}", str(path), **self._pieces)
            return True

        return self._try("be read", get, missing=False)

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, in place of what there is."""
        self._try("be written", lambda fs, root: fs.pipe_file(f"{root}/{name}", content))

    def create(self, name: str, content: bytes | Path) -> bool:
        """Write a file of bytes in memory or of a path; False if one was there, which stays.

        Where a store cannot promise that (the header `If-None-Match` is unknown to it), the last of two writers wins.
        """

        def put(fs: Any, root: str) -> bool:
            try:
                if isinstance(content, bytes):
                    fs.pipe_file(f"{root}/{name}", content, **self._line.once)
                else:
                    fs.put_file(str(content), f"{root}/{name}", **self._line.once, **self._pieces)
            except Exception as error:
                if exists_already(error):
                    return False
                if code_of(error) == "NotImplemented" and self._line.conditional:
                    self._line.conditional = False
                    return put(fs, root)
                raise
            return True

        return self._try("be written", put)

    def delete(self, names: Iterable[str]) -> None:
        """Remove files; those that are gone already are no error."""
        for name in names:
            self._try("be written", partial(_remove, name), missing=None)

    def list(self, folder: str, start: str = "") -> dict[str, RemoteFile]:
        """The files in and under a folder whose names go on with `start`; names count from this address."""

        def found(fs: Any, root: str) -> dict[str, RemoteFile]:
            below = fs.find(f"{root}/{folder}", detail=True, **({"prefix": start} if start else {}))
            return {path[len(root) + 1 :]: _file(facts) for path, facts in below.items() if path.startswith(f"{root}/{folder}/{start}")}

        none: dict[str, RemoteFile] = {}
        return dict(sorted(self._try("be listed", found, missing=none).items()))

    def which(self, names: Iterable[str]) -> set[str]:
        """Those of many files that are there, by far fewer requests than names; a page or a folder is in memory at a time."""
        if self._line.kind == "s3":
            return which(names, lambda after: self._try("be listed", partial(ordered_page, after)))
        folders = {folder: set(some) for folder, some in groupby(sorted(names), key=lambda name: name.rsplit("/", 2)[0])}
        return {name for folder, some in folders.items() for name in some & self.list(folder).keys()}

    def now(self) -> float:
        """The time by the store's clock: machines' clocks differ, and jump."""
        if self._clock is None or time.monotonic() - self._clock[1] > _CLOCK_SECONDS:
            probe = f".{secrets.token_hex(6)}.now"
            self.write(probe, b"")
            self._clock = (self._try("be read", lambda fs, root: _file(fs.info(f"{root}/{probe}")).written), time.monotonic())
            self.delete([probe])
        return self._clock[0] + time.monotonic() - self._clock[1]

    def uploads(self, folder: str) -> Sequence[Upload]:
        """Uploads in parts to names under a folder that have not ended: no listing shows them, but they take space. S3 only."""

        def begun(fs: Any, root: str) -> list[Upload]:
            bucket, _, key = root.partition("/")
            top = f"{key}/" if key else ""
            found = fs.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=f"{top}{folder}/").get("Uploads", [])
            return [Upload(each["Key"].removeprefix(top), each["UploadId"], each["Initiated"].timestamp()) for each in found]

        return self._try("be listed", begun) if self._line.kind == "s3" else ()

    def abandon(self, upload: Upload) -> None:
        """Remove what an upload in parts has brought so far."""

        def abort(fs: Any, root: str) -> None:
            bucket, _, key = f"{root}/{upload.name}".partition("/")
            fs.call_s3("abort_multipart_upload", Bucket=bucket, Key=key, UploadId=upload.id)

        self._try("be written", abort, missing=None)

    @property
    def _pieces(self) -> dict[str, int]:
        return {"chunksize": _PIECE, "max_concurrency": _AT_ONCE} if self._line.kind == "s3" else {}

    def _try(self, doing: str, call: Callable[[Any, str], T], **missing: T) -> T:
        """Call until the store answers or patience ends; `missing` is what a file that is not there gives."""
        first, pause = None, 0.2
        while True:
            try:
                answer = call(*self._line.get())
                self._line.reached = True
                return answer
            except Exception as error:
                if isinstance(error, FileNotFoundError) and not no_bucket(error) and "missing" in missing:
                    return missing["missing"]
                if isinstance(error, InputError | MissingDependencyError | StoreError) or of_this_disk(error):
                    raise
                first = first or time.monotonic()
                waited = time.monotonic() - first
                patience = self._patience if self._line.reached else min(self._patience, _FIRST_CONTACT_SECONDS)
                if not comes_back(error) or waited >= patience:
                    said = store_error(error, self.url, doing, waited_seconds=waited)
                    raise said from said.__cause__
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - not a secret
            pause = min(2 * pause, 5.0)


def _range(name: str, start: int, end: int, fs: Any, root: str) -> bytes | None:
    return bytes(fs.cat_file(f"{root}/{name}", start=start, end=end))


def _remove(name: str, fs: Any, root: str) -> None:
    fs.rm_file(f"{root}/{name}")


def _file(facts: dict[str, Any]) -> RemoteFile:
    when = next((facts[key] for key in _TIMES if facts.get(key) is not None), 0.0)
    if isinstance(when, str):
        with suppress(ValueError):
            when = datetime.fromisoformat(when)
    return RemoteFile(int(facts["size"]), when.timestamp() if isinstance(when, datetime) else float(when))


def _patience() -> float:
    text = os.environ.get("ISOMORPH_STORE_PATIENCE", "")
    if not text:
        return PATIENCE_SECONDS
    with suppress(ValueError):
        if 0 <= (seconds := float(text)) < float("inf"):
            return seconds
    raise InputError(f"ISOMORPH_STORE_PATIENCE must be a number of seconds; got {text!r:.40}.")
