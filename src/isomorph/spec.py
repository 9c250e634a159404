"""Objects as plain data, and plain data as a name.

A component is a frozen dataclass and its fields are its options, so that one object, its TOML, its command line and its JSON are the
same thing. `to_plain` turns it into dicts, lists, strings, numbers and booleans; `from_plain` turns that back; `canonical_json` writes
plain data in exactly one way; `fingerprint` names it by the SHA-256 of those bytes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import tomllib
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from isomorph.errors import FileError, InputError, UnknownNameError

T = TypeVar("T")
_FILES_CALL_IT = dict.fromkeys(("tuple", "list", "set", "frozenset"), "a list") | dict.fromkeys(("Mapping", "dict"), "a table")


def to_plain(value: Any) -> Any:
    """Return `value` as dicts, lists, strings, numbers, booleans and None.

    Raises:
        InputError: `value` holds something that has no plain form (an array, a function, a NaN).
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"{value} has no plain form; options must be finite numbers.")
        return value
    if isinstance(value, Enum):
        return to_plain(value.value)
    if isinstance(value, Path):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(each) for key, each in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(to_plain(each) for each in value)
    if isinstance(value, list | tuple):
        return [to_plain(each) for each in value]
    raise InputError(f"a value of type {type(value).__name__} has no plain form: {value!r:.80}.")


def from_plain(kind: type[T], plain: Any, *, where: str = "") -> T:
    """Build the dataclass `kind` from plain data; unknown and missing options are named with their place.

    Raises:
        InputError: An option is unknown, missing or of the wrong type.
    """
    where = where or kind.__name__
    if not isinstance(plain, Mapping):
        raise InputError(f"{where} must be a table of options; got {plain!r:.80}.")
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}  # type: ignore[arg-type]
    for key in plain:
        if key not in fields:
            raise InputError(f"{where}: {UnknownNameError('option', str(key), fields)}")
    hints = typing.get_type_hints(kind)
    values = {key: _convert(hints[key], each, f"{where}.{key}") for key, each in plain.items()}
    for name, field in fields.items():
        if name not in values and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InputError(f"{where} needs the option {name!r}.")
    return kind(**values)


def read_toml(path: Path, *, what: str) -> dict[str, Any]:
    """The tables of a TOML file that people write; `what` names it in messages: `"study"`.

    Raises:
        FileError: There is no such file, or it is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError(f"the {what} {path} cannot be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(f"the {what} {path} is not TOML: {error}.") from error


def read_study(kind: type[T], path: Path) -> T:
    """A study from its TOML file, named after the file unless it says a name; paths in it are as they stand.

    Raises:
        FileError: There is no such file, or it is not TOML.
        InputError: An option is unknown, missing or of the wrong type; the message says where.
    """
    return from_plain(kind, {"name": path.stem} | read_toml(path, what="study"), where=path.name)


def from_text(text: str) -> Any:
    """One value as a person types it: as TOML reads it, and where TOML cannot, the text itself.

    Example:
        >>> from_text("0.4"), from_text("false"), from_text("spearman")
        (0.4, False, 'spearman')
    """
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        return _convert_union(arguments, value, where)
    if origin is typing.Literal:
        if value not in arguments:
            raise InputError(f"{where} must be one of {', '.join(map(repr, arguments))}; got {value!r}.")
        return value
    if origin in (tuple, frozenset, set, list) and isinstance(value, list | tuple | set | frozenset):
        inner = arguments[0] if arguments else Any
        return origin(_convert(inner, each, f"{where}[{index}]") for index, each in enumerate(value))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(value, Mapping):
        return {str(key): _convert(arguments[1] if arguments else Any, each, f"{where}.{key}") for key, each in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return value if isinstance(value, hint) else from_plain(hint, value, where=where)
    if isinstance(hint, type):
        if issubclass(hint, Path) and isinstance(value, str):
            return hint(value)
        if hint is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, hint) and not (hint in (int, float) and isinstance(value, bool)):
            return value
    raise InputError(f"{where} must be {_in_words(hint)}; got {value!r:.80}.")


def _convert_union(arguments: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in arguments:
        return None
    kinds = [each for each in arguments if each is not type(None)]
    if len(kinds) == 1:
        return _convert(kinds[0], value, where)
    for each in kinds:
        try:
            return _convert(each, value, where)
        except InputError:
            continue
    names = " or ".join(_in_words(each) for each in kinds)
    raise InputError(f"{where} must be {names}; got {value!r:.80}.")


def _in_words(hint: Any) -> str:
    name = str(getattr(hint, "__name__", hint))
    return _FILES_CALL_IT.get(name, name)


def canonical_json(plain: Any) -> bytes:
    """Plain data as UTF-8 JSON with sorted keys and no spaces: equal data give equal bytes."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def fingerprint(value: Any) -> str:
    """The SHA-256 of the canonical JSON of `value`, as 64 hexadecimal digits.

    Example:
        >>> fingerprint({"b": 1, "a": 2}) == fingerprint({"a": 2, "b": 1})
        True
    """
    return hashlib.sha256(canonical_json(to_plain(value))).hexdigest()
