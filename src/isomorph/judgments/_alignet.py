"""AligNet's triplet files: a teacher's similarities for pictures of ImageNet."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray
from isomorph.engine import Progress, Task
from isomorph.errors import FileError, InputError, IsomorphError, ShapeError
from isomorph.judgments._check import share_with_odd_last
from isomorph.judgments._npz_stream import LIMIT_BYTES, NpzStream, NpzWriter
from isomorph.judgments._triplets import Triplets

_BLOCK_ROWS, _DENSE = 1 << 18, 100_000_000


def read_alignet(path: Path | str, *, names: str = "filenames", limit_bytes: int = LIMIT_BYTES) -> Triplets:
    """AligNet's `.npz`: `indices` and `similarities` (01, 02, 12), both `[trial, 3]`, and `filenames`; the odd one stands last.

    Memory stays bounded by indices and similarities: the file names of all trials (2.8 GB for ten million) are read in blocks, and one
    is kept for each picture. Each index must have the same name wherever it stands. Where the largest similarity is not that of the
    pair 01 in every trial there is a warning with the share; `canonicalise` re-sorts such trials.

    Args:
        path: The file.
        names: What to call the objects: `"filenames"`, or `"indices"` (the number of the picture, as text; quicker).
        limit_bytes: The most bytes that indices, and similarities, may each take.

    Raises:
        FileError: An array is missing, of another shape, or pickled; or one index has two names.
        InputError: A row shows one picture twice.
        NonFiniteError: A similarity is NaN or infinite.
    """
    path = Path(path)
    with NpzStream(path) as archive:
        indices = archive.read("indices", limit_bytes=limit_bytes)
        similarities = archive.read("similarities", limit_bytes=limit_bytes)
        for name, each in (("indices", indices), ("similarities", similarities)):
            if each.ndim != 2 or each.shape[1] != 3 or len(each) != len(indices):
                raise FileError(f"{path}: {name} need the shape ({len(indices)}, 3), one row a trial; got {each.shape}.")
        if indices.dtype.kind not in "iu" or similarities.dtype.kind != "f" or not len(indices):
            raise FileError(
                f"{path} must hold whole indices and real similarities of at least one trial; got {indices.dtype}, {similarities.dtype}."
            )
        if int(indices.min()) < 0:
            raise FileError(f"{path}: indices are positions, 0 or more; the smallest is {int(indices.min())}.")
        numbers, items = _renumbered(indices)
        objects = tuple(map(str, numbers.tolist()))
        if names == "filenames" and "filenames" in archive.names:
            objects = _file_names(archive, items, len(numbers))
    try:
        triplets = Triplets(items=items, objects=objects, similarities=similarities, source=f"{path.name}, alignet")
    except IsomorphError as error:
        raise type(error)(f"{path}: {error}") from error
    share = share_with_odd_last(triplets)
    if share < 1:
        warnings.warn(
            f"{path}: in {1 - share:.2%} of trials the largest similarity is not that of the first two items, so that the odd one does not "
            "stand last there. canonicalise(triplets) re-sorts them.",
            stacklevel=3,
        )
    return triplets


def _renumbered(indices: IntArray) -> tuple[IntArray, IntArray]:
    """The distinct indices in order, and the items that point into them."""
    top = int(indices.max())
    if top >= _DENSE:
        numbers, inverse = np.unique(indices, return_inverse=True)
        return numbers, inverse.reshape(indices.shape).astype(np.int32)
    present = np.zeros(top + 1, dtype=bool)
    present[indices.ravel()] = True
    return np.flatnonzero(present), (np.cumsum(present, dtype=np.int32) - 1)[indices]


def _file_names(archive: NpzStream, items: IntArray, count: int) -> tuple[str, ...]:
    names, start = ImageNames(archive.path, count), 0
    for block in archive.blocks("filenames", _BLOCK_ROWS):
        names.add(items[start : start + len(block)], block)
        start += len(block)
    if start != len(items):
        raise FileError(f"{archive.path}: there are {len(items):,} rows of indices but {start:,} of filenames.")
    return names.all()


class ImageNames:
    """One name for each image, gathered from the names that stand in triplets, which must agree."""

    def __init__(self, path: Path, count: int) -> None:
        self._path, self._count = path, count
        self._names: npt.NDArray[Any] | None = None

    def add(self, items: IntArray, block: npt.NDArray[Any]) -> None:
        """The names `[trial, 3]` of `items` `[trial, 3]`.

        Raises:
            FileError: They are no text, or of another shape; or an image has another name already.
        """
        if block.ndim != 2 or block.shape[1] != 3 or block.dtype.kind not in "US":
            raise FileError(f"{self._path}: filenames need text of the shape (n, 3); got {block.dtype} of shape {block.shape}.")
        if len(block) != len(items):
            raise FileError(f"{self._path}: there are more rows of filenames than of indices.")
        if self._names is None:
            if (needed := self._count * block.dtype.itemsize) > LIMIT_BYTES:
                raise FileError(
                    f"{self._path}: the file names of {self._count:,} images take {needed:,} bytes, over the limit of {LIMIT_BYTES:,}."
                )
            self._names = np.zeros(self._count, dtype=block.dtype)
        fresh = self._names[items] == (b"" if block.dtype.kind == "S" else "")
        self._names[items[fresh]] = block[fresh]
        different = self._names[items] != block
        if different.any():
            row, column = np.argwhere(different)[0]
            two = (str(each[row, column]) for each in (self._names[items], block))
            raise FileError(f"{self._path}: one index has two file names, {' and '.join(map(repr, two))}.")

    def all(self) -> tuple[str, ...]:
        """The name of each image; empty where none was given."""
        names = [] if self._names is None else self._names.tolist()
        return tuple(each.decode() if isinstance(each, bytes) else each for each in names)


class LabelledTriplets(Protocol):
    """What can be written as AligNet's file: `Triplets` with similarities, or a table of them on disk."""

    @property
    def items(self) -> IntArray:
        """`[trial, 3]`: rows of `objects`."""

    @property
    def similarities(self) -> FloatArray | None:
        """`[trial, 3]`: the pairs 01, 02, 12."""

    @property
    def objects(self) -> tuple[str, ...]:
        """Names."""


def write_alignet(
    path: Path | str,
    triplets: LabelledTriplets,
    *,
    filenames: Sequence[str] | None = None,
    indices: Sequence[int] | IntArray | None = None,
    progress: Progress | None = None,
) -> None:
    """Write AligNet's `.npz`: `filenames`, `similarities` and `indices`, each `[trial, 3]`, in bounded memory.

    Args:
        path: The file; it appears whole or not at all.
        triplets: With similarities, the odd one last; may be memory-mapped.
        filenames: The file name of each object; its id by default.
        indices: The number of each object in the data set that students are trained on (AligNet: ImageNet's training images in the order
            of TensorFlow Datasets); its row by default.
        progress: Shows how far it is.

    Raises:
        InputError: The triplets have no similarities.
        ShapeError: There are not as many file names or indices as objects.
        FileError: The file cannot be written.
    """
    if triplets.similarities is None:
        raise InputError("AligNet's files hold similarities, and these triplets have none. Label them first.")
    count, n = len(triplets.objects), len(triplets.items)
    names = np.array(list(triplets.objects if filenames is None else filenames), dtype=np.str_)
    numbers = np.arange(count, dtype=np.int32) if indices is None else np.asarray(indices, dtype=np.int64)
    for what, each in (("file names", names), ("indices", numbers)):
        if each.shape != (count,):
            raise ShapeError(f"there are {count:,} objects but {len(each):,} {what}; each object needs its own.")
    precision = np.promote_types(triplets.similarities.dtype, np.float32)
    members = (("indices", triplets.items, numbers), ("similarities", triplets.similarities, None), ("filenames", triplets.items, names))
    with (
        NpzWriter.create(Path(path), needed=n * 3 * (names.itemsize + numbers.itemsize + precision.itemsize)) as file,
        (progress or Progress(quiet=True)).task(f"writing {Path(path).name}", 3 * n, unit="rows") as task,
    ):
        for name, source, of in members:
            file.add(name, (n, 3), precision if of is None else of.dtype, _blocks_of(source, of, task))


def _blocks_of(source: npt.NDArray[Any], of: npt.NDArray[Any] | None, task: Task) -> Iterator[npt.NDArray[Any]]:
    for start in range(0, len(source), _BLOCK_ROWS):
        block = np.asarray(source[start : start + _BLOCK_ROWS])
        yield block if of is None else of[block]
        task.advance(len(block))
