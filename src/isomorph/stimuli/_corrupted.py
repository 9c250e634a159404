"""Stimuli, corrupted when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import xxhash

from isomorph.arrays import unique_ids
from isomorph.errors import InputError, ShapeError
from isomorph.stimuli._corrupt import check_seed, corrupt, find_corruption
from isomorph.stimuli._decode import Pixels
from isomorph.stimuli._sources import Modality, Source

if TYPE_CHECKING:
    from isomorph.stimuli._stimuli import Stimuli

Ids = Literal["same", "visalign"]


@dataclass(frozen=True)
class Corrupted:
    """Pictures of another source, corrupted."""

    source: Source
    corruption: str
    severity: int
    seed: int
    modality: ClassVar[Modality] = "image"

    def options(self) -> dict[str, Any]:
        return self.source.options()

    def read(self, row: int, name: str) -> Pixels:
        try:
            return corrupt(self.source.read(row, name), self.corruption, self.severity, seed=self.seed)
        except ShapeError as error:
            raise ShapeError(f"the picture {name!r}: {error}") from error

    def digest(self, row: int, name: str) -> str:
        recipe = f"{self.source.digest(row, name)}|{self.corruption}|{self.severity}|{self.seed}"
        return xxhash.xxh3_128(recipe.encode()).hexdigest()

    def place(self, row: int) -> str:
        return self.source.place(row)

    def take(self, rows: Sequence[int]) -> Corrupted:
        return replace(self, source=self.source.take(rows))


def corrupted(stimuli: Stimuli, name: str, severity: int = 1, *, seed: int = 0, ids: Ids = "same") -> Stimuli:
    """The same pictures, each corrupted when it is read; `joined` puts several severities into one set.

    Args:
        stimuli: Pictures.
        name: As in `corrupt`.
        severity: As in `corrupt`.
        seed: As in `corrupt`.
        ids: `"same"`, or `"visalign"`: `<stem>-<class>-<corruption>-<severity>`, the names of VisAlign's files without their suffix, for
            pictures with labels; of a crop the last part is its side.

    Returns:
        Stimuli with the metadata columns `corruption` and `severity` beside those they had.

    Raises:
        UnknownNameError: There is no such corruption.
        InputError: The severity is not 1 … 10, the seed no whole number of 0 or more, the stimuli are texts, or there are no labels for
            `ids="visalign"`.
        IdError: Two pictures of one class have one stem.

    Example:
        >>> import numpy as np
        >>> from isomorph.stimuli import Stimuli
        >>> photos = Stimuli.from_arrays(np.full((2, 32, 32, 3), 90, dtype=np.uint8), ["a", "b"], metadata={"label": ["bear", "tiger"]})
        >>> corrupted(photos, "fog", 7, ids="visalign").ids
        ('a-bear-fog-7', 'b-tiger-fog-7')
    """
    from isomorph.stimuli._stimuli import Stimuli

    corruption = find_corruption(name, severity)
    check_seed(seed)
    if stimuli.modality != "image":
        raise InputError(f"only pictures are corrupted, and these {len(stimuli)} stimuli are texts.")
    if ids not in ("same", "visalign"):
        raise InputError(f"ids must be 'same' or 'visalign'; got {ids!r}.")
    names = stimuli.ids
    if ids == "visalign":
        if stimuli.labels is None:
            raise InputError(f"VisAlign's names hold the class of each picture, and these {len(stimuli)} have no labels.")
        last = int(corruption.parameters[severity - 1][0]) if corruption.name == "crop" else severity
        pairs = zip(names, stimuli.labels, strict=True)
        made = [f"{PurePosixPath(each).stem}-{label}-{corruption.name}-{last}" for each, label in pairs]
        names = unique_ids(made, name="corrupted pictures")
    facts: dict[str, tuple[Any, ...]] = {"corruption": (corruption.name,) * len(names), "severity": (int(severity),) * len(names)}
    parts = stimuli._parts
    source = Corrupted(parts.source, corruption.name, int(severity), int(seed))
    return Stimuli(replace(parts, ids=names, source=source, columns={**parts.columns, **facts}), skipped=stimuli.skipped)
