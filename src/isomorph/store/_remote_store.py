"""A store beyond this machine: S3, Google Cloud Storage, Azure or memory, with a cache on the disk."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.errors import StoreError
from isomorph.store._audit import Damage, Entry, Freed
from isomorph.store._receipt import check_fingerprint
from isomorph.store._remote_audit import abandon_uploads, objects_of, remote_damage, remote_entries, remote_free
from isomorph.store._remote_files import RemoteFiles
from isomorph.store._remote_object import RemoteObject
from isomorph.store._remote_writer import RemoteWriter
from isomorph.store._store import Store
from isomorph.store._stored_object import MANIFEST, StoredObject

if TYPE_CHECKING:
    from isomorph.store._notes import Notes


class RemoteStore(Store):
    """Finished work in an object store, under the names that it has in a folder: either can be copied into the other.

    What is read is first copied into a cache, which is itself a `Store`, held against its digests on the way; tensors are then views of
    the cache's files. What is written is made in the cache and sent: each shard, its receipt, and the manifest last of all, so that an
    object is either finished or not, whatever fails. Shards that one machine finished are taken over by the next.

    Every call waits while the store does not answer, for `ISOMORPH_STORE_PATIENCE` seconds (60); the error after that passes, so that
    engines try the unit again.

    Args:
        url: `s3://bucket/folder`, `gs://…`, `az://…` or `memory://…` (this process only). Credentials and the address of an S3 that is
            not Amazon's come from the environment (`AWS_ACCESS_KEY_ID`, `AWS_PROFILE`, `AWS_ENDPOINT_URL` …), never from here.
        cache: The cache's folder; None takes one of its own in `ISOMORPH_STORE_CACHE`, else in `~/.cache/isomorph/stores`. It may be
            deleted whenever nothing runs.

    Attributes:
        path: The cache's folder.
        place: The address.

    Raises:
        InputError: The address is none, or carries a password.

    Example:
        >>> import numpy as np, tempfile
        >>> store = RemoteStore("memory://lab/store", cache=tempfile.mkdtemp())
        >>> with store.begin("a" * 64, {"kind": "demo"}) as writer:
        ...     _ = writer.put("rows-0", {"x": np.arange(3.0)})
        ...     _ = writer.commit({"rows": 3})
        >>> elsewhere = RemoteStore("memory://lab/store", cache=tempfile.mkdtemp())
        >>> "a" * 64 in elsewhere, elsewhere.open("a" * 64).read("rows-0", "x")
        (True, array([0., 1., 2.]))
    """

    def __init__(self, url: str, *, cache: Path | str | None = None) -> None:
        self.files = RemoteFiles(url)
        super().__init__(_cache_folder(self.files.url) if cache is None else cache)
        self._seen: set[str] = set()

    def __repr__(self) -> str:
        return f"RemoteStore({self.place!r}, cache={str(self.path)!r})"

    @property
    def place(self) -> str:
        """Its address."""
        return self.files.url

    def __contains__(self, fingerprint: object) -> bool:
        """Whether an object is committed. What was, stays so: only absent objects are looked for again."""
        if not isinstance(fingerprint, str):
            return False
        if fingerprint not in self._seen and not super().__contains__(fingerprint):
            if self.files.read(f"{self._remote(fingerprint).name}/{MANIFEST}") is None:
                return False
            self._seen.add(fingerprint)
        return True

    def finished(self, fingerprints: Iterable[str]) -> set[str]:
        """Those of many that are committed, told by few listings; see `Store.finished`.

        Raises:
            StoreError: The store cannot be reached.
        """
        wanted = set(fingerprints)
        known = (wanted & self._seen) | super().finished(wanted - self._seen)
        names = {f"{self._remote(each).name}/{MANIFEST}": each for each in wanted - known}
        there = {names[name] for name in self.files.which(names)}
        self._seen |= there
        return known | there

    def open(self, fingerprint: str) -> StoredObject:
        """The committed object called `fingerprint`; what of it is not in the cache is fetched.

        Raises:
            StoreError: It is absent, unfinished or damaged, or the store cannot be reached.
        """
        remote = self._remote(fingerprint)
        if fingerprint not in self:
            state = "has only begun" if remote.listing() else "is not"
            raise StoreError(
                f"the object {fingerprint[:12]} {state} in the store {self.place}. Run what makes it; `isomorph store ls` lists the rest."
            )
        if not super().__contains__(fingerprint):
            remote.fetch_committed()
        return StoredObject(remote.folder)

    def begin(self, fingerprint: str, spec: Mapping[str, Any], *, only: Collection[str] | None = None) -> RemoteWriter:
        """Start writing an object, or continue what any machine has begun; see `Store.begin`.

        Raises:
            StoreError: The store cannot be reached or written, or the fingerprint stands for another spec.
        """
        return RemoteWriter(self._remote(fingerprint), spec, only=only)

    def entries(self) -> Iterator[Entry]:
        """Every object, committed or not, in the order of the fingerprints."""
        return remote_entries(self.files)

    def verify(self, fingerprint: str | None = None) -> list[Damage]:
        """Read every byte of one object, or of all, there and in the cache; an empty list means that nothing is damaged.

        Raises:
            StoreError: There is no such object.
        """
        if fingerprint is not None:
            names = self._remote(fingerprint).listing()
            if not names:
                raise StoreError(f"the object {fingerprint[:12]} is not in the store {self.place}; `isomorph store ls` lists what is.")
            cached = super().verify(fingerprint) if self._folder(fingerprint).is_dir() else []
            return [*remote_damage(self._remote(fingerprint), names), *cached]
        there = objects_of(self.files).items()
        return [each for name, names in there for each in remote_damage(self._remote(name), names)] + super().verify()

    def gc(self, *, older_than_days: float = 7, dry_run: bool = False) -> Freed:
        """Free what nobody needs, there and in the cache; see `Store.gc`. Ages are by the store's clock.

        Raises:
            StoreError: The store cannot be reached or written.
        """
        age = older_than_days * 86400
        freed = []
        for name in objects_of(self.files):
            freed.append(remote_free(self._remote(name), older_than_seconds=age, dry_run=dry_run))
            if not dry_run and any(str(file).endswith(f"/{MANIFEST}") for file in freed[-1].files):
                self._seen.discard(name)
                (self._folder(name) / MANIFEST).unlink(missing_ok=True)  # so that the next run mends what is there, not here
        if not dry_run:
            abandon_uploads(self.files, self._remote, older_than_seconds=age)
        freed.append(super().gc(older_than_days=older_than_days, dry_run=dry_run))
        objects = dict.fromkeys(name for each in freed for name in each.objects)
        return Freed(tuple(objects), tuple(path for each in freed for path in each.files), sum(each.bytes for each in freed))

    def notes(self, folder: str) -> Notes:
        """Small files beside the objects, which any machine reads."""
        from isomorph.store._remote_notes import RemoteNotes

        return RemoteNotes(self.files, folder)

    def _remote(self, fingerprint: str) -> RemoteObject:
        return RemoteObject(self.files, self._folder(check_fingerprint(fingerprint)))


def _cache_folder(url: str) -> Path:
    """One folder an address; one name at two servers is two stores."""
    base = os.environ.get("ISOMORPH_STORE_CACHE") or Path.home() / ".cache" / "isomorph" / "stores"
    server = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", url).strip("-.")[:80]
    return Path(base) / f"{readable}-{hashlib.sha256(f'{server} {url}'.encode()).hexdigest()[:12]}"
