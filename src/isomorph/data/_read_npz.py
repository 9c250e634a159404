"""NumPy's own files: no pickle, and no more bytes than were asked for."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from isomorph.errors import FileError

LIMIT_BYTES = 4 << 30


def read_npz(path: Path | str, *, limit_bytes: int = LIMIT_BYTES) -> dict[str, npt.NDArray[Any]]:
    """Every array of an `.npz` file, by name.

    Args:
        path: The file.
        limit_bytes: The most bytes the arrays may take in memory together; a small file can unpack to any size.

    Raises:
        FileError: Not an `.npz` file, cut short, over the limit, or holding pickled objects.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [each for each in archive.infolist() if each.filename.endswith(".npy")]
            check_size(path, sum(each.file_size for each in members), limit_bytes)
            return {each.filename.removesuffix(".npy"): _read_member(path, archive, each) for each in members}
    except Exception as error:  # zipfile, zlib and numpy's header parser fail in many ways on damaged files; all mean the same
        raise unreadable(path, "an .npz file", error) from error


def _read_member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    name = member.filename.removesuffix(".npy")
    with archive.open(member) as stream:
        shape, _, dtype = read_header(path, name, stream)
        needed = math.prod(shape) * dtype.itemsize
        if needed != member.file_size - stream.tell():
            raise ValueError(f"the array {name!r} promises {needed:,} bytes, but {member.file_size - stream.tell():,} follow")
    with archive.open(member) as stream:
        array: npt.NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
        return array


def read_npy(path: Path | str, *, memory_map: bool = False, limit_bytes: int = LIMIT_BYTES) -> npt.NDArray[Any]:
    """The array of an `.npy` file, memory-mapped if asked (then of any size); the errors of `read_npz`."""
    path = Path(path)
    try:
        with path.open("rb") as stream:
            shape, _, dtype = read_header(path, path.stem, stream)
            needed = math.prod(shape) * dtype.itemsize
            follows = path.stat().st_size - stream.tell()
        if follows < needed:
            raise ValueError(f"it promises {needed:,} bytes of numbers, but {follows:,} follow: it was cut short")
        if not memory_map:
            check_size(path, needed, limit_bytes)
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r" if memory_map and needed else None, allow_pickle=False)
        return array
    except Exception as error:  # see above
        raise unreadable(path, "an .npy file", error) from error


def read_header(path: Path, name: str, stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first, and type of an array in numpy's format; pickled objects are a `FileError`."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(stream)
    if dtype.hasobject:
        raise FileError(
            f"{path} holds {name!r} as pickled Python objects, which can run code when they are read, so they never are. "
            "Save it again with plain types, for example array.astype(str) or array.astype(float)."
        )
    return shape, by_columns, dtype


def check_size(path: Path, declared: int, limit_bytes: int) -> None:
    """Raise `FileError` if a file unpacks to more than `limit_bytes`."""
    if declared > limit_bytes:
        raise FileError(
            f"{path} ({path.stat().st_size:,} bytes) unpacks to {declared:,} bytes, over the limit of {limit_bytes:,}. "
            "If you trust it, read it with limit_bytes=… above that."
        )


def unreadable(path: Path, kind: str, error: BaseException) -> FileError:
    """The error for a file that is not what it claims to be; an error of ours passes through."""
    if isinstance(error, FileError):
        return error
    if isinstance(error, FileNotFoundError):
        return FileError(f"there is no file {path}.")
    if isinstance(error, IsADirectoryError):
        return FileError(f"{path} is a folder, not {kind}.")
    reason = " ".join(str(error).split()) or type(error).__name__
    return FileError(f"{path} cannot be read as {kind}: {reason.rstrip('.')}. It is damaged, or something else.")
