"""Arrays of an `.npz` file one at a time, or in blocks of rows: no pickle, and no more memory than asked for."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.data._read_npz import read_header
from isomorph.errors import FileError
from isomorph.store._atomic import temporary_file

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

    def shape(self, name: str) -> tuple[int, ...]:
        """The axes of one array, without its numbers."""
        if name not in self.names:
            raise self._absent(name)
        try:
            with self._archive.open(f"{name}.npy") as stream:
                return read_header(self.path, name, stream)[0]
        except FileError:
            raise
        except Exception as error:  # as in blocks
            raise self._unreadable(error) from error

    def blocks(self, name: str, rows: int | None = None, *, limit_bytes: int = LIMIT_BYTES) -> Iterator[npt.NDArray[Any]]:
        """One array, `rows` at a time (all at once by default); never more than `limit_bytes` at once."""
        if name not in self.names:
            raise self._absent(name)
        try:
            yield from self._blocks(name, rows, limit_bytes)
        except FileError:
            raise
        except Exception as error:  # zipfile, zlib and numpy's header parser fail in many ways on damaged files; all mean the same
            raise self._unreadable(error) from error

    def _blocks(self, name: str, rows: int | None, limit: int) -> Iterator[npt.NDArray[Any]]:
        member = self._archive.getinfo(f"{name}.npy")
        with self._archive.open(member) as stream:
            shape, by_columns, dtype = read_header(self.path, name, stream)
            needed, follows = math.prod(shape) * dtype.itemsize, member.file_size - stream.tell()
            if needed != follows:
                raise ValueError(f"the array {name!r} promises {needed:,} bytes, but {follows:,} follow")
            at_once = needed
            if rows is not None and shape and not by_columns:  # by columns, the first row is whole at the end of the file
                a_row = max(math.prod(shape[1:]) * dtype.itemsize, 1)
                at_once = min(rows, shape[0]) * a_row
            if at_once > limit:
                raise FileError(f"{self.path}: {name!r} unpacks to {at_once:,} bytes, over the limit of {limit:,}.")
            if rows is None or by_columns or not shape:
                values = np.frombuffer(stream.read(), dtype=dtype).reshape(shape, order="F" if by_columns else "C")
                yield from [values] if rows is None or not shape else (values[at : at + rows] for at in range(0, shape[0], rows))
                return
            for start in range(0, shape[0], rows):
                block = stream.read(min(rows, shape[0] - start) * a_row)
                yield np.frombuffer(block, dtype=dtype).reshape(-1, *shape[1:])

    def _absent(self, name: str) -> FileError:
        return FileError(f"{self.path} holds no array called {name!r}; it holds {', '.join(map(repr, sorted(self.names)))}.")

    def _unreadable(self, error: BaseException) -> FileError:
        if isinstance(error, FileNotFoundError):
            return FileError(f"there is no file {self.path}.")
        reason = " ".join(str(error).split()) or type(error).__name__
        return FileError(f"{self.path} cannot be read as an .npz file: {reason.rstrip('.')}. It is damaged, or something else.")


class NpzWriter:
    """An `.npz` file in the making: arrays are compressed block by block, and equal blocks give equal bytes."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def add(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], blocks: Iterable[npt.NDArray[Any]]) -> None:
        """One array; its blocks are rows that follow each other."""
        described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        with self._archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
            np.lib.format.write_array_header_1_0(stream, described)
            for block in blocks:
                stream.write(np.ascontiguousarray(block, dtype=dtype).view(np.uint8).data)

    @classmethod
    @contextmanager
    def create(cls, path: Path, *, needed: int) -> Iterator[NpzWriter]:
        """A file that appears whole or not at all; `needed` is the most bytes it may take, for the message.

        Raises:
            FileError: It cannot be written.
        """
        try:
            with (
                temporary_file(path, needed=needed, durable=False) as (file, temporary),
                zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,  # a third of the time of level 6
            ):
                yield cls(archive)
            temporary.replace(path)
        except OSError as error:
            if isinstance(error, FileError):
                raise
            raise FileError(
                f"{path} cannot be written: {getattr(error.__cause__, 'strerror', None) or error.strerror or error}."
            ) from error
