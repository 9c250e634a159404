"""The line to an object store: which package speaks with it, and how long one request may take."""

from __future__ import annotations

import os
import re
from typing import Any

from isomorph.errors import InputError, MissingDependencyError
from isomorph.store._remote_errors import code_of, comes_back, mask, store_error

_PACKAGES = {
    "s3": ("s3fs", "pip install 'isomorph[s3]'"),
    "gs": ("gcsfs", "pip install gcsfs"),
    "gcs": ("gcsfs", "pip install gcsfs"),
    "az": ("adlfs", "pip install adlfs"),
    "abfs": ("adlfs", "pip install adlfs"),
    "abfss": ("adlfs", "pip install adlfs"),
    "memory": ("fsspec", "pip install 'isomorph[s3]'"),
}
_SECONDS_TO_CONNECT, _SECONDS_TO_READ = 5, 60


class RemoteConnection:
    """One address, and the file system that reads and writes there once it is wanted.

    Attributes:
        url: The address.
        kind: What stands before `://`.
        reached: Whether a request has been answered.
        conditional: Whether the server knows writes that must not replace anything.

    Raises:
        InputError: It is no such address, or it carries a password.
    """

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        self.kind = self.url.partition("://")[0]
        self.reached = False
        self.conditional = True
        self._made: tuple[int, Any, str] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_made": None, "reached": False}  # sockets stay in their process

    @property
    def once(self) -> dict[str, Any]:
        """The option of a write that must not replace what is there."""
        if not self.conditional:
            return {}
        return {"overwrite": False} if _PACKAGES[self.kind][0] == "adlfs" else {"mode": "create"}

    def get(self) -> tuple[Any, str]:
        """The file system and its path of this address; connections do not outlive a fork.

        Raises:
            MissingDependencyError: The package for this kind of store is absent.
            StoreError: There is no such bucket.
        """
        if self._made is None or self._made[0] != os.getpid():
            fs = _file_system(self.kind, self.url)
            root = str(fs._strip_protocol(self.url)).rstrip("/")
            if self.kind != "memory":
                self._check_bucket(fs, root.partition("/")[0])
            self._made = (os.getpid(), fs, root)
        return self._made[1], self._made[2]

    def _check_bucket(self, fs: Any, bucket: str) -> None:
        """A bucket that is missing looks empty to most requests."""
        try:
            fs.info(bucket)
        except FileNotFoundError as error:
            raise store_error(error, self.url, "be used") from None
        except Exception as error:
            if comes_back(error) or code_of(error) is None:
                raise
            # whoever may not look at the bucket itself may still use a folder in it; if not, the next request says why


def _file_system(kind: str, url: str) -> Any:
    package, install = _PACKAGES[kind]
    try:
        import fsspec

        made = fsspec.get_filesystem_class(kind)
    except ImportError as error:
        raise MissingDependencyError(package, needed_by=f"the store {url}", install=install) from error
    options: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
    if kind == "memory":
        return made()
    if kind == "s3":
        timeouts = {"connect_timeout": _SECONDS_TO_CONNECT, "read_timeout": _SECONDS_TO_READ, "tcp_keepalive": True}
        options["config_kwargs"] = {**timeouts, "retries": {"total_max_attempts": 1}}  # `RemoteFiles` is the one who tries again
    fs = made(**options)
    if kind == "s3":
        fs.retries = 1
    return fs


def _checked(url: str) -> str:
    kind, _, rest = url.partition("://")
    if kind not in _PACKAGES:
        raise InputError(f"{mask(url)} is no address of a store. Begin with s3://, gs://, az:// or memory://, or name a folder.")
    if ":" in rest.partition("@")[0] and "@" in rest:
        raise InputError(f"the address {mask(url)} carries a password, which logs would show. Put it into the environment or a profile.")
    if not re.fullmatch(r"[A-Za-z0-9._=@-]+(/[A-Za-z0-9._=@ -]+)*/?", rest) or {"..", "."} & set(rest.split("/")):
        raise InputError(f"the address {mask(url)} must be bucket/folder in letters, digits, '.', '_', '=' and '-'.")
    return f"{kind}://{rest.rstrip('/')}"
