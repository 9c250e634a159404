"""From a name to a verified file: mirror, then cache, then network."""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePosixPath
from typing import Protocol

from isomorph.data._catalogue import DataFile, catalogue, data_file
from isomorph.data._digest import cache_folder, check_digest
from isomorph.data._download import download
from isomorph.errors import FetchError

_shown: set[tuple[str, str]] = set()


class FetchTask(Protocol):
    """What is told of the bytes that arrive, until it is closed."""

    def advance(self, n: int = 1) -> None:
        """`n` more bytes are there."""

    def close(self) -> None:
        """No more will come."""


class FetchProgress(Protocol):
    """Where progress goes; `isomorph.engine.Progress` is one (it is not imported, as the engine stands on the data)."""

    def task(self, label: str, total: int | None = None, *, unit: str = "items") -> FetchTask:
        """Begin a task of `total` units."""


def path(dataset: str, file: str, *, progress: FetchProgress | None = None) -> Path:
    """The path of a public file whose bytes are what the catalogue says.

    Looked for in the folder `$ISOMORPH_DATA_MIRROR` (`<dataset>/<file>`), then in the cache (`$ISOMORPH_DATA`, else
    `~/.cache/isomorph/data`), then at its URL. The SHA-256 is checked before first use and remembered by size and modification time.

    Args:
        dataset: A data set of the catalogue.
        file: A file of it.
        progress: Is told of the bytes that arrive over the network; without one, each fetch is a line on stderr.

    Raises:
        UnknownNameError: No data set has that name.
        InputError: The data set has no such file.
        DigestError: The file in the mirror or the cache holds other bytes.
        FetchError: Neither mirror, cache nor network has it.
    """
    row = data_file(dataset, file)
    there = _existing(row)
    if there is not None:
        check_digest(there, row.sha256, name=f"{dataset}/{file}")
        return there
    return _fetch(row, progress)


def fetch(dataset: str, *, progress: FetchProgress | None = None) -> list[Path]:
    """Have every file of a data set at hand, in the catalogue's order; the errors of `path`."""
    return [path(dataset, row.file, progress=progress) for row in catalogue(dataset)]


def verify(dataset: str) -> list[str]:
    """Read every file of a data set that is at hand again, and return the names of those that are not.

    Raises:
        DigestError: A file holds other bytes than the catalogue says.
    """
    absent = []
    for row in catalogue(dataset):
        there = _existing(row)
        if there is None:
            absent.append(row.file)
        else:
            check_digest(there, row.sha256, name=f"{dataset}/{row.file}", again=True)
    return absent


def _inside(folder: Path, row: DataFile) -> Path:
    return folder.joinpath(row.dataset, *PurePosixPath(row.file).parts)


def _existing(row: DataFile) -> Path | None:
    mirror = os.environ.get("ISOMORPH_DATA_MIRROR")
    folders = ([Path(mirror).expanduser()] if mirror else []) + [cache_folder()]
    return next((found for folder in folders if (found := _inside(folder, row)).is_file()), None)


def _fetch(row: DataFile, progress: FetchProgress | None) -> Path:
    name = f"{row.dataset}/{row.file}"
    if row.licence_notice and (row.dataset, row.licence) not in _shown:
        _shown.add((row.dataset, row.licence))
        print(row.licence_notice, file=sys.stderr)
    if progress is None:
        print(f"fetching {name}, {row.bytes:,} bytes", file=sys.stderr)
    destination = _inside(cache_folder(), row)
    task = progress.task(f"fetch {name}", row.bytes, unit="bytes") if progress is not None else None
    try:
        download(row, destination, advance=task.advance if task is not None else lambda _: None)
    except FetchError as error:
        raise FetchError(
            f"{name} ({row.bytes:,} bytes) is at hand nowhere: {error} Three ways on: connect this machine to the network; or point "
            f"ISOMORPH_DATA_MIRROR at a folder that holds {name}; or copy the file to {destination}."
        ) from error
    finally:
        if task is not None:
            task.close()
    check_digest(destination, row.sha256, name=name)
    return destination
