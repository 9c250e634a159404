"""A file of weights that its authors serve at a URL, in torch's cache."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import re
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request

from isomorph.data._digest import check_digest, sha256_of
from isomorph.data._download import open_https
from isomorph.engine import Progress
from isomorph.errors import DigestError, FetchError, FileError

_CHUNK = 1 << 18
_LIMIT = 8 << 30  # no file of the catalogue is as large; a server that never stops is stopped
_NETWORK = (URLError, TimeoutError, ConnectionError, http.client.HTTPException)
_HASHED = re.compile(r"-([0-9a-f]{8,64})\.[a-z.]+")


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """One file of weights.

    Attributes:
        model: The model's name, for messages.
        url: Where its authors serve it.
        file: What it is called in torch's cache, the folder `hub/checkpoints` under `$TORCH_HOME`.
        sha256: Its SHA-256, or the first eight or more digits of it; empty where its authors publish none. Then the digest of the first
            file that held the network is kept beside it, as `<file>.sha256`, and every later file must have it.
        untrained: The name of the same network without weights, for messages.
    """

    model: str
    url: str
    file: str
    sha256: str
    untrained: str

    @property
    def path(self) -> Path:
        """Where it stands in torch's cache."""
        import torch

        return Path(torch.hub.get_dir()) / "checkpoints" / self.file

    @property
    def _receipt(self) -> Path:
        return self.path.with_name(f"{self.file}.sha256")

    def fetch(self, *, open_url: Callable[[Request], Any] = open_https) -> Path:
        """The path of the file, fetched when it is not there, its digest checked.

        Raises:
            FetchError: The server cannot be reached, or breaks off.
            DigestError: The bytes are others than the ones that were published, or used before.
            FileError: The cache cannot be written.
        """
        if not self.path.exists():
            self._download(open_url)
        if self.sha256:
            check_digest(self.path, self.sha256, name=f"the weight file of {self.model!r}")
        elif self._receipt.exists():
            self._check_receipt()
        return self.path

    def remember(self) -> None:
        """Keep the digest of a file that held the network, where its authors publish none."""
        if not self.sha256 and not self._receipt.exists():
            with contextlib.suppress(OSError):  # a cache that cannot be written loses the check only
                self._receipt.write_text(f"{sha256_of(self.path)}\n", encoding="ascii")

    def _check_receipt(self) -> None:
        try:
            check_digest(self.path, self._receipt.read_text(encoding="ascii").strip(), name=f"the weight file of {self.model!r}")
        except DigestError as error:
            raise DigestError(
                f"{error} The digest of these weights is not published: the expected one is that of their first use here, in "
                f"{self._receipt}; delete it, too, if you trust the new file."
            ) from error

    def _download(self, open_url: Callable[[Request], Any]) -> None:
        part = self.path.with_name(f"{self.file}.part-{uuid.uuid4().hex}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            actual = self._stream(part, open_url)
            if not actual.startswith(self.sha256):
                raise DigestError(
                    f"the weights of {self.model!r} came from {self.url} with the SHA-256 {actual[:12]}…, expected {self.sha256[:12]}…. "
                    f"They were not kept."
                )
            part.replace(self.path)
        except _NETWORK as error:
            raise FetchError(
                f"the weights of {self.model!r} are not in torch's cache and {self.url} cannot be reached. Put the file there as "
                f"{self.file} (the folder hub/checkpoints under $TORCH_HOME), or use untrained weights: {self.untrained!r}."
            ) from error
        except OSError as error:
            if isinstance(error, (FetchError, FileError)):
                raise
            raise FileError(
                f"the weights of {self.model!r} cannot be put into {self.path.parent}: {error}. Name another folder in TORCH_HOME."
            ) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _stream(self, part: Path, open_url: Callable[[Request], Any]) -> str:
        """Write what the server sends, and return its digest."""
        digest, came = hashlib.sha256(), 0
        request = Request(self.url, headers={"User-Agent": "isomorph", "Accept-Encoding": "identity"})  # noqa: S310 - open_https checks
        with open_url(request) as answer, part.open("wb") as out, Progress(quiet=not sys.stderr.isatty()) as progress:
            promised = answer.headers.get("Content-Length")
            total = int(promised) if promised else None
            with progress.task(self.file, total, unit="bytes") as task:
                while (chunk := answer.read(_CHUNK)) and came <= _LIMIT:
                    out.write(chunk)
                    digest.update(chunk)
                    came += len(chunk)
                    task.advance(len(chunk))
        if came > _LIMIT or (total is not None and came != total):
            raise FetchError(
                f"the weights of {self.model!r} from {self.url} stopped at {came:,} of {total or _LIMIT:,} bytes, and were not kept. "
                f"Try again, or use untrained weights: {self.untrained!r}."
            )
        return digest.hexdigest()


def published_hash(url: str) -> str:
    """The first digits of the SHA-256 that a file's name carries in torch's way (`name-0123abcd.pth`); empty without them.

    Example:
        >>> published_hash("https://a.org/cornet_s-1d3f7974.pth"), published_hash("https://a.org/resnet50.pth")
        ('1d3f7974', '')
    """
    found = _HASHED.search(url.rpartition("/")[2])
    return found[1] if found else ""
