"""Stimuli that cannot be decoded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from isomorph.errors import FileError, InputError
from isomorph.stimuli._sources import Source


@dataclass(frozen=True)
class Skipped:
    """A stimulus that could not be decoded: its `id`, its `path` and the `reason`."""

    id: str
    path: str
    reason: str


def undecodable(source: Source, ids: Sequence[str]) -> tuple[Skipped, ...]:
    """Decode every stimulus once and return those that fail."""

    def problem(row: int) -> Skipped | None:
        try:
            source.read(row, ids[row])
        except (FileError, InputError) as error:
            return Skipped(ids[row], source.place(row), str(error.__cause__ or error))  # the cause has no name in it
        return None

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return tuple(each for each in pool.map(problem, range(len(ids))) if each is not None)
