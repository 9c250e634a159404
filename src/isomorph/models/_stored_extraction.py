"""An extraction that a store holds, by its fingerprint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isomorph.errors import InputError

if TYPE_CHECKING:
    from isomorph.models._extraction import Extraction
    from isomorph.store import Store


def stored_extraction(store: Store, fingerprint: str) -> Extraction:
    """The finished extraction called `fingerprint`; its layers are memory-mapped when they are first asked for.

    Raises:
        StoreError: It is absent or damaged.
        InputError: The object is something else.
    """
    from isomorph.models._extract import _from_store

    stored = store.open(fingerprint)
    if stored.spec.get("kind") != "extraction":
        raise InputError(f"{fingerprint[:12]!r} is stored as {stored.spec.get('kind')!r}, not as an extraction of features.")
    return _from_store(stored, tuple(stored.spec["ids"]))
