"""Pickles of dicts, text, numbers, arrays and plain tensors, of which nothing is run.

A pickle is a program. This reads its instructions one by one and follows those that build plain data; a name to be called is looked up in
a table whose entries are functions of this file, and any other name or instruction is an error. Tensors are read from their bytes.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from isomorph.data._pickled_values import (
    STORAGES,
    PickledArray,
    PickledType,
    RefusedError,
    Storage,
    encoded,
    from_buffer,
    scalar,
    tensor,
)
from isomorph.errors import FileError

_LIMIT_BYTES = 1 << 30
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple,
    "EMPTY_SET": set,
}  # fmt: skip
_LITERALS = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING",
    "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _storage_from_bytes(raw: bytes) -> Any:
    """The one storage that torch's legacy format holds: four pickles, the list of keys, then a count and the numbers."""
    stream = io.BytesIO(raw)
    if _Program(stream).result() != _LEGACY_MAGIC:
        raise RefusedError("torch storage of another format")
    _Program(stream).result(), _Program(stream).result()  # the version and the machine
    dtype = _Program(stream).result().dtype
    if len(_Program(stream).result()) != 1:
        raise RefusedError("several torch storages in one")
    count = int.from_bytes(stream.read(8), "little")
    return np.frombuffer(stream.read(count * dtype.itemsize), dtype=dtype, count=count)


_ALLOWED: dict[str, Callable[..., Any]] = {
    "numpy.dtype": PickledType,
    "numpy.ndarray": PickledArray,
    "_codecs.encode": encoded,
    "collections.OrderedDict": dict,
    "torch._utils._rebuild_tensor_v2": tensor,
    "torch.storage._load_from_bytes": _storage_from_bytes,
}
for _place in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_place}.multiarray._reconstruct"] = lambda *_: PickledArray()
    _ALLOWED[f"{_place}.multiarray.scalar"] = scalar
    _ALLOWED[f"{_place}.numeric._frombuffer"] = from_buffer


class _Program:
    """The stack and memo of one pickle in a stream, which is left where the pickle ends."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.stack, self.marks, self.memo = stream, list[Any](), list[int](), dict[int, Any]()

    def result(self) -> Any:
        for opcode, argument, _ in pickletools.genops(self.stream):
            if opcode.name == "STOP":
                (found,) = self.stack
                return found
            self._step(opcode.name, argument)
        raise ValueError("it ends without a result")

    def _step(self, name: str, argument: Any) -> None:
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in _TUPLES:
            self.stack[-_TUPLES[name] :] = [tuple(self.stack[-_TUPLES[name] :])]
        elif name not in ("PROTO", "FRAME"):
            action = getattr(self, f"_{name.lower()}", None)
            if action is None:
                raise RefusedError(f"the instruction {name}")
            action(argument)

    def _mark(self, _: Any) -> None:
        self.marks.append(len(self.stack))

    def _since_mark(self) -> list[Any]:
        at = self.marks.pop()
        found = self.stack[at:]
        del self.stack[at:]
        return found

    def _memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _put(self, at: int) -> None:
        self.memo[at] = self.stack[-1]

    _binput = _long_binput = _put

    def _get(self, at: int) -> None:
        self.stack.append(self.memo[at])

    _binget = _long_binget = _get

    def _append(self, _: Any) -> None:
        value = self.stack.pop()
        list.append(self.stack[-1], value)

    def _appends(self, _: Any) -> None:
        values = self._since_mark()
        list.extend(self.stack[-1], values)

    def _setitem(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        dict.__setitem__(self.stack[-1], key, value)

    def _setitems(self, _: Any) -> None:
        flat = self._since_mark()
        dict.update(self.stack[-1], zip(flat[::2], flat[1::2], strict=True))

    def _additems(self, _: Any) -> None:
        values = self._since_mark()
        set.update(self.stack[-1], values)

    def _tuple(self, _: Any) -> None:
        self.stack.append(tuple(self._since_mark()))

    def _list(self, _: Any) -> None:
        self.stack.append(self._since_mark())

    def _dict(self, _: Any) -> None:
        flat = self._since_mark()
        self.stack.append(dict(zip(flat[::2], flat[1::2], strict=True)))

    def _global(self, name: str) -> None:
        module, _, attribute = name.partition(" ")
        if module == "torch" and attribute in STORAGES:
            self.stack.append(Storage(STORAGES[attribute]))
        elif f"{module}.{attribute}" in _ALLOWED:
            self.stack.append(_ALLOWED[f"{module}.{attribute}"])
        else:
            raise RefusedError(f"{module}.{attribute}")

    def _stack_global(self, _: Any) -> None:
        attribute, module = self.stack.pop(), self.stack.pop()
        self._global(f"{module} {attribute}")

    def _reduce(self, _: Any) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not any(function is each for each in _ALLOWED.values()):
            raise RefusedError(f"a call of {function!r:.60}")
        self.stack.append(function(*arguments))

    def _build(self, _: Any) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], PickledArray | PickledType):
            raise RefusedError(f"a state for a {type(self.stack[-1]).__name__}")
        self.stack[-1].build(state)

    def _binpersid(self, _: Any) -> None:
        pid = self.stack.pop()
        if not isinstance(pid, tuple) or pid[0] != "storage" or not isinstance(pid[1], Storage):
            raise RefusedError(f"an outside object {pid!r:.60}")
        self.stack.append(pid[1])


def read_plain_pickle(path: Path) -> Any:
    """What a pickle holds, if that is dicts, lists, text, numbers, NumPy arrays and torch tensors.

    Raises:
        FileError: It names anything else to be called (nothing of it is run), is damaged, or is larger than 1 GiB.
    """
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise FileError(f"{path} has {path.stat().st_size:,} bytes, over the limit of {_LIMIT_BYTES:,} for a pickle.")
        with path.open("rb") as file:
            return _finished(_Program(file).result(), {})
    except FileError:
        raise
    except RefusedError as error:
        raise FileError(
            f"{path}: the pickle names {str(error)!r}. Pickles can run any code, so only dicts, lists, text, numbers, arrays and plain "
            "tensors are read. Nothing of it was run."
        ) from error
    except FileNotFoundError as error:
        raise FileError(f"there is no file {path}.") from error
    except Exception as error:  # a damaged program fails in many ways; all mean the same
        raise FileError(f"{path} cannot be read as a pickle of plain data: {error or type(error).__name__}.") from error


def _finished(value: Any, seen: dict[int, Any]) -> Any:
    """Arrays in place of their descriptions; what is referred to many times is followed once, or a short file could take years."""
    if id(value) not in seen:
        seen[id(value)] = None  # what holds itself ends here
        if isinstance(value, PickledArray):
            seen[id(value)] = value.values
        elif isinstance(value, dict):
            seen[id(value)] = {key: _finished(each, seen) for key, each in value.items()}
        elif isinstance(value, list | tuple):
            seen[id(value)] = type(value)([_finished(each, seen) for each in value])
        else:
            seen[id(value)] = value
    return seen[id(value)]
