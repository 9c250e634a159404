"""Files inside installed packages, found without importing the packages."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from isomorph.errors import DigestError, FileError, MissingDependencyError


def packaged_file(package: str, relative: str, *, sha256: str, needed_by: str, install: str) -> Path:
    """The path of a file that an installed package carries, once its SHA-256 was seen to be right in this process.

    Raises:
        MissingDependencyError: The package is not installed.
        FileError: The package is there without the file.
        DigestError: The file holds other bytes.
    """
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise MissingDependencyError(package, needed_by=needed_by, install=install)
    candidates = [Path(folder) / relative for folder in found.submodule_search_locations]
    path = next((each for each in candidates if each.is_file()), None)
    if path is None:
        raise FileError(f"the package {package!r} is installed without {relative!r}, which {needed_by} needs. Run: {install}")
    _verify(path, sha256, install)
    return path


@cache
def _verify(path: Path, sha256: str, install: str) -> None:
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != sha256:
        raise DigestError(
            f"{path} is not the file that was tested: its SHA-256 begins {actual[:12]}, not {sha256[:12]}. Install it again: {install}"
        )
