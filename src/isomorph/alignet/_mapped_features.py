"""A teacher's features, mapped once for all who label triplets with them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from isomorph._version import __version__
from isomorph.alignet._label_features import MAPPED_ROWS, mapped_blocks
from isomorph.alignment import FittedTransform
from isomorph.arrays import FloatArray
from isomorph.engine import Progress
from isomorph.errors import StoreError
from isomorph.profile import timing
from isomorph.spec import fingerprint
from isomorph.store import Store

_SCHEME = 1
_PIECES = 64
_WHOLE = "features"


@dataclass(frozen=True, kw_only=True, eq=False)
class MappedFeatures:
    """All rows of a teacher's features after its map, in their own precision, as a unit of work that commits them.

    They are mapped in the blocks of `label_triplets`, so that they are the same numbers; a kill costs one piece of up to 64.

    Attributes:
        values: The features.
        ids: Of their images.
        transform: The map.
        digest: Of `values`.
        progress: Shows how far it is.
    """

    values: FloatArray
    ids: tuple[str, ...]
    transform: FittedTransform
    digest: str
    progress: Progress | None = None

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"mapped features of {len(self.values):,} images"

    @cached_property
    def spec(self) -> dict[str, Any]:
        """What decides the numbers."""
        inputs = {"features": self.digest, "transform": self.transform.digest}
        return {"kind": "mapped features", "scheme": _SCHEME, "isomorph": __version__, **inputs}

    @cached_property
    def fingerprint(self) -> str:
        """The name of the mapped features."""
        return fingerprint(self.spec)

    @timing("score")
    def run(self, store: Store) -> None:
        """Map piece by piece, then commit all rows as one array."""
        rows = MAPPED_ROWS * -(-len(self.values) // (MAPPED_ROWS * _PIECES))
        pieces = {f"rows-{start:012}": start for start in range(0, len(self.values), rows)}
        progress = self.progress or Progress(quiet=True)
        with (
            store.begin(self.fingerprint, self.spec | {"summary": self.label}) as writer,
            progress.task(self.label, len(pieces), unit="pieces") as task,
        ):
            for piece, start in pieces.items() if _WHOLE not in writer.finished else ():
                if piece not in writer.finished:
                    mapped = list(mapped_blocks(self.values, self.ids, self.transform, start, start + rows))
                    writer.put(piece, {"values": mapped}, durable=False)
                task.advance(1)
            if _WHOLE not in writer.finished:
                writer.put(_WHOLE, {"values": [writer.read(piece, "values") for piece in pieces]})
            writer.commit({}, keep=[_WHOLE])

    def read(self, store: Store) -> FloatArray:
        """The mapped features as a read-only view of a file; computed again if they are gone or damaged."""
        if self.fingerprint in store:
            with suppress(StoreError):
                return self._read(store)
        self.run(store)
        return self._read(store)

    def _read(self, store: Store) -> FloatArray:
        values: FloatArray = store.open(self.fingerprint).read(_WHOLE, "values")
        return values
