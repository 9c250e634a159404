"""Triplets that are to be labelled, and their labels block by block: the same whoever asks for which blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from isomorph import spec
from isomorph.alignet._label_features import narrowed, rows_and_ids
from isomorph.alignet._label_products import labeller
from isomorph.alignet._label_report import add_counts
from isomorph.alignet._triplet_table import TripletTable
from isomorph.alignet._triplet_table_writer import Precision
from isomorph.alignment import FittedTransform
from isomorph.arrays import FloatArray, IntArray, array_digest
from isomorph.errors import InputError, NonFiniteError, ShapeError
from isomorph.features import Features
from isomorph.judgments import Triplets
from isomorph.judgments._join import rows_of_objects

BLOCK_TRIPLETS = 1 << 18


class LabelledBlock(NamedTuple):
    """Some triplets, labelled.

    Attributes:
        start: The number of the first.
        items: `[triplet, 3]` int32, the odd one last.
        similarities: `[triplet, 3]` in the precision of the table.
        counts: What the report counts. Its mean entropy depends on the order of addition, in the last digits: add up block by block.
    """

    start: int
    items: IntArray
    similarities: FloatArray
    counts: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class Labelling:
    """Checked triplets, and the features that label them.

    Attributes:
        values: The teacher's features as they are.
        ids: Of their images.
        source: The triplets.
        rows: `[object]` int32: the row of `values` of each object of the triplets; -1: none.
        transform: The teacher's map.
        precision: Of similarities.
        header: What the table says of the features, the map and the sampling.
        identity: Names what is written.
        block: Triplets that are labelled at a time.
    """

    values: FloatArray
    ids: tuple[str, ...]
    source: Triplets
    rows: IntArray
    transform: FittedTransform | None
    precision: Precision
    header: Mapping[str, Any]
    identity: str
    block: int = BLOCK_TRIPLETS

    @staticmethod
    def of(
        x: Features | FloatArray,
        triplets: Triplets | TripletTable,
        path: Path | str,
        *,
        transform: FittedTransform | None = None,
        precision: Precision = "float32",
        positional: bool = False,
        block: int = BLOCK_TRIPLETS,
    ) -> Labelling:
        """Options of `label_triplets`, checked."""
        if isinstance(triplets, TripletTable) and triplets.path.resolve() == Path(path).resolve():
            raise InputError(f"{path} holds the triplets that are to be labelled; write the labelled ones elsewhere.")
        if isinstance(x, Features) and transform is not None:
            transform.check(x)
        source = triplets[:] if isinstance(triplets, TripletTable) else triplets
        if not len(source):
            raise ShapeError("there are no triplets to label.")
        values, ids = rows_and_ids(x)
        rows = rows_of_objects(ids, source, name=_name(x), positional=positional)
        header = {"features": array_digest(values), "transform": transform.digest if transform else ""}
        identity = spec.fingerprint({**header, "rows": array_digest(rows), "items": array_digest(source.items), "order": source.order})
        header |= {"sampling": triplets.header.get("sampling", {})} if isinstance(triplets, TripletTable) else {}
        return Labelling(
            values=values,
            ids=ids,
            source=source,
            rows=rows.astype(np.int32),
            transform=transform,
            precision=precision,
            header=header,
            identity=identity,
            block=block,
        )

    def __len__(self) -> int:
        return len(self.source)

    def blocks(self, values: FloatArray, starts: Iterable[int]) -> Iterator[LabelledBlock]:
        """The labels of the blocks that begin at `starts`; `values` are the features, mapped if there is a map."""
        back = np.zeros(len(values), dtype=np.int32)
        back[self.rows[self.rows >= 0]] = np.flatnonzero(self.rows >= 0)  # the object of each row; -1: an object that is never shown
        with labeller(values) as label:
            for start in starts:
                before = np.asarray(self.source.items[start : start + self.block])
                at, similarities = label(self.rows[before])
                _check(similarities, at, self.ids)
                after, kept = back[at], narrowed(similarities, self.precision)
                yield LabelledBlock(start, after, kept, add_counts({}, kept, before, after))


def _check(similarities: FloatArray, at: IntArray, ids: tuple[str, ...]) -> None:
    if not np.isfinite(similarities).all():
        bad = int(np.flatnonzero(~np.isfinite(similarities).all(axis=1))[0])
        names = ", ".join(repr(ids[row]) for row in np.sort(at[bad]))
        raise NonFiniteError(f"a similarity of the images {names} is NaN or infinite: the teacher's features of one of them are.")


def _name(x: Features | FloatArray) -> str:
    return repr(x.subject) if isinstance(x, Features) and x.subject else "the teacher's features"
