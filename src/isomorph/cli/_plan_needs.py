"""What the units of a plan need of their workers, after a dry run of each model."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isomorph.engine import LazyUnit, StagedStudy
    from isomorph.store import Store

COLUMNS = ("memory", "gpu", "gpu_memory")
"""Bytes, whether a GPU is needed, bytes of it; None where that is not known."""


def with_needs(rows: list[dict[str, Any]], asked: StagedStudy, kept: Store) -> list[dict[str, Any]]:
    """The rows of a plan with what each unit needs; those of a stage that cannot be told yet need what its stage is known to need.

    Each model is run dry on each set of stimuli, once: the store remembers it, for engines and scripts.
    """
    return [row | found for stage in asked.stages for row, found in _stage(rows, asked, kept, stage)]


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for people."""
    from isomorph.engine import format_bytes

    amounts = {name: "" if row[name] is None else format_bytes(row[name]) for name in ("memory", "gpu_memory")}
    return {**row, **amounts, "gpu": "yes" if row["gpu"] else "no"}


def _stage(rows: list[dict[str, Any]], asked: StagedStudy, kept: Store, stage: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    from isomorph.errors import StageNotReadyError

    mine = [row for row in rows if row["stage"] == stage]
    with suppress(StageNotReadyError):
        units = asked.units(kept, stage=stage)
        if [each.label for each in units] == [row["unit"] for row in mine]:  # else it has become ready since the plan was made
            return list(zip(mine, map(_needs, units), strict=True))
    told = asked.needs(kept, stage=stage)
    known = {name: max((getattr(each, name) or 0 for each in told), default=0) or None for name in COLUMNS}
    return [(row, known | {"gpu": bool(known["gpu"])}) for row in mine]


def _needs(unit: LazyUnit) -> dict[str, Any]:
    from isomorph.engine import needs_of
    from isomorph.errors import IsomorphError

    needs, look = needs_of(unit), getattr(getattr(unit, "asks", None), "look", None)
    if look:
        with suppress(IsomorphError):  # such as a device that is not here; what the card says stands
            needs = look()
    return {name: getattr(needs, name) for name in COLUMNS}
