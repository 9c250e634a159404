"""AligNet's triplet files: a teacher's similarities for pictures of ImageNet."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import IntArray
from isomorph.errors import FileError, IsomorphError
from isomorph.judgments._check import share_with_odd_last
from isomorph.judgments._npz_stream import LIMIT_BYTES, NpzStream
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
    names: npt.NDArray[Any] | None = None
    start = 0
    for block in archive.blocks("filenames", _BLOCK_ROWS):
        if block.ndim != 2 or block.shape[1] != 3 or block.dtype.kind not in "US":
            raise FileError(
                f"{archive.path}: filenames need text of the shape ({len(items)}, 3); got {block.dtype} of shape {block.shape}."
            )
        here = items[start : start + len(block)]
        start += len(block)
        if here.shape != block.shape:
            break
        if names is None:
            names = np.zeros(count, dtype=block.dtype)
        fresh = names[here] == (b"" if block.dtype.kind == "S" else "")
        names[here[fresh]] = block[fresh]
        different = names[here] != block
        if different.any():
            row, column = np.argwhere(different)[0]
            two = (str(each[row, column]) for each in (names[here], block))
            raise FileError(f"{archive.path}: one index has two file names, {' and '.join(map(repr, two))}.")
    if names is None or start != len(items):
        raise FileError(f"{archive.path}: there are {len(items):,} rows of indices but {start:,} of filenames.")
    return tuple(each.decode() if isinstance(each, bytes) else each for each in names.tolist())
