"""Units whose output lies elsewhere than in the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from isomorph import spec
from isomorph.engine._needs import Needs
from isomorph.store import Store


@dataclass(frozen=True, kw_only=True, eq=False)
class ReceiptUnit:
    """Work that leaves files in a study's folder, and commits an object without shards that says so.

    Who needs the files looks whether they are there, and has them made again if not: a receipt says that nobody has to begin, no more.

    Attributes:
        label: What it does, in a few words.
        inputs: Everything the files depend on, as plain data.
        work: Makes the files where they are not there yet, and gives what is to be said of them, as plain data.
        needs: What it needs of its worker.
    """

    label: str
    inputs: Mapping[str, Any]
    work: Callable[[], Mapping[str, Any]] = field(repr=False)
    needs: Needs = field(default_factory=Needs)

    @cached_property
    def fingerprint(self) -> str:
        """The name of its receipt."""
        return spec.fingerprint(self.inputs)

    def run(self, store: Store) -> None:
        """Work, then commit the receipt."""
        told = self.work()
        with store.begin(self.fingerprint, {**spec.to_plain(self.inputs), "summary": self.label}) as writer:
            writer.commit(dict(told))
