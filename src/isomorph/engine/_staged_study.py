"""Studies as stages of independent units."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from isomorph.engine._lazy_unit import LazyUnit
from isomorph.engine._needs import Needs
from isomorph.engine._progress import Progress
from isomorph.store import Store


class StagedStudy(Protocol):
    """A study whose work any number of processes on any machines may share, stage by stage."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def store(self) -> str | Path | None:
        """Its store: a folder or an address; None: the default one."""

    @property
    def report(self) -> Path:
        """The folder of its report."""

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages, each of which needs all of those before."""

    @property
    def may_fail(self) -> frozenset[str]:
        """The stages whose units the study goes on without if they fail."""

    def units(self, store: Store, *, stage: str, progress: Progress | None = None) -> list[LazyUnit]:
        """The units of one stage, in the same order on every machine; none needs another of its stage.

        Raises:
            UnknownNameError: The study has no such stage.
            StageNotReadyError: A stage before is not finished.
            StoreError: The store cannot be read.
        """

    def labels(self, store: Store, *, stage: str) -> list[str]:
        """What the units of a stage do, also while a stage before is not finished; their number may change until it is."""

    def needs(self, store: Store, *, stage: str, progress: Progress | None = None) -> list[Needs]:
        """What the units of a stage need of their workers, as far as it can be told, also while a stage before is not finished."""
