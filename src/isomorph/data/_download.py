"""One public file over HTTPS: bounded by its catalogue row, resumed where it broke off, checked before it gets its name."""

from __future__ import annotations

import contextlib
import http.client
import os
import ssl
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.error import URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from isomorph.data._catalogue import DataFile
from isomorph.data._digest import sha256_of
from isomorph.errors import DigestError, FetchError, FileError, IsomorphError

_CHUNK = 1 << 18
_ORPHAN_SECONDS = 600
_NETWORK = (URLError, TimeoutError, ConnectionError, http.client.HTTPException, ssl.SSLError)


class _HttpsOnly(HTTPRedirectHandler):
    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        if not newurl.startswith("https://"):
            raise URLError(f"the server sends on to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> OpenerDirector:
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return build_opener(HTTPSHandler(context=context), _HttpsOnly())


def open_https(request: Request) -> Any:
    """Open a request; anything but https is refused, also after a redirect."""
    if request.type != "https":
        raise URLError(f"{request.full_url} is not https")
    return _opener().open(request, timeout=30)


def download(
    row: DataFile,
    destination: Path,
    *,
    advance: Callable[[int], None] = lambda _: None,
    open_url: Callable[[Request], Any] = open_https,
    attempts: int = 3,
) -> None:
    """Fetch `row.url` to `destination`, which appears only when all its bytes are right.

    Args:
        row: The catalogue row: never more than its bytes are read.
        destination: Where the file is to stand.
        advance: Called with the number of bytes that arrived.
        open_url: Opens a request.
        attempts: How often a broken connection is taken up again.

    Raises:
        FetchError: The network does not give the file.
        DigestError: The bytes that came are others.
        FileError: The cache folder cannot be written.
    """
    name = f"{row.dataset}/{row.file}"
    part = None
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        part = _claim(destination)
        _stream_all(row, part, advance, open_url, attempts)
        actual = sha256_of(part)
        if actual != row.sha256:
            part.unlink()
            raise DigestError(f"{name} came from {row.url} with the SHA-256 {actual[:12]}…, expected {row.sha256[:12]}…. It was not kept.")
        part.replace(destination)
    except OSError as error:
        if isinstance(error, IsomorphError):
            raise
        raise FileError(f"{name} cannot be put into {destination.parent}: {error}. Name another folder in ISOMORPH_DATA.") from error
    finally:
        if part is not None and part.exists():  # what has come so far waits for the next attempt
            part.rename(_resumable(destination)) if part.stat().st_size else part.unlink()


def _resumable(destination: Path) -> Path:
    return destination.with_name(destination.name + ".part")


def _claim(destination: Path) -> Path:
    """A partial file that is this process's alone: what an earlier attempt left, else empty."""
    mine = destination.with_name(f"{destination.name}.part-{uuid.uuid4().hex}")
    orphans = [each for each in destination.parent.glob("*.part-*") if each.name.startswith(f"{destination.name}.part-")]
    for left in (_resumable(destination), *orphans):
        with contextlib.suppress(OSError):
            if left == _resumable(destination) or time.time() - left.stat().st_mtime > _ORPHAN_SECONDS:
                return left.rename(mine)
    mine.touch()
    return mine


def _stream_all(row: DataFile, part: Path, advance: Callable[[int], None], open_url: Callable[[Request], Any], attempts: int) -> None:
    if part.stat().st_size > row.bytes:
        os.truncate(part, 0)
    advance(part.stat().st_size)
    reason = "the connection closed early"
    for _ in range(attempts):
        before = part.stat().st_size
        try:
            for count in _stream(row, part, open_url):
                advance(count)
        except _NETWORK as error:
            reason = str(getattr(error, "reason", None) or error)
        if part.stat().st_size == row.bytes:
            return
        if part.stat().st_size == before:  # no network, or the server has it no more: trying again would only take time
            break
    raise FetchError(f"{row.url} stopped at {part.stat().st_size:,} of {row.bytes:,} bytes: {reason}.")


def _stream(row: DataFile, part: Path, open_url: Callable[[Request], Any]) -> Iterator[int]:
    start = part.stat().st_size
    if start == row.bytes:
        return
    request = Request(row.url, headers={"User-Agent": "isomorph", "Accept-Encoding": "identity"})  # noqa: S310 - open_https checks
    if start:
        request.add_header("Range", f"bytes={start}-")
    with open_url(request) as answer, part.open("ab") as file:
        if start and not (answer.status == 206 and str(answer.headers.get("Content-Range", "")).startswith(f"bytes {start}-")):
            file.truncate(0)
            yield -start
            start = 0
        while chunk := answer.read(min(_CHUNK, row.bytes - start + 1)):
            start += len(chunk)
            if start > row.bytes:
                file.truncate(0)
                raise FetchError(f"{row.url} sends more than the {row.bytes:,} bytes of its catalogue row. Nothing was kept.")
            file.write(chunk)
            yield len(chunk)
