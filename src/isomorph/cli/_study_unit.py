"""A unit of a study that finds itself again in whatever process it wakes up."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.engine import Needs
from isomorph.errors import FileError, StoreError

if TYPE_CHECKING:
    from isomorph.engine import LazyUnit
    from isomorph.store import Store


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyUnit:
    """The unit at one place of a study's plan, as a few words that travel: the twin of a `LazyUnit`.

    Each process reads the study once for each stage, as long as its file stays as it is.

    Attributes:
        path: The study's file, which must be there under the same name on every machine.
        store: The address of the store.
        stage: The stage.
        index: The place in the stage, from 0.
        label: What it does, in a few words.
        needs: What it needs of its worker.
    """

    path: Path
    store: str
    stage: str
    index: int
    label: str
    needs: Needs = field(default_factory=Needs)

    @cached_property
    def unit(self) -> LazyUnit:
        """The unit itself.

        Raises:
            FileError: This machine does not see the study's file.
            StoreError: The study is not what it was when the plan was made.
        """
        try:
            about = self.path.stat()
        except OSError as error:
            raise FileError(
                f"the machine {socket.gethostname()} does not see the study {self.path} ({error.strerror}). Workers need the study, its "
                "stimuli and its store under the same paths as the machine that began the run."
            ) from error
        units = _units(self.path, about.st_mtime_ns, about.st_size, self.store, self.stage)
        if self.index >= len(units) or units[self.index].label != self.label:
            raise StoreError(
                f"the study {self.path} has changed since the run began: {self.label!r} is no longer its unit {self.index}. Begin again."
            )
        return units[self.index]

    @property
    def fingerprint(self) -> str:
        """The name of its output."""
        return self.unit.fingerprint

    def run(self, store: Store) -> None:
        """Compute and commit the object called `fingerprint`."""
        self.unit.run(store)

    def __getstate__(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@lru_cache(maxsize=2)
def _units(path: Path, mtime_ns: int, size: int, store: str, stage: str) -> Sequence[LazyUnit]:
    from isomorph.cli._plan import study_in_parts
    from isomorph.store import open_store

    return study_in_parts(path).units(open_store(store), stage=stage)
