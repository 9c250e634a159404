"""Exports that cost nothing until they are used (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_exports(package: str, names: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for a package whose public `names` map to the modules that define them.

    An empty module string means that the name is a sub-package; `"module:attribute"` that the module calls it otherwise.
    """

    def __getattr__(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, attribute = names[name].partition(":")
        return getattr(import_module(module), attribute or name) if module else import_module(f"{package}.{name}")

    def __dir__() -> list[str]:
        return sorted(names)

    return __getattr__, __dir__
