"""Arrays of an `.npz` file one at a time, or in blocks of rows: no pickle, and no more memory than asked for."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.data._read_npz import read_header
from isomorph.errors import FileError

LIMIT_BYTES = 4 << 30


class NpzStream:
    """An open `.npz` file.

    Raises:
        FileError: Not an `.npz` file, cut short, over the limit, or holding pickled objects.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise self._unreadable(error) from error
        self.names = {each.filename.removesuffix(".npy") for each in self._archive.infolist() if each.filename.endswith(".npy")}

    def __enter__(self) -> NpzStream:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def read(self, name: str, *, limit_bytes: int = LIMIT_BYTES) -> npt.NDArray[Any]:
        """One array."""
        blocks = list(self.blocks(name, limit_bytes=limit_bytes))
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    def blocks(self, name: str, rows: int | None = None, *, limit_bytes: int | None = None) -> Iterator[npt.NDArray[Any]]:
        """One array, `rows` at a time (all at once by default)."""
        if name not in self.names:
            raise FileError(f"{self.path} holds no array called {name!r}; it holds {', '.join(map(repr, sorted(self.names)))}.")
        try:
            yield from self._blocks(name, rows, limit_bytes)
        except FileError:
            raise
        except Exception as error:  # zipfile, zlib and numpy's header parser fail in many ways on damaged files; all mean the same
            raise self._unreadable(error) from error

    def _blocks(self, name: str, rows: int | None, limit: int | None) -> Iterator[npt.NDArray[Any]]:
        member = self._archive.getinfo(f"{name}.npy")
        with self._archive.open(member) as stream:
            shape, by_columns, dtype = read_header(self.path, name, stream)
            needed, follows = math.prod(shape) * dtype.itemsize, member.file_size - stream.tell()
            if needed != follows:
                raise ValueError(f"the array {name!r} promises {needed:,} bytes, but {follows:,} follow")
            if limit is not None and needed > limit:
                raise FileError(f"{self.path}: {name!r} unpacks to {needed:,} bytes, over the limit of {limit:,}.")
            if rows is None or by_columns or not shape:
                values = np.frombuffer(stream.read(), dtype=dtype)
                yield values.reshape(shape, order="F" if by_columns else "C")
                return
            a_row = max(math.prod(shape[1:]) * dtype.itemsize, 1)
            for start in range(0, shape[0], rows):
                block = stream.read(min(rows, shape[0] - start) * a_row)
                yield np.frombuffer(block, dtype=dtype).reshape(-1, *shape[1:])

    def _unreadable(self, error: BaseException) -> FileError:
        if isinstance(error, FileNotFoundError):
            return FileError(f"there is no file {self.path}.")
        reason = " ".join(str(error).split()) or type(error).__name__
        return FileError(f"{self.path} cannot be read as an .npz file: {reason.rstrip('.')}. It is damaged, or something else.")
