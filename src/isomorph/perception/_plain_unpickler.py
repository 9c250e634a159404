"""Pickles of dicts, text, numbers, arrays and plain tensors, of which nothing is run.

A pickle is a program that names functions to call. Every name is looked up in the table below, whose entries are functions of this file;
any other name is an error, and so is every instruction that would reach past them. Tensors are read from their bytes; torch is not used.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from isomorph.errors import FileError

_LIMIT_BYTES = 1 << 30
_STORAGES = {
    "DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "LongStorage": "<i8", "IntStorage": "<i4",
    "ShortStorage": "<i2", "CharStorage": "<i1", "ByteStorage": "<u1", "BoolStorage": "?",
}  # fmt: skip
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


class _RefusedError(Exception):
    """The pickle names something that is not on the list."""


class _Call:
    """A name of the table on the stack: it can be called, and nothing can be set on it."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    def __setstate__(self, _: Any) -> None:
        raise _RefusedError("a state for something that has none")


class _Storage:
    """A kind of torch storage by its numbers' type; no state can be set on it."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype)

    def __setstate__(self, _: Any) -> None:
        raise _RefusedError("a state for something that has none")


class _Array:
    """An array while the pickle describes it: `__setstate__` gets its shape, type and bytes."""

    values: Any = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, raw = state
        self.values = np.frombuffer(_raw(raw), dtype=_numeric(dtype)).reshape(shape, order="F" if fortran else "C")


class _Type:
    """A NumPy type while the pickle describes it: `__setstate__` gets its byte order."""

    def __init__(self, code: str, *_: Any) -> None:
        self.dtype = np.dtype(str(code))

    def __setstate__(self, state: Any) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


def _numeric(kind: _Type) -> np.dtype[Any]:
    if kind.dtype.kind not in "biuf":
        raise _RefusedError(f"numpy type {kind.dtype}")
    return kind.dtype


def _raw(data: Any) -> bytes:
    return data.encode("latin1") if isinstance(data, str) else bytes(data)


def _scalar(kind: _Type, raw: Any) -> Any:
    return np.frombuffer(_raw(raw), dtype=_numeric(kind), count=1)[0].item()


def _from_buffer(raw: Any, kind: _Type, shape: Any, order: str) -> Any:
    return np.frombuffer(_raw(raw), dtype=_numeric(kind)).reshape(shape, order="F" if order == "F" else "C")


def _storage_from_bytes(raw: bytes) -> Any:
    """The one storage that torch's legacy format holds: four pickles, the list of keys, then a count and the numbers."""
    stream = io.BytesIO(raw)
    if _Reader(stream).load() != _LEGACY_MAGIC:
        raise _RefusedError("torch storage of another format")
    _Reader(stream).load(), _Reader(stream).load()  # the version and the machine
    dtype = _Reader(stream).load().dtype
    if len(_Reader(stream).load()) != 1:
        raise _RefusedError("several torch storages in one")
    count = int.from_bytes(stream.read(8), "little")
    return np.frombuffer(stream.read(count * dtype.itemsize), dtype=dtype, count=count)


def _tensor(storage: Any, offset: int, size: Any, stride: Any, *_: Any) -> Any:
    if not isinstance(storage, np.ndarray) or min((offset, *size, *stride), default=0) < 0:
        raise _RefusedError("a tensor without numbers of its own")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 not in size and (last >= len(storage) or math.prod(size) > len(storage)):
        raise _RefusedError(f"a tensor of {math.prod(size)} numbers that ends at number {last} of {len(storage)}")
    view = np.lib.stride_tricks.as_strided(storage[offset:], tuple(size), tuple(step * storage.itemsize for step in stride))
    return view.copy()


def _encoded(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise _RefusedError(f"bytes as {encoding!r}")
    return text.encode("latin1")


_ALLOWED: dict[str, Callable[..., Any]] = {
    "numpy.dtype": _Type,
    "numpy.ndarray": _Array,
    "_codecs.encode": _encoded,
    "collections.OrderedDict": dict,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch.storage._load_from_bytes": _storage_from_bytes,
}
for _place in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_place}.multiarray._reconstruct"] = lambda *_: _Array()
    _ALLOWED[f"{_place}.multiarray.scalar"] = _scalar
    _ALLOWED[f"{_place}.numeric._frombuffer"] = _from_buffer


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if module == "torch" and name in _STORAGES:
            return _Storage(_STORAGES[name])
        if full not in _ALLOWED:
            raise _RefusedError(full)
        return _Call(_ALLOWED[full])

    def persistent_load(self, pid: Any) -> Any:
        if not isinstance(pid, tuple) or pid[0] != "storage" or not isinstance(pid[1], _Storage):
            raise _RefusedError(f"an outside object {pid!r:.60}")
        return pid[1]


def read_plain_pickle(path: Path) -> Any:
    """What a pickle holds, if that is dicts, lists, text, numbers, NumPy arrays and torch tensors.

    Raises:
        FileError: It names anything else to be called (nothing of it is run), is damaged, or is larger than 1 GiB.
    """
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise FileError(f"{path} has {path.stat().st_size:,} bytes, over the limit of {_LIMIT_BYTES:,} for a pickle.")
        with path.open("rb") as file:
            return _finished(_Reader(file).load())
    except FileError:
        raise
    except _RefusedError as error:
        raise FileError(
            f"{path}: the pickle names {str(error)!r}. Pickles can run any code, so only dicts, lists, text, numbers, arrays and plain "
            "tensors are read. Nothing of it was run."
        ) from error
    except FileNotFoundError as error:
        raise FileError(f"there is no file {path}.") from error
    except Exception as error:  # a damaged program fails in many ways; all mean the same
        raise FileError(f"{path} cannot be read as a pickle of plain data: {error or type(error).__name__}.") from error


def _finished(value: Any) -> Any:
    if isinstance(value, _Array):
        return value.values
    if isinstance(value, dict):
        return {key: _finished(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_finished, value))
    return value
