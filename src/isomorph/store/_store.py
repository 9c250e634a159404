"""The store: objects by fingerprint."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from isomorph.errors import StoreError
from isomorph.store._atomic import is_folder, listing, regular_size
from isomorph.store._audit import Damage, Entry, Freed, damage_of, entry_of, free, time_of
from isomorph.store._notes import FolderNotes, Notes
from isomorph.store._receipt import check_fingerprint
from isomorph.store._stored_object import MANIFEST, StoredObject
from isomorph.store._writer import Writer


class Store:
    """Finished work, by the fingerprint of what it was made from.

    On disk an object is a folder `objects/<2 hex>/<fingerprint>/` of `spec.json`, shards `<shard>.safetensors` with their receipts
    `<shard>.json`, and, once it is committed, `manifest.json`. Nothing in it tells time or place: equal work gives equal bytes. Files get
    their names only when they are complete and on the disk, so a kill at any moment leaves a state that the next run continues.

    Args:
        path: Its folder; None takes the environment variable `ISOMORPH_STORE`, else `~/.cache/isomorph/store`.
            The first write creates it.

    Example:
        >>> import numpy as np, tempfile
        >>> from isomorph.spec import fingerprint
        >>> store, spec = Store(tempfile.mkdtemp()), {"kind": "demo", "seed": 0}
        >>> name = fingerprint(spec)
        >>> with store.begin(name, spec) as writer:
        ...     if "rows-0" not in writer.finished:
        ...         _ = writer.put("rows-0", {"x": np.ones((2, 3), np.float32)})
        ...     _ = writer.commit({"rows": 2})
        >>> name in store, store.open(name).read("rows-0", "x").shape
        (True, (2, 3))
    """

    def __init__(self, path: Path | str | None = None) -> None:
        if path is None:
            path = os.environ.get("ISOMORPH_STORE") or Path.home() / ".cache" / "isomorph" / "store"
        self.path = Path(path).expanduser().absolute()

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    @property
    def place(self) -> str:
        """Where it is, in words: its folder, or its address."""
        return str(self.path)

    def notes(self, folder: str) -> Notes:
        """Small files beside the objects, in a folder of the store; every machine that sees the store reads them."""
        return FolderNotes(self.path / folder)

    def __contains__(self, fingerprint: object) -> bool:
        """Whether an object is committed.

        Raises:
            StoreError: The disk or the network does not tell.
        """
        return isinstance(fingerprint, str) and regular_size(self._folder(fingerprint) / MANIFEST) is not None

    def finished(self, fingerprints: Iterable[str]) -> set[str]:
        """Those of many that are committed, which says the same as `in` of each and asks a store beyond this machine far less often.

        Raises:
            StoreError: The disk or the network does not tell.
        """
        return {each for each in fingerprints if Store.__contains__(self, each)}  # on this disk, where a look costs little

    def open(self, fingerprint: str) -> StoredObject:
        """The committed object called `fingerprint`.

        Raises:
            StoreError: It is absent, unfinished or damaged.
        """
        if fingerprint not in self:
            state = "has only begun" if is_folder(self._folder(fingerprint)) else "is not"
            raise StoreError(
                f"the object {fingerprint[:12]} {state} in the store {self.path}. Run what makes it; `isomorph store ls` lists the rest."
            )
        return StoredObject(self._folder(fingerprint))

    def begin(self, fingerprint: str, spec: Mapping[str, Any], *, only: Collection[str] | None = None) -> Writer:
        """Start writing an object, or continue one: finished shards are verified, damaged ones removed.

        Args:
            fingerprint: `isomorph.spec.fingerprint` of everything that decides the result.
            spec: The same as plain data, to be read by people; `spec["kind"]` says what kind of object it is.
            only: The shards that the writer cares for: of an object that many processes write, no other is verified. None: all.

        Raises:
            StoreError: The store cannot be written, or the fingerprint stands for another spec.
        """
        return Writer(self._folder(fingerprint), spec, only=only)

    def entries(self) -> Iterator[Entry]:
        """Every object, committed or not, in the order of the fingerprints."""
        return (entry_of(folder) for folder in self._folders())

    def verify(self, fingerprint: str | None = None) -> list[Damage]:
        """Read every byte of one object, or of all; an empty list means that nothing is damaged.

        Raises:
            StoreError: There is no such object.
        """
        if fingerprint is None:
            return [each for folder in self._folders() for each in damage_of(folder)]
        if not is_folder(self._folder(fingerprint)):
            raise StoreError(f"the object {fingerprint[:12]} is not in the store {self.path}; `isomorph store ls` lists what is.")
        return list(damage_of(self._folder(fingerprint)))

    def gc(self, *, older_than_days: float = 7, dry_run: bool = False) -> Freed:
        """Free what nobody needs, reading every byte to find it.

        Removed are: objects that nobody finished for `older_than_days`; temporary files of writers that died; damaged files,
        so that the next run computes them again (and only them). Objects that a living process writes are left alone: a lock tells of
        those of this machine, the journal of running units of others, for five minutes after their last sign of life. Ages are by the
        clock of the file system; nothing that may be another machine's is removed within an hour after it was written.

        Args:
            older_than_days: The age in days from which an unfinished object counts as abandoned; never less than an hour.
            dry_run: Only tell what would be removed.

        Raises:
            StoreError: The store cannot be written.
        """
        folders = self._folders()
        if not folders:
            return Freed((), (), 0)
        now = time_of(self.path / "objects", dry_run=dry_run)
        freed = [free(folder, now=now, older_than_seconds=older_than_days * 86400, dry_run=dry_run) for folder in folders]
        objects = tuple(name for each in freed for name in each.objects)
        return Freed(objects, tuple(path for each in freed for path in each.files), sum(each.bytes for each in freed))

    def _folder(self, fingerprint: str) -> Path:
        check_fingerprint(fingerprint)
        return self.path.joinpath("objects", fingerprint[:2], fingerprint)

    def _folders(self) -> list[Path]:
        shelves = [each for each in listing(self.path / "objects") if re.fullmatch("[0-9a-f]{2}", each.name)]
        folders = [each for shelf in shelves for each in listing(shelf) if re.fullmatch(f"{shelf.name}[0-9a-f]{{62}}", each.name)]
        return [folder for folder in folders if is_folder(folder)]
