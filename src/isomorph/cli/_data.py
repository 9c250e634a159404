"""`isomorph data`: public data sets."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Any

import tyro

from isomorph.cli._output import print_json, print_table
from isomorph.cli._parse import call_action


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call_action({"list": list_files, "fetch": fetch, "verify": verify}, words, command="data")


def datasets(pattern: str = "*") -> list[dict[str, Any]]:
    """One row a data set of the catalogue."""
    from isomorph import data

    return [
        {
            "name": each.name,
            "summary": each.summary,
            "files": len(each.files),
            "bytes": each.bytes,
            "licence": "; ".join(each.licences),
            "citation": each.citation,
        }
        for each in data.datasets()
        if fnmatchcase(each.name, pattern)
    ]


def list_files(dataset: Annotated[str, tyro.conf.Positional] = "", *, json: bool = False) -> None:
    """List the data sets, or the files of one.

    Args:
        dataset: A data set's name; none lists the data sets.
        json: One JSON object a line.
    """
    from isomorph import data
    from isomorph.spec import to_plain

    rows = [to_plain(each) for each in data.catalogue(dataset)] if dataset else datasets()
    if json:
        for row in rows:
            print_json(row)
        return
    print_table(rows, ["file", "bytes", "licence", "sha256"] if dataset else ["name", "files", "bytes", "licence", "summary"])


def fetch(dataset: Annotated[str, tyro.conf.Positional], *, json: bool = False) -> None:
    """Fetch and verify every file of a data set: from the mirror, the cache, or the network.

    Args:
        dataset: A data set's name.
        json: One JSON object a line: file, path, bytes.
    """
    from isomorph import data
    from isomorph.engine import Progress

    with Progress(quiet=json) as progress:
        files, paths = data.catalogue(dataset), data.fetch(dataset, progress=progress)
    rows = [{"file": each.file, "path": str(path), "bytes": each.bytes} for each, path in zip(files, paths, strict=True)]
    if json:
        for row in rows:
            print_json(row)
    else:
        print_table(rows, ["file", "bytes", "path"])


def verify(dataset: Annotated[str, tyro.conf.Positional] = "", *, json: bool = False) -> int:
    """Read the files that are at hand again and compare digests; status 1 where one is damaged.

    Args:
        dataset: A data set's name; none verifies all that are at hand.
        json: One JSON object a line: dataset, files, absent, damaged.
    """
    from isomorph import data
    from isomorph.errors import DigestError

    rows = []
    for each in [dataset] if dataset else [row.name for row in data.datasets()]:
        damaged, absent = "", []
        try:
            absent = data.verify(each)
        except DigestError as error:
            damaged = str(error)
        row = {"dataset": each, "files": len(data.catalogue(each)), "absent": len(absent), "damaged": damaged}
        rows.append(row)
        if json:
            print_json(row)
    if not json:
        print_table(rows, ["dataset", "files", "absent", "damaged"])
    return 1 if any(row["damaged"] for row in rows) else 0
