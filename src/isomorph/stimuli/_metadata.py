"""What is known of each stimulus, as columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isomorph.arrays import positions
from isomorph.errors import InputError


def columns(metadata: Any, ids: tuple[str, ...]) -> dict[str, tuple[Any, ...]]:
    """A table or a mapping of columns as tuples; a table whose rows have names meets the stimuli by name."""
    if metadata is None:
        return {}
    if hasattr(metadata, "reindex"):
        named = [str(each) for each in metadata.index]
        if named != list(map(str, range(len(named)))):
            metadata = metadata.iloc[positions(named, ids, name="the metadata table")]
        metadata = {str(name): metadata[name].tolist() for name in metadata.columns}
    if not isinstance(metadata, Mapping):
        raise InputError(f"metadata must be a table or a mapping of columns; got {type(metadata).__name__}.")
    for name, values in metadata.items():
        if len(values) != len(ids):
            raise InputError(f"the metadata column {name!r} has {len(values)} values for {len(ids)} stimuli.")
    return {str(name): tuple(values) for name, values in metadata.items()}
