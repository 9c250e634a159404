"""One variable of a MATLAB file of version 5."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.data._read_npz import check_size
from isomorph.errors import FileError

Values = npt.NDArray[Any]
Shape = tuple[int, ...]

_MATRIX = 14  # kinds of data elements
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CODECS = {1: "latin-1", 2: "latin-1", 3: "utf-16-{}", 4: "utf-16-{}", 16: "utf-8", 17: "utf-16-{}", 18: "utf-32-{}"}
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _OPAQUE = 1, 2, 3, 4, 5, 17  # classes of variables; numbers are 6 to 15
_WITHOUT_FORM = {16: "a function", _OPAQUE: "an object", 18: "an object"}
_TAGS = {order: struct.Struct(order + "II") for order in "<>"}
_DEEPEST = 64
_MOST_AXES = 32
_LONGEST_PLACE = 200  # of the name of a variable or field in messages
_NODE_BYTES = 128  # what the smallest value takes in memory; in the file it is 8 bytes
_MOST_FROM_NOTHING = 1 << 16  # blanks and structs without fields, which take no bytes in the file


class Mat5Variable:
    """Turns the bytes of a variable into its name and value.

    Args:
        path: The file, for messages.
        raw: The content of the variable, without its tag.
        order: `<` or `>`, the file's byte order.
        taken: What the variables before it take in memory; the attribute counts on.
        limit_bytes: The most that all may take.
    """

    def __init__(self, path: Path, raw: memoryview, order: str, *, taken: int, limit_bytes: int) -> None:
        self.path, self.raw, self.order, self.taken, self.limit = path, raw, order, taken, limit_bytes
        self._where = ""

    def read(self) -> tuple[str, Any]:
        """Name and value; a `ValueError` says what is damaged and how."""
        try:
            return self._matrix(self.raw, "", 0)
        except ValueError as error:
            raise ValueError(f"{repr(self._where) if self._where else 'a variable'} {error}") from error

    def _matrix(self, raw: memoryview, where: str, depth: int) -> tuple[str, Any]:
        parts = _Elements(raw, self.order)
        flags = parts.take()[1]
        if len(flags) != 8:
            raise ValueError(f"has {len(flags)} bytes of flags instead of 8")
        bits, _ = parts.tag.unpack(flags)
        kind = bits & 0xFF
        shape = (0, 0) if kind == _OPAQUE else parts.shape()
        name = parts.name()
        self._where = where = (where or name)[:_LONGEST_PLACE]
        if kind in _WITHOUT_FORM:
            raise FileError(
                f"{self.path}: {where!r} is {_WITHOUT_FORM[kind]}, which has no plain form. Save it as numbers, text, cells or structs."
            )
        if depth > _DEEPEST:
            raise ValueError(f"is nested more than {_DEEPEST} deep")
        if kind == _CELL:
            return name, self._cells(parts, shape, where, depth)
        if kind in (_STRUCT, _OBJECT):
            if kind == _OBJECT:
                parts.name()  # of its class; objects of old are structs inside
            return name, self._structs(parts, shape, where, depth)
        if kind == _CHAR:
            return name, self._text(parts, shape)
        is_complex, is_logical = bool(bits & 0x800), bool(bits & 0x200)
        if kind == _SPARSE:
            return name, self._sparse(parts, shape, is_complex, is_logical)
        if 6 <= kind <= 15:
            return name, self._array(parts, shape, is_complex)
        raise ValueError(f"is of the unknown class {kind}")

    def _count(self, more: int) -> None:
        self.taken += more
        check_size(self.path, self.taken, self.limit)

    def _array(self, parts: _Elements, shape: Shape, is_complex: bool) -> Any:
        values = self._numbers(parts, is_complex)
        if len(values) != math.prod(shape):
            raise ValueError(f"promises {math.prod(shape):,} numbers, but has {len(values):,}")
        if not is_complex and 2 * values.nbytes < len(self.raw):
            values = values.copy()  # else a small part of the variable keeps the whole in memory
        values = values.reshape([each for each in shape if each != 1], order="F") if values.size else values
        return values if values.ndim else values.item()

    def _numbers(self, parts: _Elements, is_complex: bool) -> Values:
        real = parts.numbers()
        self._count(16 * len(real) if is_complex else real.nbytes)
        if not is_complex:
            return real
        imaginary = parts.numbers()
        if len(real) != len(imaginary):
            raise ValueError(f"has {len(real):,} real parts, but {len(imaginary):,} imaginary ones")
        values = real.astype(np.complex64 if real.dtype == np.float32 else np.complex128)
        values.imag = imaginary
        return values

    def _sparse(self, parts: _Elements, shape: Shape, is_complex: bool, is_logical: bool) -> Values:
        """Rows of the stored values, where each column starts among them, the values."""
        rows, starts = parts.numbers(), parts.numbers()
        # MATLAB marks the bytes of logical values as doubles
        values = parts.numbers(bytes_of=len(rows)).astype(bool) if is_logical else self._numbers(parts, is_complex)
        if not all(each.dtype.kind in "iu" and each.itemsize <= 4 for each in (rows, starts)):
            raise ValueError("is a sparse matrix whose places are no 32-bit integers")
        starts = starts.astype(np.int64)
        counts = starts[1:] - starts[:-1]
        if len(shape) != 2 or len(starts) != shape[1] + 1 or starts[0] != 0 or counts.min(initial=0) < 0:
            raise ValueError("is a sparse matrix whose columns do not add up")
        stored = int(starts[-1])
        if stored > min(len(rows), len(values)):
            raise ValueError(f"promises {stored:,} stored values, but has {min(len(rows), len(values)):,}")
        if stored and not 0 <= rows[:stored].min() <= rows[:stored].max() < shape[0]:
            raise ValueError(f"has values outside of its {shape[0]:,} rows")
        self._count(math.prod(shape) * values.itemsize)  # of any shape, it takes a few bytes in the file
        dense = np.zeros(shape, values.dtype)
        np.add.at(dense, (rows[:stored], np.repeat(np.arange(shape[1]), counts)), values[:stored])
        return dense

    def _text(self, parts: _Elements, shape: Shape) -> Any:
        kind, raw = parts.take()
        count = math.prod(shape)
        if kind not in _CODECS:
            raise ValueError(f"has an element of the kind {kind} where text belongs")
        self._count(4 * max(len(raw), min(count, _MOST_FROM_NOTHING)))
        text = bytes(raw).decode(_CODECS[kind].format("le" if self.order == "<" else "be"), "replace")
        if not raw and count <= _MOST_FROM_NOTHING:
            text = " " * count  # some programs do not write blanks
        if not count:
            return np.zeros(0, "U1")
        if shape[-1] == count and (len(text) == count or len(text.encode("utf-16-le")) == 2 * count):  # MATLAB counts UTF-16's units
            return text.rstrip("\0")
        if len(text) != count:
            raise ValueError(f"promises {count:,} characters, but has {len(text):,}")
        letters = np.frombuffer(text.encode("utf-32-le"), "<U1").reshape(shape, order="F")
        words = np.array(letters, order="C").view(f"<U{shape[-1]}").squeeze()
        return words if words.ndim else words.item()

    def _cells(self, parts: _Elements, shape: Shape, where: str, depth: int) -> Any:
        count = math.prod(shape)
        self._expect(count, parts.left)
        return _nested([self._inside(parts, where, depth) for _ in range(count)], shape)

    def _structs(self, parts: _Elements, shape: Shape, where: str, depth: int) -> Any:
        fields, count = _fields(parts), math.prod(shape)
        if fields or count > _MOST_FROM_NOTHING:
            self._expect(count * max(len(fields), 1), parts.left)
        self._count(_NODE_BYTES * count)
        inside = {each: f"{where}.{each}"[:_LONGEST_PLACE] for each in fields}
        return _nested([{each: self._inside(parts, inside[each], depth) for each in fields} for _ in range(count)], shape)

    def _expect(self, count: int, left: int) -> None:
        if 8 * count > left:
            raise ValueError(f"promises {count:,} values inside, but only {left:,} bytes follow")
        self._count(_NODE_BYTES * count)

    def _inside(self, parts: _Elements, where: str, depth: int) -> Any:
        self._where = where
        kind, raw = parts.take()
        if kind != _MATRIX:
            raise ValueError(f"has an element of the kind {kind} where a variable belongs")
        return self._matrix(raw, where, depth + 1)[1] if raw else np.zeros(0)


class _Elements:
    """The data elements in some bytes, one after another and never beyond the end."""

    def __init__(self, raw: memoryview, order: str) -> None:
        self.raw, self.order, self.position = raw, order, 0
        self.tag = _TAGS[order]

    @property
    def left(self) -> int:
        return len(self.raw) - self.position

    def take(self) -> tuple[int, memoryview]:
        """Kind and content of the next element."""
        start, room = self.position + 8, self.left - 8
        if room < 0:
            raise ValueError("ends too early")
        kind, size = self.tag.unpack_from(self.raw, self.position)
        if kind >> 16:  # a small element: its content is where others have their size
            kind, size, start, room = kind & 0xFFFF, kind >> 16, start - 4, 4
        if size > room:
            raise ValueError(f"has an element of {size:,} bytes where there is room for {room:,}")
        self.position = min(start + size + -(start + size) % 8, len(self.raw))
        return kind, self.raw[start : start + size]

    def numbers(self, *, bytes_of: int = -1) -> Values:
        """The next element as numbers in the machine's byte order; as bytes if it has `bytes_of` of them, whatever its kind."""
        kind, raw = self.take()
        if len(raw) == bytes_of:
            return np.frombuffer(raw, np.uint8)
        if kind not in _NUMBERS:
            raise ValueError(f"has an element of the kind {kind} where numbers belong")
        stored = np.dtype(self.order + _NUMBERS[kind])
        if len(raw) % stored.itemsize:
            raise ValueError(f"has {len(raw):,} bytes of numbers that take {stored.itemsize} each")
        values = np.frombuffer(raw, stored)
        return values if stored.isnative else values.astype(stored.newbyteorder("="))

    def shape(self) -> Shape:
        lengths = self.numbers()
        if not 2 <= len(lengths) <= _MOST_AXES or lengths.dtype.kind not in "iu" or lengths.min() < 0:
            raise ValueError(f"has the impossible shape {tuple(lengths[:8].tolist())}")
        return tuple(lengths.tolist())

    def name(self) -> str:
        return bytes(self.take()[1]).decode("latin-1").rstrip("\0")


def _fields(parts: _Elements) -> list[str]:
    """The names of a struct's fields, which are all stored in the same width; a doubled name gets a number in front."""
    widths = parts.numbers()
    raw = bytes(parts.take()[1])
    width = int(widths[0]) if len(widths) == 1 and widths.dtype.kind in "iu" else 0
    if width < 1 or len(raw) % width:
        raise ValueError(f"has {len(raw):,} bytes of names of fields, of {width} each")
    names: dict[str, int] = {}
    for at in range(0, len(raw), width):
        name = raw[at : at + width].partition(b"\0")[0].decode("latin-1")
        names[name] = names.get(name, -1) + 1
        if names[name]:
            names[f"_{names[name]}_{name}"] = 0
    return list(names)


def _nested(items: list[Any], shape: Shape) -> Any:
    """Items as nested lists without axes of length one, as a single one itself; the first axis runs fastest in the file."""
    axes = [each for each in shape if each != 1]
    return np.fromiter(items, object, len(items)).reshape(axes, order="F").tolist() if items else []
