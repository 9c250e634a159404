"""Features named on the command line: a file, a folder of thingsvision's, an array in a file, or a layer in the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.errors import FileError, InputError

if TYPE_CHECKING:
    from isomorph.features import Features
    from isomorph.geometry import Gram


def read_features(source: str, *, store: str | None = None) -> Features | Gram:
    """`FILE`, `FILE#KEY` or `FINGERPRINT#LAYER` as features (or the Gram matrix, where an extraction kept only that).

    Raises:
        FileError: There is neither such a file nor such a stored object.
        InputError: A stored extraction has several layers and none is named.
    """
    from isomorph.features import load_features

    if source and Path(source).exists():
        return load_features(source)
    name, _, key = source.partition("#")
    if name and Path(name).exists():
        return load_features(name, key=key or None)
    return _stored(name, key, source, store)


def _stored(name: str, layer: str, source: str, store: str | None) -> Features | Gram:
    from isomorph.store import open_store

    kept = open_store(store)
    matching = [each.fingerprint for each in kept.entries() if len(name) >= 6 and each.fingerprint.startswith(name) and each.complete]
    if not matching:
        raise FileError(f"{source!r} is neither a file nor an object in the store {kept.place}. `isomorph store ls` lists what is there.")
    if len(matching) > 1:
        raise InputError(f"{name!r} begins the fingerprints of {len(matching)} stored objects; give more digits.")
    from isomorph.models import stored_extraction

    extraction = stored_extraction(kept, matching[0])
    if not layer and len(extraction) != 1:
        raise InputError(f"{name!r} holds {len(extraction)} layers; name one: {name}#{next(iter(extraction))}.")
    return extraction[layer or next(iter(extraction))]
