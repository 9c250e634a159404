"""MATLAB files of all kinds, as plain values."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from isomorph.data._mat5 import read_mat5
from isomorph.data._read_npz import LIMIT_BYTES, check_size, unreadable
from isomorph.errors import FileError

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
        if b"\x00" in head[:4]:  # version 4 begins with a small integer
            return _read_mat4(path, limit_bytes)
        if head[124:128] not in {b"\x00\x01IM", b"\x01\x00MI"}:
            raise ValueError(f"it begins with {head[:24]!r}")
        return read_mat5(path, limit_bytes=limit_bytes)
    except OSError as error:
        raise unreadable(path, "a MATLAB file", error) from error
    except Exception as error:  # zlib, numpy and scipy fail in many ways on damaged files; all mean the same
        raise FileError(f"{unreadable(path, 'a MATLAB file', error)} Get it again, or save it again with `save -v7`.") from error


def _read_mat4(path: Path, limit: int) -> dict[str, Any]:
    from scipy.io import loadmat

    content: dict[str, Any] = loadmat(path, squeeze_me=True)
    for name, value in content.items():
        if hasattr(value, "toarray"):
            check_size(path, math.prod(value.shape) * value.dtype.itemsize, limit)  # a sparse matrix of any shape takes a few bytes on disk
            content[name] = value.toarray()
    return {name: value for name, value in content.items() if not name.startswith("__")}
