"""Several sets of stimuli as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isomorph.errors import InputError
from isomorph.stimuli._sources import Modality, Parts, Source

if TYPE_CHECKING:
    from isomorph.stimuli._stimuli import Stimuli


@dataclass(frozen=True)
class Joined:
    """Items of several sources: each row is a source and a row of it."""

    sources: tuple[Source, ...]
    rows: tuple[tuple[int, int], ...]

    @property
    def modality(self) -> Modality:
        return self.sources[0].modality

    def options(self) -> dict[str, Any]:
        return {"from": "several", "each": [each.options() for each in self.sources]}

    def read(self, row: int, name: str) -> Any:
        at, inner = self.rows[row]
        return self.sources[at].read(inner, name)

    def digest(self, row: int, name: str) -> str:
        at, inner = self.rows[row]
        return self.sources[at].digest(inner, name)

    def place(self, row: int) -> str:
        at, inner = self.rows[row]
        return self.sources[at].place(inner)

    def take(self, rows: Sequence[int]) -> Joined:
        return Joined(self.sources, tuple(self.rows[row] for row in rows))


def joined(sets: Mapping[str, Stimuli]) -> Stimuli:
    """Put sets of stimuli after one another; ids that stand in two of them become `set/id` in all.

    The metadata say which `set` each is of, and its `label` where every set has labels.

    Raises:
        InputError: There is no set, or pictures and texts are mixed.
    """
    from isomorph.stimuli._stimuli import Stimuli

    if not sets or len({each.modality for each in sets.values()}) != 1:
        kinds = " and ".join(sorted({each.modality for each in sets.values()})) or "nothing"
        raise InputError(f"stimuli of one kind are joined; got {kinds}.")
    if len(sets) == 1:
        return next(iter(sets.values()))
    plain = [each for stimuli in sets.values() for each in stimuli.ids]
    doubled = len(set(plain)) < len(plain)
    ids = tuple(f"{name}/{each}" for name, stimuli in sets.items() for each in stimuli.ids) if doubled else tuple(plain)
    columns = {"set": tuple(name for name, stimuli in sets.items() for _ in stimuli.ids)}
    labels = [stimuli.labels for stimuli in sets.values()]
    if all(each is not None for each in labels):
        columns["label"] = tuple(label for each in labels for label in each or ())
    rows = tuple((at, row) for at, stimuli in enumerate(sets.values()) for row in range(len(stimuli)))
    source = Joined(tuple(stimuli._parts.source for stimuli in sets.values()), rows)
    return Stimuli(Parts(ids=ids, source=source, columns=columns))
