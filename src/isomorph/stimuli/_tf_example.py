"""The fields of a `tf.train.Example`, the message that TensorFlow's data sets keep a record in; nothing but Python is needed to read it.

The wire format: <https://protobuf.dev/programming-guides/encoding/>. Every length is held against what is left, nothing recurses, and
values are views of the record until they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class ExampleError(ValueError):
    """The bytes are no such message; says why."""


def features(record: bytes) -> dict[str, memoryview]:
    """The features of an example, still packed, by name.

    Raises:
        ExampleError: The record is something else or damaged.
    """
    found: dict[str, memoryview] = {}
    for part in _inner(memoryview(record), 1):
        for entry in _inner(part, 1):
            name, feature = b"", memoryview(b"")
            for number, value in _fields(entry):
                if number == 1 and isinstance(value, memoryview):
                    name = bytes(value)
                elif number == 2 and isinstance(value, memoryview):
                    feature = value
            try:
                found[name.decode()] = feature
            except UnicodeDecodeError:
                raise ExampleError(f"a feature's name is not UTF-8: {name[:40]!r}") from None
    return found


def byte_values(feature: memoryview) -> list[bytes]:
    """The values of a feature that is a list of bytes; none where it is another list."""
    return [bytes(value) for held in _inner(feature, 1) for value in _inner(held, 1)]


def whole_values(feature: memoryview) -> list[int]:
    """The values of a feature that is a list of whole numbers; none where it is another list."""
    found: list[int] = []
    for held in _inner(feature, 3):
        for number, value in _fields(held):
            if number != 1:
                continue
            if isinstance(value, int):
                found.append(value)
                continue
            at = 0
            while at < len(value):  # packed: one after the other
                each, at = _varint(value, at)
                found.append(each)
    return [each - (1 << 64) if each >> 63 else each for each in found]


def _inner(message: memoryview, wanted: int) -> Iterator[memoryview]:
    for number, value in _fields(message):
        if number == wanted and isinstance(value, memoryview):
            yield value


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: a whole number, or a view of its bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ExampleError(f"field {number} has the unknown kind {kind}")
        if size > len(message) - at:
            raise ExampleError(f"field {number} claims {size:,} bytes where {len(message) - at:,} are left")
        yield number, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value & ((1 << 64) - 1), at + place + 1
    raise ExampleError("a number does not end")
