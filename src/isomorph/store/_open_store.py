"""A store by its address or folder."""

from __future__ import annotations

import os
from pathlib import Path

from isomorph.store._store import Store


def open_store(place: Store | Path | str | None = None, *, cache: Path | str | None = None) -> Store:
    """The store at a folder or an address.

    Args:
        place: A folder; or an address, `s3://bucket/folder`, `gs://…`, `az://…`, `memory://…`; or None, which takes the environment
            variable `ISOMORPH_STORE`, else `~/.cache/isomorph/store`. A store is returned as it is.
        cache: Where files of an address are kept on this machine; see `RemoteStore`.

    Raises:
        InputError: The address is of no known kind, or carries a password.

    Example:
        >>> open_store("work/store").path.name, open_store("s3://lab/isomorph").place
        ('store', 's3://lab/isomorph')
    """
    if isinstance(place, Store):
        return place
    place = place or os.environ.get("ISOMORPH_STORE") or None
    if isinstance(place, str) and "://" in place:
        from isomorph.store._remote_store import RemoteStore

        return RemoteStore(place, cache=cache)
    return Store(place)


def store_beside(place: Path | str | None, folder: Path) -> Path | str | None:
    """The `store` of a file in `folder`: an address stays, a path counts from the folder, nothing stays nothing.

    Example:
        >>> store_beside("s3://lab/isomorph", Path("studies")), store_beside("store", Path("studies")).as_posix()
        ('s3://lab/isomorph', 'studies/store')
    """
    if place is None or (isinstance(place, str) and "://" in place):
        return place
    return folder / place
