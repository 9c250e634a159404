"""Names for components, without importing them.

A registry maps a name to a `"module:attribute"` string, a one-line summary and declared facts. Listing reads strings only; loading one
imports one module. Third parties add entries through the Python entry-point group `isomorph.<kind>s`, whose value is the same
`"module:attribute"` form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from importlib import import_module, metadata
from typing import Any

from isomorph.errors import InputError, UnknownNameError


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One named component: where it lives and what it declares of itself."""

    name: str
    target: str
    summary: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> Any:
        """Import the module and return the attribute that `target` names."""
        module, _, attribute = self.target.partition(":")
        if not attribute:
            raise InputError(f"the entry {self.name!r} names {self.target!r}; it must read 'module:attribute'.")
        return getattr(import_module(module), attribute)


class Registry:
    """The components of one kind, by name.

    Args:
        kind: The word for one entry, as messages use it: `"measure"`, `"benchmark"`.
        entries: The built-in entries.
        listing: Where a person sees all names, if not by `isomorph list`.
    """

    def __init__(self, kind: str, entries: tuple[Entry, ...], *, listing: str | None = None) -> None:
        self.kind, self.listing = kind, listing
        self._builtin = entries

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        entries = {entry.name: entry for entry in self._builtin}
        for point in metadata.entry_points(group=f"isomorph.{self.kind.replace(' ', '_')}s"):
            if point.name in entries:
                raise InputError(f"two {self.kind}s are called {point.name!r}: {entries[point.name].target} and {point.value}.")
            entries[point.name] = Entry(name=point.name, target=point.value, summary=f"from {point.value.partition(':')[0]}")
        return entries

    def names(self, pattern: str = "*") -> list[str]:
        """The names that match a shell pattern, in order."""
        return sorted(name for name in self._entries if fnmatchcase(name, pattern))

    def entry(self, name: str) -> Entry:
        """The entry called `name`; an unknown name says what is close."""
        if name not in self._entries:
            raise UnknownNameError(self.kind, name, self._entries, listing=self.listing)
        return self._entries[name]

    def load(self, name: str) -> Any:
        """Import and return the component called `name`."""
        return self.entry(name).load()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries[name] for name in self.names())
