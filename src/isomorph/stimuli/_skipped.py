"""A stimulus that was left out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Skipped:
    """A stimulus that could not be decoded: its `id`, its `path` and the `reason`."""

    id: str
    path: str
    reason: str
