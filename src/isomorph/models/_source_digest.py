"""What a function of the user's is: its source text, and the values that it was given."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_DEPTH = 6
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def source_digest(thing: Any) -> str:
    """The name of a function or an object's class, and a digest of its source text and of the values it holds.

    A function holds its defaults, what it takes from the functions around it, and the plain values and functions of its own module that it
    names; an object holds its attributes. Equal digests in two processes mean the same computation; files, and objects without a readable
    inside, are not looked into.
    """
    if thing is None:
        return ""
    kind = thing if inspect.isroutine(thing) or inspect.isclass(thing) else type(thing)
    return f"{_label(kind)}#{hashlib.sha256(_text(thing, _DEPTH).encode()).hexdigest()[:16]}"


def printed(value: Any) -> str:
    """`repr` without addresses, which change from process to process."""
    return _ADDRESS.sub("", repr(value))


def _text(value: Any, depth: int) -> str:
    import numpy as np
    import torch

    from isomorph.models._weights import weights_digest

    if isinstance(value, _PLAIN) or depth == 0:
        return printed(value)
    if inspect.ismodule(value):  # what is in a library is named by its version, and changes as parts of it load
        return f"{value.__name__} {getattr(value, '__version__', '')}"
    if inspect.isclass(value):
        return _label(value) + _source(value)
    if inspect.isroutine(value):
        return f"{_label(value)} {_source(value)} {_text(_held(value), depth - 1)}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{printed(key)}: {_text(each, depth - 1)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple | set | frozenset):
        texts = [_text(each, depth - 1) for each in value]
        return f"[{', '.join(sorted(texts) if isinstance(value, set | frozenset) else texts)}]"
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape} {hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    if isinstance(value, torch.Tensor):
        return weights_digest({"": value})
    if isinstance(value, torch.nn.Module):
        return f"{_label(type(value))} {_source(type(value))} {printed(value)} {weights_digest(value.state_dict())}"
    inside = {"": (value.func, value.args, value.keywords)} if isinstance(value, partial) else getattr(value, "__dict__", {})
    shown = "" if inside else printed(value)
    return f"{_label(type(value))} {_source(type(value))} {shown} {_text(inside, depth - 1)}"


def _held(function: Any) -> dict[str, Any]:
    """The values that a function or method carries with it."""
    held: dict[str, Any] = {"self": getattr(function, "__self__", None)} if inspect.ismethod(function) else {}
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        return held
    held |= {"defaults": function.__defaults__, "keywords": function.__kwdefaults__}
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    held |= {name: cell.cell_contents for name, cell in cells if _filled(cell)}
    for name in code.co_names:
        each = function.__globals__.get(name)
        if isinstance(each, (*_PLAIN, tuple)) or (inspect.isfunction(each) and each.__module__ == function.__module__):
            held[name] = each
    return held


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # a name that is bound later
        return False


def _label(kind: Any) -> str:
    return f"{getattr(kind, '__module__', '')}.{getattr(kind, '__qualname__', type(kind).__name__)}"


def _source(kind: Any) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        return ""
