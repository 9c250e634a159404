"""Units of plans that are longer than memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from isomorph.engine._needs import Needs, needs_of
from isomorph.engine._outcomes import WorkUnit
from isomorph.store import Store


@dataclass(frozen=True, kw_only=True, eq=False)
class LazyUnit:
    """A unit that is made when it is asked for its fingerprint or run, and then let go: a plan of it holds no model.

    Attributes:
        label: What it does, in a few words.
        make: Gives the unit itself.
        asks: Gives what it needs of its worker, without making it; asked once, and only by who places units.
    """

    label: str
    make: Callable[[], WorkUnit]
    asks: Callable[[], Needs] = Needs

    @staticmethod
    def of(unit: WorkUnit) -> LazyUnit:
        """A unit that holds little itself, and says by `asks` or `needs` what it needs, if anything."""
        return LazyUnit(label=unit.label, make=lambda: unit, asks=getattr(unit, "asks", None) or (lambda: needs_of(unit)))

    @cached_property
    def fingerprint(self) -> str:
        """The name of its output."""
        return self.make().fingerprint

    @cached_property
    def needs(self) -> Needs:
        """What it needs of its worker."""
        return self.asks()

    def run(self, store: Store) -> None:
        """Compute and commit the object called `fingerprint`."""
        self.make().run(store)
