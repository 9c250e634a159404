"""What a pickle builds arrays, NumPy types and tensors with, without calling anything of theirs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

STORAGES = {
    "DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "LongStorage": "<i8", "IntStorage": "<i4",
    "ShortStorage": "<i2", "CharStorage": "<i1", "ByteStorage": "<u1", "BoolStorage": "?",
}  # fmt: skip


class RefusedError(Exception):
    """The pickle names something that is not on the list."""


class Storage:
    """A kind of torch storage, by the type of its numbers."""

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype)


class PickledArray:
    """An array while the pickle describes it; its state is shape, type and bytes."""

    values: Any = None

    def build(self, state: Any) -> None:
        _, shape, dtype, fortran, raw = state
        self.values = np.frombuffer(_raw(raw), dtype=_numeric(dtype)).reshape(shape, order="F" if fortran else "C")


class PickledType:
    """A NumPy type while the pickle describes it; its state is the byte order."""

    def __init__(self, code: str, *_: Any) -> None:
        self.dtype = np.dtype(str(code))

    def build(self, state: Any) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


def _numeric(kind: PickledType) -> np.dtype[Any]:
    if kind.dtype.kind not in "biuf":
        raise RefusedError(f"numpy type {kind.dtype}")
    return kind.dtype


def _raw(data: Any) -> bytes:
    if not isinstance(data, str | bytes | bytearray):  # bytes(10**12) would fill the memory
        raise RefusedError(f"bytes made of {data!r:.40}")
    return data.encode("latin1") if isinstance(data, str) else bytes(data)


def scalar(kind: PickledType, raw: Any) -> Any:
    return np.frombuffer(_raw(raw), dtype=_numeric(kind), count=1)[0].item()


def from_buffer(raw: Any, kind: PickledType, shape: Any, order: str) -> Any:
    return np.frombuffer(_raw(raw), dtype=_numeric(kind)).reshape(shape, order="F" if order == "F" else "C")


def tensor(storage: Any, offset: int, size: Any, stride: Any, *_: Any) -> Any:
    if not isinstance(storage, np.ndarray) or min((offset, *size, *stride), default=0) < 0:
        raise RefusedError("a tensor without numbers of its own")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 not in size and (last >= len(storage) or math.prod(size) > len(storage)):
        raise RefusedError(f"a tensor of {math.prod(size)} numbers that ends at number {last} of {len(storage)}")
    view = np.lib.stride_tricks.as_strided(storage[offset:], tuple(size), tuple(step * storage.itemsize for step in stride))
    return view.copy()


def encoded(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise RefusedError(f"bytes as {encoding!r}")
    return text.encode("latin1")
