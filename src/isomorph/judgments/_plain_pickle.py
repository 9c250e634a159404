"""Pickled plain data without running what the file asks for.

A pickle is a program. This reads its instructions one by one and follows only those that build dicts, lists, tuples, text, bytes,
numbers and booleans, and NumPy's single numbers. An instruction that names anything else to call is an error that says what was named.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from isomorph.errors import FileError

_LIMIT_BYTES = 1 << 30
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING",
    "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
}  # fmt: skip
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple, "EMPTY_SET": set}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MARK = object()


def _dtype(code: Any, *_: Any) -> np.dtype[Any]:
    found: np.dtype[Any] = np.dtype(code)
    if found.kind not in "biuf":
        raise ValueError(f"a NumPy type {code!r}")
    return found


def _scalar(dtype: np.dtype[Any], raw: bytes) -> Any:
    return np.frombuffer(raw, dtype=dtype, count=1)[0].item()


def _bytes(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise ValueError(f"bytes as {encoding!r}")
    return text.encode("latin1")


_ALLOWED: dict[str, Callable[..., Any]] = {
    "numpy dtype": _dtype,
    "numpy.core.multiarray scalar": _scalar,
    "numpy._core.multiarray scalar": _scalar,
    "_codecs encode": _bytes,  # how protocols 0 to 2 write bytes
    "collections OrderedDict": dict,
}


def read_plain_pickle(path: Path) -> Any:
    """The plain data of a pickle.

    Raises:
        FileError: It is no pickle, is cut short, over 1 GB, or names something to call that is not on the list of this module.
    """
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise FileError(f"{path} has {path.stat().st_size:,} bytes, over the limit of {_LIMIT_BYTES:,} for a pickle.")
        return _Builder(path).build(path.read_bytes())
    except FileError:
        raise
    except FileNotFoundError as error:
        raise FileError(f"there is no file {path}.") from error
    except Exception as error:  # a damaged program fails in many ways: an empty stack, a missing memo; all mean the same
        raise FileError(
            f"{path} cannot be read as pickled plain data: {error or type(error).__name__}. It is damaged, or something else."
        ) from error


class _Builder:
    """The stack and memo of one program."""

    def __init__(self, path: Path) -> None:
        self.path, self.stack, self.memo = path, list[Any](), dict[int, Any]()

    def build(self, program: bytes) -> Any:
        for opcode, argument, _ in pickletools.genops(program):
            if opcode.name == "STOP":
                (result,) = self.stack
                return result
            self.step(opcode.name, argument)
        raise ValueError("it ends without a result")

    def step(self, name: str, argument: Any) -> None:
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            count = _TUPLES[name]
            self.stack[-count:] = [tuple(self.stack[-count:])]
        elif name not in ("PROTO", "FRAME"):
            action = getattr(self, f"_{name.lower()}", None)
            if action is None:
                raise FileError(f"{self.path}: the pickle asks for {name}, which plain data do not need; it is not read.")
            action(argument)

    def _mark(self, _: Any) -> None:
        self.stack.append(_MARK)

    def _since_mark(self) -> list[Any]:
        at = len(self.stack) - 1 - self.stack[::-1].index(_MARK)
        found = self.stack[at + 1 :]
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
        if name not in _ALLOWED:
            raise FileError(
                f"{self.path}: the pickle names {name.replace(' ', '.')!r} to be called. Pickles can run any code, so only plain data are "
                "read: dicts, lists, text, numbers. Nothing of it was run."
            )
        self.stack.append(_ALLOWED[name])

    def _stack_global(self, _: Any) -> None:
        attribute, module = self.stack.pop(), self.stack.pop()
        self._global(f"{module} {attribute}")

    def _reduce(self, _: Any) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if function not in _ALLOWED.values():
            raise FileError(f"{self.path}: the pickle calls {function!r:.60}, which plain data do not need; it is not read.")
        self.stack.append(function(*arguments))

    def _build(self, _: Any) -> None:
        state = self.stack.pop()  # of a dtype: its byte order
        if not isinstance(self.stack[-1], np.dtype):
            raise FileError(f"{self.path}: the pickle sets the insides of a {type(self.stack[-1]).__name__}; it is not read.")
        if state[1] in ("<", ">"):
            self.stack[-1] = self.stack[-1].newbyteorder(state[1])
            self.memo = {
                at: self.stack[-1] if isinstance(each, np.dtype) and each == self.stack[-1] else each for at, each in self.memo.items()
            }
