"""A study's stages, made from functions that give their units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from isomorph.engine._journal import Journal
from isomorph.engine._lazy_unit import LazyUnit
from isomorph.engine._needs import Needs, needs_of
from isomorph.engine._progress import Progress
from isomorph.errors import IsomorphError, StageNotReadyError, StoreError, UnknownNameError
from isomorph.store import Store

Maker = Callable[[Store, Progress | None], list[LazyUnit]]
"""Gives the units of one stage in an order that is the same on every machine; those of the stages before are finished."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyParts:
    """A `StagedStudy` whose stages are functions.

    Attributes:
        name: What the study is called.
        report: The folder of its report.
        store: The folder or address of its store; None: the default one.
        makers: Stage → what gives its units.
        expected: Stage → labels, of stages whose units cannot be told before those of the stage before are finished.
        may_fail: Stages that count as finished when what is missing has failed, by an excusable error: a study that leaves out what fails.
        expected_needs: Stage → what its units need, of those stages whose units cannot be told before, or are dear to tell; of the first
            kind others need nothing special.
    """

    name: str
    report: Path
    store: str | Path | None
    makers: Mapping[str, Maker]
    expected: Mapping[str, Callable[[], list[str]]] = field(default_factory=dict)
    may_fail: frozenset[str] = frozenset()
    expected_needs: Mapping[str, Needs] = field(default_factory=dict)
    _made: dict[tuple[str, Path, Progress | None], list[LazyUnit]] = field(default_factory=dict, init=False, repr=False)
    _over: set[tuple[str, Path]] = field(default_factory=set, init=False, repr=False)

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages, each of which needs all of those before."""
        return tuple(self.makers)

    def units(self, store: Store, *, stage: str, progress: Progress | None = None) -> list[LazyUnit]:
        """See `StagedStudy.units`."""
        if stage not in self.makers:
            raise UnknownNameError("stage", stage, self.stages)
        for before in self.stages[: self.stages.index(stage)]:
            if (before, store.path) in self._over:
                continue
            if missing := self._missing(self._units(store, before, progress), store, before):
                raise StageNotReadyError(
                    f"the stage {stage!r} of the study {self.name!r} needs what the stage {before!r} makes, and {missing} of its units are "
                    "not finished. Run all parts of that stage first."
                )
            self._over.add((before, store.path))
        return self._units(store, stage, progress)

    def labels(self, store: Store, *, stage: str) -> list[str]:
        """See `StagedStudy.labels`."""
        return self.expected[stage]() if stage in self.expected else [unit.label for unit in self._units(store, stage, None)]

    def needs(self, store: Store, *, stage: str, progress: Progress | None = None) -> list[Needs]:
        """See `StagedStudy.needs`."""
        if stage in self.expected or stage in self.expected_needs:
            return [self.expected_needs.get(stage, Needs())]
        return [needs_of(unit) for unit in self._units(store, stage, progress)]

    def _units(self, store: Store, stage: str, progress: Progress | None) -> list[LazyUnit]:
        """Made once, so that what fingerprints cost is paid once."""
        key = (stage, store.path, progress)
        if key not in self._made:
            self._made[key] = self.makers[stage](store, progress)
        return self._made[key]

    def _missing(self, units: list[LazyUnit], store: Store, stage: str) -> int:
        """How many units of a stage the next cannot begin without."""
        names = []
        for unit in units:
            try:
                names.append(unit.fingerprint)
            except IsomorphError as error:  # such as a model whose package is not here
                if stage not in self.may_fail or isinstance(error, StoreError):
                    raise
        missing = set(names) - store.finished(names)
        if missing and stage in self.may_fail:
            missing -= {name for name, notes in Journal(store).many(missing).items() if notes.error and notes.error.excusable}
        return sum(name in missing for name in names)
