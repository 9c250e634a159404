"""MATLAB files of both kinds, as plain values."""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from isomorph.data._read_npz import LIMIT_BYTES, check_size, unreadable
from isomorph.errors import FileError

_COMPRESSED = 15
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def read_mat(path: Path | str, *, limit_bytes: int = LIMIT_BYTES) -> dict[str, Any]:
    """The variables of a MATLAB file (v4 to v7.3) by name.

    Structs become dicts, struct arrays and cell arrays become (nested) lists, strings become `str`, numbers stay arrays or scalars of
    their stored type: a `uint8` image stays `uint8`, and so does a `uint8` matrix of ratings, whose sums and differences wrap around
    unless you cast it first. Axes of length one are dropped, as MATLAB has no vectors.

    Args:
        path: The file.
        limit_bytes: The most bytes its variables may take in memory; compressed ones can unpack to any size.

    Raises:
        FileError: Not a MATLAB file, cut short, over the limit, or holding something without a plain form (functions, objects).
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(520)
            if _HDF5_MAGIC in (head[:8], head[512:520]):
                from isomorph.data._read_hdf5 import read_matlab_hdf5

                return read_matlab_hdf5(path, limit_bytes=limit_bytes)
            if head[124:128] in {b"\x00\x01IM", b"\x01\x00MI"}:
                check_size(path, _declared_bytes(stream, path.stat().st_size, "<" if head[126:128] == b"IM" else ">"), limit_bytes)
            elif b"\x00" not in head[:4]:  # version 4 begins with a small integer
                raise ValueError(f"it begins with {head[:24]!r}")
        from scipy.io import loadmat

        content: dict[str, Any] = loadmat(path, squeeze_me=True, struct_as_record=False)
    except Exception as error:  # scipy's parser fails in many ways on damaged files; all mean the same
        raise unreadable(path, "a MATLAB file", error) from error
    return {name: _plain(path, name, value, limit_bytes) for name, value in content.items() if not name.startswith("__")}


def _declared_bytes(stream: IO[bytes], file_bytes: int, order: str) -> int:
    """What the top-level variables claim to unpack to, from the first eight bytes of each."""
    total, position = 0, 128
    while position + 8 <= file_bytes:
        stream.seek(position)
        kind, size = struct.unpack(order + "II", stream.read(8))
        position += 8 + size
        if position > file_bytes:
            raise ValueError(f"a variable reaches to byte {position:,}, but the file ends at {file_bytes:,}: it was cut short")
        if kind == _COMPRESSED:
            first = zlib.decompressobj().decompress(stream.read(min(size, 4096)), 8)
            size = struct.unpack(order + "II", first)[1]
        total += size
    return total


def _plain(path: Path, name: str, value: Any, limit: int) -> Any:
    if hasattr(value, "_fieldnames"):
        return {field: _plain(path, f"{name}.{field}", getattr(value, field), limit) for field in value._fieldnames}
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [_plain(path, name, each, limit) for each in value] if value.ndim else _plain(path, name, value.item(), limit)
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufcSU" and value.dtype.names is None:
        return value
    if isinstance(value, str | bytes | int | float | complex):
        return value
    if hasattr(value, "toarray"):
        check_size(path, math.prod(value.shape) * value.dtype.itemsize, limit)  # a sparse matrix of any shape takes a few bytes on disk
        return value.toarray()
    raise FileError(f"{path}: {name!r} is a {type(value).__name__}, which has no plain form. Save it as numbers, text, cells or structs.")
