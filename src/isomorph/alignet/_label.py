"""What a teacher says of millions of triplets."""

from __future__ import annotations

from pathlib import Path

from isomorph import spec
from isomorph.alignet._label_blocks import Labelling
from isomorph.alignet._label_features import mapped_rows
from isomorph.alignet._label_report import LabelReport, added
from isomorph.alignet._triplet_table import TripletTable
from isomorph.alignet._triplet_table_writer import Precision, TableWriter
from isomorph.alignment import FittedTransform
from isomorph.arrays import FloatArray
from isomorph.engine import Progress
from isomorph.features import Features
from isomorph.judgments import Triplets


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
    labelling = Labelling.of(x, triplets, path, transform=transform, precision=precision, positional=positional)
    return write_labels(labelling, path, progress or Progress(quiet=True))


def write_labels(labelling: Labelling, path: Path | str, progress: Progress) -> tuple[TripletTable, LabelReport]:
    """Label what is not labelled yet, and commit the table."""
    n, values = len(labelling), labelling.values
    with TableWriter(path, n, labelling.identity, precision=labelling.precision) as writer:
        if labelling.transform is not None:
            with writer.disk_errors(), progress.task("transforming features", len(values), unit="images") as task:
                values = mapped_rows(values, labelling.ids, labelling.transform, writer.folder / "features.npy", task)
        with progress.task("labelling", n, unit="triplets", done=writer.done) as task:
            for block in labelling.blocks(values, range(writer.done, n, labelling.block)):
                writer.write(block.start, block.items, block.similarities, added(writer.totals, block.counts))
                task.advance(len(block.items))
        return commit_labels(labelling, writer)


def commit_labels(labelling: Labelling, writer: TableWriter) -> tuple[TripletTable, LabelReport]:
    """All blocks are written: the table, and a report on it."""
    report = LabelReport.of(writer.totals)
    return writer.commit({**labelling.header, "report": spec.to_plain(report)}, labelling.source.objects), report
