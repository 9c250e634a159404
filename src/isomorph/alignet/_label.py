"""What a teacher says of millions of triplets."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isomorph import spec
from isomorph.alignet._label_features import array_digest, mapped_rows, narrowed, rows_and_ids
from isomorph.alignet._label_products import labeller
from isomorph.alignet._label_report import LabelReport, add_counts
from isomorph.alignet._triplet_table import TripletTable
from isomorph.alignet._triplet_table_writer import Precision, TableWriter
from isomorph.alignment import FittedTransform
from isomorph.arrays import FloatArray, IntArray
from isomorph.engine import Progress
from isomorph.errors import InputError, NonFiniteError, ShapeError
from isomorph.features import Features
from isomorph.judgments import Triplets
from isomorph.judgments._join import rows_of_objects

_ROWS = 1 << 18


def label_triplets(
    x: Features | FloatArray,
    triplets: Triplets | TripletTable,
    path: Path | str,
    *,
    transform: FittedTransform | None = None,
    precision: Precision = "float32",
    positional: bool = False,
    progress: Progress | None = None,
) -> tuple[TripletTable, LabelReport]:
    r"""Label triplets with a teacher: dot products of the pairs, and the odd one last.

    $$s_{ij} = \langle x'_i, x'_j \rangle, \qquad x' = \frac{x - \mu}{\sigma} W + b$$

    Images are re-ordered so that s01 ≥ s02 ≥ s12: the odd one stands in column 2, and of the pair the image nearer to it first. With a
    `transform` (of `UncertaintyDistillation`) these are AligNet's labels; without one they are the control's ("untransformed"). Soft
    targets are the softmax of a row without a temperature: `TripletTable.soft_targets`.

    Features may be memory-mapped, also float16, and are never loaded whole; the transform is applied once to all of them, into a scratch
    file in their own precision. Blocks that are finished survive a kill: the same call goes on there.

    Args:
        x: The teacher's features `[image, feature]`; of an array, the ids are row numbers.
        triplets: What to label; a `TripletTable`, or a `Triplets`.
        path: The folder of the labelled table.
        transform: The teacher's affine map.
        precision: Of the similarities on disk.
        positional: Image i of the triplets is row i of `x`, whatever it is called.
        progress: Shows how far it is.

    Returns:
        The table and a report on it.

    Raises:
        IdError: `x` lacks an image.
        NonFiniteError: A similarity is NaN or infinite: `x` holds such values.
        InputError: A similarity is beyond `precision`, or `path` is something else.
        FileError: The table cannot be written.

    References:
        Muttenthaler et al., 2024, <https://arxiv.org/abs/2409.06509>.
    """
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
    progress = progress or Progress(quiet=True)
    with TableWriter(path, len(source), identity, precision=precision) as writer:
        if transform is not None:
            with writer.disk_errors(), progress.task("transforming features", len(values), unit="images") as task:
                values = mapped_rows(values, ids, transform, writer.folder / "features.npy", task)
        _label(values, ids, rows.astype(np.int32), source, writer, precision, progress)
        report = LabelReport.of(writer.totals)
        return writer.commit({**header, "report": spec.to_plain(report)}, source.objects), report


def _label(
    values: FloatArray,
    ids: tuple[str, ...],
    rows: IntArray,
    source: Triplets,
    writer: TableWriter,
    precision: Precision,
    progress: Progress,
) -> None:
    back = np.zeros(len(values), dtype=np.int32)
    back[rows[rows >= 0]] = np.flatnonzero(rows >= 0)  # the object of each row; -1: an object that is never shown
    totals = dict(writer.totals)
    with labeller(values) as label, progress.task("labelling", len(source), unit="triplets", done=writer.done) as task:
        for start in range(writer.done, len(source), _ROWS):
            before = np.asarray(source.items[start : start + _ROWS])
            at, similarities = label(rows[before])
            _check(similarities, at, ids)
            after = back[at]
            kept = narrowed(similarities, precision)
            totals = add_counts(totals, kept, before, after)
            writer.write(start, after, kept, totals)
            task.advance(len(after))


def _check(similarities: FloatArray, at: IntArray, ids: tuple[str, ...]) -> None:
    if not np.isfinite(similarities).all():
        bad = int(np.flatnonzero(~np.isfinite(similarities).all(axis=1))[0])
        names = ", ".join(repr(ids[row]) for row in np.sort(at[bad]))
        raise NonFiniteError(f"a similarity of the images {names} is NaN or infinite: the teacher's features of one of them are.")


def _name(x: Features | FloatArray) -> str:
    return repr(x.subject) if isinstance(x, Features) and x.subject else "the teacher's features"
