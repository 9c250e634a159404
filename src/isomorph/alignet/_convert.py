"""AligNet's files into tables, in bounded memory. The way back is `isomorph.judgments.write_alignet`, which takes a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isomorph import spec
from isomorph.alignet._label_features import narrowed
from isomorph.alignet._label_report import LabelReport, add_counts
from isomorph.alignet._sample_kinds import sampling_kind
from isomorph.alignet._triplet_table import TripletTable, check_items
from isomorph.alignet._triplet_table_writer import Precision, TableWriter
from isomorph.alignment._teacher_triplets import nearest_first
from isomorph.arrays import FloatArray, IntArray
from isomorph.engine import Progress
from isomorph.errors import FileError, InputError, NonFiniteError
from isomorph.judgments import Triplets
from isomorph.judgments._alignet import ImageNames
from isomorph.judgments._npz_stream import NpzStream

_ROWS = 1 << 17
TRANSFORMS = ("uncertainty_distillation", "untransformed")
"""What AligNet's folders call labels of a transformed teacher, and those of the control."""


def alignet_path(root: Path | str, *, transform: str, split: str, sampling: str) -> Path:
    """Where AligNet's code looks for triplets: `{root}/{transform}/{train|val}_{sampling}.npz`.

    Args:
        root: The folder of all triplet files.
        transform: `"uncertainty_distillation"` (of the mapped teacher) or `"untransformed"` (of the control's).
        split: `"train"` or `"val"`.
        sampling: As in `TripletSampler`.

    Raises:
        InputError: There is no such transform or split.
        UnknownNameError: There is no such sampling.

    Example:
        >>> alignet_path("data", transform="uncertainty_distillation", split="val", sampling="class_border").as_posix()
        'data/uncertainty_distillation/val_class_border.npz'
    """
    if transform not in TRANSFORMS:
        raise InputError(f"AligNet's transforms are {' and '.join(map(repr, TRANSFORMS))}; got {transform!r}.")
    if split not in ("train", "val"):
        raise InputError(f"AligNet's splits are 'train' and 'val'; got {split!r}.")
    sampling_kind(sampling)
    return Path(root) / transform / f"{split}_{sampling}.npz"


def table_from_alignet(
    source: Path | str,
    path: Path | str,
    *,
    canonical: bool = False,
    names: bool = True,
    precision: Precision = "float32",
    limit_objects: int = 20_000_000,
    progress: Progress | None = None,
) -> tuple[TripletTable, LabelReport]:
    """Turn AligNet's `.npz` into a memory-mapped `TripletTable`; its `indices` become the items.

    The report says whether the odd one stands last as the code of losses and readers has it (`odd_last`), and whether the file keeps to
    the README's words (`third_smallest`): the two differ, and the published files are not described any closer.

    Args:
        source: The file. Nothing is unpickled, nothing read whole.
        path: The table's folder.
        canonical: Re-sort images so that s01 ≥ s02 ≥ s12.
        names: Keep the file names, one an image; an index must have the same name wherever it stands.
        precision: Of the similarities.
        limit_objects: The largest index there may be, plus one.
        progress: Shows how far it is.

    Raises:
        FileError: An array is missing, of another shape or pickled; an index is out of range, or has two names.
        NonFiniteError: A similarity is NaN or infinite.
        InputError: A similarity is beyond `precision`.
    """
    source = Path(source)
    with NpzStream(source) as archive:
        n, count = _counts(archive, limit_objects)
        with_names = names and "filenames" in archive.names
        identity = spec.fingerprint({"source": str(source.resolve()), "time": source.stat().st_mtime_ns, "canonical": canonical})
        with (
            TableWriter(path, n, identity, precision=precision, resumes=False) as writer,
            (progress or Progress(quiet=True)).task(f"reading {source.name}", n, unit="triplets") as task,
        ):
            named = ImageNames(source, count)
            totals: dict[str, float] = {}
            members = ["indices", "similarities", *(["filenames"] if with_names else [])]
            for parts in zip(*(archive.blocks(each, _ROWS) for each in members), strict=True):
                items, similarities = _checked(source, parts[0], parts[1], count, task.done)
                if with_names:
                    named.add(items, parts[2])
                items, similarities, totals = _sorted(items, narrowed(similarities, precision), totals, canonical)
                writer.write(task.done, items, similarities, totals)
                task.advance(len(items))
            report = LabelReport.of(totals)
            objects = [each or None for each in named.all()] if with_names else count
            return writer.commit({"source": source.name, "report": spec.to_plain(report)}, objects), report


def table_from_triplets(triplets: Triplets, path: Path | str, *, precision: Precision = "float32") -> TripletTable:
    """Judgments of any format as a `TripletTable`: items, and similarities if they have them; what else they know stays behind.

    Args:
        triplets: The judgments.
        path: The table's folder.
        precision: Of the similarities.

    Raises:
        InputError: A similarity is beyond `precision`, or something else is at `path`.
        FileError: The table cannot be written.
    """
    similarities = None if triplets.similarities is None else narrowed(triplets.similarities, precision)
    with TableWriter(path, len(triplets), triplets.digest, precision=None if similarities is None else precision) as writer:
        writer.write(0, triplets.items, similarities)
        return writer.commit({"source": triplets.source}, triplets.objects)


def _counts(archive: NpzStream, limit: int) -> tuple[int, int]:
    """Triplets, and the largest index plus one."""
    shape = archive.shape("indices")
    for name in ("indices", "similarities", *(["filenames"] if "filenames" in archive.names else [])):
        if len(shape) != 2 or shape[1] != 3 or not shape[0] or archive.shape(name) != shape:
            raise FileError(f"{archive.path}: {name} need the shape (n, 3), one row a triplet; got {archive.shape(name)}.")
    top = -1
    for block in archive.blocks("indices", _ROWS):
        if block.dtype.kind not in "iu":
            raise FileError(f"{archive.path}: indices are whole numbers; got {block.dtype}.")
        if int(block.min()) < 0 or int(block.max()) >= limit:
            raise FileError(f"{archive.path}: indices count images, 0 to {limit - 1:,}; there are {block.min()} to {block.max()}.")
        top = max(top, int(block.max()))
    return shape[0], top + 1


def _checked(source: Path, indices: IntArray, similarities: FloatArray, count: int, start: int) -> tuple[IntArray, FloatArray]:
    if similarities.dtype.kind != "f":
        raise FileError(f"{source}: similarities are real numbers; got {similarities.dtype}.")
    if not np.isfinite(similarities).all():
        raise NonFiniteError(f"{source}: {int((~np.isfinite(similarities)).sum()):,} similarities are NaN or infinite.")
    items = indices.astype(np.int32)
    try:
        check_items(items, count, start)
    except ValueError as error:
        raise FileError(f"{source}: {error}.") from error
    return items, similarities


def _sorted(
    items: IntArray, similarities: FloatArray, totals: dict[str, float], canonical: bool
) -> tuple[IntArray, FloatArray, dict[str, float]]:
    if not canonical:
        return items, similarities, add_counts(totals, similarities)
    after, by_rank = nearest_first(items, similarities)
    return after, by_rank, add_counts(totals, similarities, items, after)
