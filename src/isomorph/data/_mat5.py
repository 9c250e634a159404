"""MATLAB files of version 5, which `save -v6` and `save -v7` write: read here, as other parsers crash on damaged ones."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

from isomorph.data._mat5_variable import Mat5Variable
from isomorph.data._read_npz import check_size

_HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
_PIECE_BYTES = 1 << 16


def read_mat5(path: Path, *, limit_bytes: int) -> dict[str, Any]:
    """The variables of a file of version 5 in the form that `read_mat` states.

    Every promise of the file is held against the bytes that are there before memory is taken for it.

    Raises:
        ValueError: The file is damaged; says where and how.
        FileError: It is over the limit, or holds a function or an object.
    """
    with path.open("rb") as stream:
        order = "<" if stream.read(_HEADER_BYTES)[126:] == b"IM" else ">"
        return dict(_variables(path, stream, order, limit_bytes))


def _variables(path: Path, stream: BufferedReader, order: str, limit: int) -> Iterator[tuple[str, Any]]:
    position, file_bytes, taken = _HEADER_BYTES, path.stat().st_size, 0

    def check(size: int) -> None:
        check_size(path, taken + size, limit)

    while position < file_bytes:
        stream.seek(position)
        kind, size = _tag(stream.read(8), order)
        position += 8 + size
        if position > file_bytes:
            raise ValueError(f"a variable reaches to byte {position:,}, but the file ends at {file_bytes:,}: it was cut short")
        if kind == _COMPRESSED:
            raw = memoryview(_unpacked(stream, size, order, check))[8:]
        elif kind == _MATRIX:
            check(size)
            raw = memoryview(bytearray(size))
            stream.readinto(raw)
        else:
            raise ValueError(f"a variable is of the unknown kind {kind}")
        variable = Mat5Variable(path, raw, order, taken=taken, limit_bytes=limit)
        name, value = variable.read()
        taken = variable.taken
        if name:  # what has none is MATLAB's own notes on functions
            yield name, value


def _tag(raw: bytes | bytearray, order: str) -> tuple[int, int]:
    if len(raw) < 8:
        raise ValueError("the beginning of a variable is cut short")
    kind, size = struct.unpack(order + "II", raw)
    return kind, size


def _unpacked(stream: IO[bytes], packed: int, order: str, check: Callable[[int], None]) -> bytearray:
    """A compressed variable with its tag; memory grows only with what really comes out."""
    unpacker, raw, left = zlib.decompressobj(), bytearray(), packed

    def fill(wanted: int) -> None:
        nonlocal left
        while len(raw) < wanted and not unpacker.eof:
            piece = unpacker.unconsumed_tail
            if not piece:
                piece = stream.read(min(_PIECE_BYTES, left))
                left -= len(piece)
            grown = unpacker.decompress(piece, wanted - len(raw))
            if not piece and not grown:
                break
            raw.extend(grown)

    fill(8)
    kind, size = _tag(raw, order)
    if kind != _MATRIX:
        raise ValueError(f"a variable is of the unknown kind {kind}")
    check(size)
    fill(8 + size + 1)  # one more than there should be: finds what is too long, and zlib's own checksum at the end
    if len(raw) != 8 + size or not unpacker.eof:
        raise ValueError(f"a variable promises {size:,} bytes, but {'more' if len(raw) > 8 + size else f'{len(raw) - 8:,}'} unpack")
    return raw
