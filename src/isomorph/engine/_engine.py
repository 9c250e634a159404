"""Where units run: here, or wherever a scheduler puts them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from isomorph.engine._outcome import Outcome
from isomorph.engine._outcomes import DEATHS, WorkUnit, outcomes
from isomorph.store import Store


class Engine(Protocol):
    """Runs units that do not need each other, and tells what became of each."""

    def run(self, units: Sequence[WorkUnit], *, store: Store, retries: int = 2, quarantine_after: int | None = DEATHS) -> Iterator[Outcome]:
        """One outcome a unit, as each ends; a unit that fails does not stop the rest. The options are those of `outcomes`."""


@dataclass(frozen=True, kw_only=True)
class LocalEngine:
    """Runs units in this process, one after the other.

    Example:
        >>> list(LocalEngine().run([], store=Store("store")))
        []
    """

    def run(self, units: Sequence[WorkUnit], *, store: Store, retries: int = 2, quarantine_after: int | None = DEATHS) -> Iterator[Outcome]:
        """As `outcomes`, and the rest goes on after a failure."""
        return outcomes(units, store=store, retries=retries, on_error="continue", quarantine_after=quarantine_after)
