"""What the catalogue knows of each public file: where it comes from, its bytes, its digest, its licence, whom to cite."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any, Literal
from urllib.parse import quote

from isomorph.errors import InputError, UnknownNameError

Terms = Literal["open", "non-commercial", "unclear"]


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """One public file.

    Attributes:
        dataset: The data set it belongs to.
        file: Its name inside the data set, with forward slashes.
        bytes: Its size.
        sha256: The digest of its content, 64 hexadecimal digits.
        licence: What its publisher says about its use, in the publisher's words.
        terms: `"open"`, `"non-commercial"` or `"unclear"`.
        url: Where it is fetched from; pinned to a commit.
        citation: The papers to cite.
    """

    dataset: str
    file: str
    bytes: int
    sha256: str
    licence: str
    terms: Terms
    url: str
    citation: str

    @property
    def licence_notice(self) -> str:
        """One sentence for files that not everyone may use as they like; empty where the licence is open."""
        if self.terms == "open":
            return ""
        why = "it forbids commercial use" if self.terms == "non-commercial" else "it does not say what may be done with this file"
        return f"{self.dataset}/{self.file} has the licence {self.licence!r}: {why}. Please check that yours is covered."


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One data set of the catalogue: `name`, a one-line `summary`, its `citation` and its `files`."""

    name: str
    summary: str
    citation: str
    files: tuple[DataFile, ...]

    @property
    def bytes(self) -> int:
        """The size of all files together."""
        return sum(each.bytes for each in self.files)

    @property
    def licences(self) -> tuple[str, ...]:
        """The licences of its files, each once."""
        return tuple(dict.fromkeys(each.licence for each in self.files))


@cache
def _catalogue() -> dict[str, Dataset]:
    table = tomllib.loads(resources.files("isomorph.data").joinpath("catalogue.toml").read_text(encoding="utf-8"))
    return {name: _dataset(name, row) for name, row in table.items()}


def _dataset(name: str, row: dict[str, Any]) -> Dataset:
    files = [
        DataFile(
            dataset=name,
            file=file,
            bytes=size,
            sha256=sha256,
            licence=source["licence"],
            terms=source["terms"],
            url=source["url"] + quote(upstream[0] if upstream else file),
            citation=row["citation"],
        )
        for source in row["sources"]
        for file, size, sha256, *upstream in source["files"]
    ]
    return Dataset(name=name, summary=row["summary"], citation=row["citation"], files=tuple(files))


def datasets() -> list[Dataset]:
    """The data sets of the catalogue, by name.

    Example:
        >>> [each.name for each in datasets()][:2]
        ['algonauts-78', 'cifar-10h']
    """
    return [_catalogue()[name] for name in sorted(_catalogue())]


def catalogue(dataset: str | None = None) -> list[DataFile]:
    """Every file of the catalogue, or of one data set.

    Raises:
        UnknownNameError: No data set has that name.
    """
    if dataset is None:
        return [file for each in datasets() for file in each.files]
    if dataset not in _catalogue():
        raise UnknownNameError("dataset", dataset, _catalogue())
    return list(_catalogue()[dataset].files)


def data_file(dataset: str, file: str) -> DataFile:
    """The catalogue's row of one file.

    Raises:
        UnknownNameError: No data set has that name.
        InputError: The data set has no such file.
    """
    files = {each.file: each for each in catalogue(dataset)}
    if file not in files:
        close = get_close_matches(file, files, n=3)
        hint = f"Did you mean {' or '.join(map(repr, close))}?" if close else f"Its {len(files)} files begin with {next(iter(files))!r}."
        raise InputError(f"the dataset {dataset!r} has no file {file!r}. {hint}")
    return files[file]
