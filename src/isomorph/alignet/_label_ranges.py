"""Labels of triplets by several processes: each labels some of the blocks, and the last unit gathers them in a table."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from isomorph._version import __version__
from isomorph.alignet._label import commit_labels
from isomorph.alignet._label_blocks import LabelledBlock, Labelling
from isomorph.alignet._label_report import LabelReport, added
from isomorph.alignet._mapped_features import MappedFeatures
from isomorph.alignet._triplet_table import TripletTable
from isomorph.alignet._triplet_table_writer import Precision, TableWriter
from isomorph.alignment import FittedTransform
from isomorph.arrays import FloatArray, array_digest
from isomorph.engine import Part, Progress
from isomorph.errors import FileError, InputError, StoreError
from isomorph.features import Features
from isomorph.judgments import Triplets
from isomorph.profile import timing
from isomorph.spec import fingerprint, to_plain
from isomorph.store import Store

_SCHEME = 1
_COUNTS = ("n", "odd_last", "third_smallest", "tied", "moved", "entropy")


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelRange:
    """A range of the triplets as a unit of work; it commits their labels, a shard a block."""

    labelling: Labelling
    mapped: MappedFeatures | None
    whole: Mapping[str, Any]
    part: Part
    progress: Progress | None = None

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"labels {self.part} of {len(self.labelling):,} triplets"

    @cached_property
    def spec(self) -> dict[str, Any]:
        """What decides the labels."""
        return {**self.whole, "kind": "labels of a range of triplets", "part": str(self.part)}

    @cached_property
    def fingerprint(self) -> str:
        """The name of the labels."""
        return fingerprint(self.spec)

    @property
    def starts(self) -> range:
        """Where its blocks begin; there are none where there are fewer blocks than ranges."""
        starts = range(0, len(self.labelling), self.labelling.block)
        first, last = (len(starts) * edge // self.part.total for edge in (self.part.number - 1, self.part.number))
        return starts[first:last]

    @timing("score")
    def run(self, store: Store) -> None:
        """Label the blocks that are not there yet, and commit."""
        progress = self.progress or Progress(quiet=True)
        with store.begin(self.fingerprint, self.spec | {"summary": self.label}) as writer:
            missing = [start for start in self.starts if _shard(start) not in writer.finished]
            values = self.mapped.read(store) if self.mapped and missing else self.labelling.values
            with progress.task(self.label, len(self.starts), unit="blocks", done=len(self.starts) - len(missing)) as task:
                for block in self.labelling.blocks(values, missing):
                    counts = np.array([block.counts[name] for name in _COUNTS])
                    writer.put(_shard(block.start), {"items": block.items, "similarities": block.similarities, "counts": counts})
                    task.advance(1)
            writer.commit({})

    def block(self, store: Store, start: int) -> LabelledBlock:
        """The labels of one block; what is gone or damaged is computed again."""
        if self.fingerprint in store:
            with suppress(StoreError):
                return self._read(store, start)
        self.run(store)
        return self._read(store, start)

    def _read(self, store: Store, start: int) -> LabelledBlock:
        stored, shard = store.open(self.fingerprint), _shard(start)
        counts = dict(zip(_COUNTS, stored.read(shard, "counts").tolist(), strict=True))
        return LabelledBlock(start, stored.read(shard, "items"), stored.read(shard, "similarities"), counts)


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelsJoin:
    """The last unit: it writes the table from all ranges' labels, computes what is missing or damaged, and commits a receipt."""

    ranges: tuple[LabelRange, ...]
    whole: Mapping[str, Any]
    path: Path

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"labels of {len(self.ranges[0].labelling):,} triplets"

    @cached_property
    def spec(self) -> dict[str, Any]:
        """What decides the table, whatever the ranges."""
        return {**self.whole, "kind": "labels of triplets"}

    @cached_property
    def fingerprint(self) -> str:
        """The name of the receipt."""
        return fingerprint(self.spec)

    @timing("score")
    def run(self, store: Store) -> None:
        """Write the table and commit its receipt."""
        table, _ = self.write(store)
        with store.begin(self.fingerprint, self.spec | {"summary": self.label}) as writer:
            writer.commit(_told(table))

    def write(self, store: Store) -> tuple[TripletTable, LabelReport]:
        """Write the table, block by block in the order of the triplets, and give it with the report on it."""
        labelling = self.ranges[0].labelling
        with TableWriter(self.path, len(labelling), labelling.identity, precision=labelling.precision) as writer:
            for unit in self.ranges:
                for start in unit.starts:
                    if start >= writer.done:
                        block = unit.block(store, start)
                        writer.write(start, block.items, block.similarities, added(writer.totals, block.counts))
            return commit_labels(labelling, writer)

    def result(self, store: Store) -> tuple[TripletTable, LabelReport]:
        """The table and the report on it; written again if it is gone or is another.

        Raises:
            StoreError: No join has been run yet.
        """
        told = store.open(self.fingerprint).meta
        with suppress(FileError):
            table = TripletTable.open(self.path)
            if _told(table) == told:
                return table, LabelReport(**table.header["report"])
        return self.write(store)


def label_ranges(
    x: Features | FloatArray,
    triplets: Triplets | TripletTable,
    path: Path | str,
    *,
    ranges: int,
    transform: FittedTransform | None = None,
    precision: Precision = "float32",
    positional: bool = False,
    progress: Progress | None = None,
) -> tuple[list[MappedFeatures], list[LabelRange], LabelsJoin]:
    """`label_triplets` as units of work for several processes or machines that see one store.

    First the mapped features (with a `transform` one unit, else none), then all ranges of triplets, in any order and anywhere, then the
    join. The table has the bytes of `label_triplets`. What is lost meanwhile is computed again by the next unit that needs it, a block at
    a time.

    Args:
        x: As in `label_triplets`; it is read once to name the work.
        triplets: As in `label_triplets`.
        path: The folder of the labelled table, which the join writes.
        ranges: Among how many units the blocks of 262,144 triplets are shared out; of more ranges than blocks some are empty.
        transform: As in `label_triplets`.
        precision: As in `label_triplets`.
        positional: As in `label_triplets`.
        progress: Shows how far each unit is.

    Returns:
        The units that map, those that label, and the one that joins; its `result(store)` gives the table and the report.

    Raises:
        InputError: `ranges` is below 1; or as of `label_triplets`.
        IdError: `x` lacks an image.

    Example:
        >>> import numpy as np, tempfile
        >>> from isomorph.alignet import TripletSampler, sample_to_table
        >>> from isomorph.engine import run_plan
        >>> from isomorph.store import Store
        >>> folder, x = tempfile.mkdtemp(), np.random.default_rng(0).normal(size=(9, 4))
        >>> drawn, _ = sample_to_table(TripletSampler(sampling="random", images=9), 1000, f"{folder}/drawn")
        >>> mapped, parts, join = label_ranges(x, drawn, f"{folder}/labelled", ranges=2)
        >>> store = Store(f"{folder}/store")
        >>> _ = run_plan([*mapped, *parts, join], store=store)
        >>> print(join.result(store)[0])
        TripletTable(1,000 triplets on 9 objects, labelled, float32)
    """
    labelling = Labelling.of(x, triplets, path, transform=transform, precision=precision, positional=positional)
    return ranges_of(labelling, path, ranges=ranges, progress=progress)


def ranges_of(
    labelling: Labelling, path: Path | str, *, ranges: int, progress: Progress | None = None
) -> tuple[list[MappedFeatures], list[LabelRange], LabelsJoin]:
    """The same of options that were checked."""
    if isinstance(ranges, bool) or not isinstance(ranges, int) or ranges < 1:
        raise InputError(f"ranges must be a whole number of at least 1; got {ranges!r}.")
    whole = {
        "scheme": _SCHEME,
        "isomorph": __version__,
        "identity": labelling.identity,
        "header": to_plain(labelling.header),
        "precision": labelling.precision,
        "block": labelling.block,
    }
    values, ids, digest = labelling.values, labelling.ids, labelling.header["features"]
    by = labelling.transform
    mapped = MappedFeatures(values=values, ids=ids, transform=by, digest=digest, progress=progress) if by else None
    units = tuple(
        LabelRange(labelling=labelling, mapped=mapped, whole=whole, part=Part(number, ranges), progress=progress)
        for number in range(1, ranges + 1)
    )
    return [mapped] if mapped else [], list(units), LabelsJoin(ranges=units, whole=whole, path=Path(path))


def _told(table: TripletTable) -> dict[str, Any]:
    """By what a table is known again."""
    assert table.similarities is not None  # noqa: S101 - it was labelled here
    return {"items": array_digest(table.items), "similarities": array_digest(table.similarities), "header": dict(table.header)}


def _shard(start: int) -> str:
    return f"block-{start:012}"
