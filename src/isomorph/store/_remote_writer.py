"""Writing one object into a store beyond this machine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack, suppress
from typing import Any

import numpy.typing as npt

from isomorph.errors import StoreError
from isomorph.profile import timing
from isomorph.spec import to_plain
from isomorph.store._receipt import ShardReceipt, sealed
from isomorph.store._remote_files import RemoteFile
from isomorph.store._remote_object import RemoteObject, is_flag, shards_of, strays_of
from isomorph.store._stored_object import MANIFEST, SPEC, StoredObject, manifest_plain, parse_spec
from isomorph.store._writer import Writer, strays


class RemoteWriter(Writer):
    """A `Writer` whose object is made in the cache and sent away: each durable shard with `put`, the manifest last of all.

    It begins by fetching the shards that others finished, so that any machine goes on where another stopped.
    """

    def __init__(self, remote: RemoteObject, spec: Mapping[str, Any], *, only: Collection[str] | None = None) -> None:
        self._remote, self._sent = remote, set[str]()
        with ExitStack() as stack:
            self._flag = stack.enter_context(remote.flag("writer"))
            names = remote.settled()
            with remote.held():
                self._fetch(names, only)
            super().__init__(remote.folder, spec, only=only)
            stack.callback(self._lock.close)
            self._sent &= self._finished.keys()
            self._send_spec()
            for shard in sorted(self._finished.keys() - self._sent):
                self._send(shard)
            self._open = stack.pop_all()

    def close(self) -> None:
        """Let others know that this process no longer works on the object. What is finished stays for the next writer."""
        self._open.close()

    def __del__(self) -> None:
        if hasattr(self, "_open"):
            self._open.close()

    @timing("write")
    def put(self, shard: str, tensors: Mapping[str, npt.NDArray[Any] | list[npt.NDArray[Any]]], *, durable: bool = True) -> ShardReceipt:
        """Write one shard: when this returns, it has arrived in the store if it is `durable`; otherwise it waits in the cache for `commit`.

        Raises:
            StoreError: As of `Writer.put`; or the store cannot be reached or written.
            InputError: A name or a type cannot be stored.
        """
        super().put(shard, tensors, durable=durable)
        if durable and shard not in self._sent:
            self._send(shard)
        return self._finished[shard]

    @timing("write")
    def commit(self, meta: Mapping[str, Any], *, keep: Collection[str] | None = None) -> StoredObject:
        """Finish the object: check every shard here and there, send what is missing, then the manifest, and close.

        Raises:
            StoreError: As of `Writer.commit`; or the store cannot be reached or written.
            InputError: `keep` names a shard that is not finished, or `meta` has no plain form.
        """
        kept = self._kept(keep)
        plain_meta = to_plain(meta)
        for shard, receipt in kept.items():
            self._check(shard, receipt)
        names = self._remote.settled()
        for shard in kept:
            if not self._arrived(shard, names):
                self._remote.remove(f"{shard}.json", f"{shard}.safetensors")
                self._send(shard)
        if SPEC not in names:
            self._send_spec()
        kept = {shard: self._finished[shard] for shard in kept}
        self._remote.files.create(f"{self._remote.name}/{MANIFEST}", sealed(manifest_plain(self.fingerprint, plain_meta, kept)))
        self._remote.fetch_committed()
        stored = StoredObject(self.folder)
        self._tidy(stored)
        self.close()
        return stored

    def _fetch(self, names: Mapping[str, RemoteFile], only: Collection[str] | None) -> None:
        """Bring the shards that are finished there into the cache; what is damaged there goes, so that it is made again."""
        asked = [shard for shard in shards_of(names) if only is None or shard in only]
        receipts = self._remote.receipts(asked)
        sound = {shard: receipt for shard, receipt in receipts.items() if isinstance(receipt, ShardReceipt)}
        bad = {*asked} - {*sound} | {*self._remote.fetch_all(sound)}
        self._sent = {*sound} - bad
        doomed = [f"{shard}{suffix}" for shard in sorted(bad) for suffix in (".json", ".safetensors")]
        if MANIFEST in names and not self._promise_holds(only):
            doomed.append(MANIFEST)
        if doomed:
            self._remote.remove(*doomed)
        if MANIFEST in doomed or MANIFEST not in names:
            (self._remote.folder / MANIFEST).unlink(missing_ok=True)

    def _promise_holds(self, only: Collection[str] | None) -> bool:
        content = self._remote.read(MANIFEST)
        with suppress(StoreError):  # damaged
            promised = self._remote.promised(content or b"")
            return all(shard in self._sent for shard in promised if only is None or shard in only)
        return False

    def _send(self, shard: str) -> None:
        self._finished[shard] = self._remote.upload(self._finished[shard])
        self._sent.add(shard)

    def _arrived(self, shard: str, names: Mapping[str, RemoteFile]) -> bool:
        file = names.get(f"{shard}.safetensors")
        return shard in self._sent and file is not None and file.bytes == self._finished[shard].bytes and f"{shard}.json" in names

    def _send_spec(self) -> None:
        name, content = f"{self._remote.name}/{SPEC}", sealed({"spec": self._spec})
        if self._remote.files.create(name, content):
            return
        there = self._remote.read(SPEC) or b""
        try:
            theirs = parse_spec(there, where=self._remote.url(SPEC))
        except StoreError:  # damaged
            self._remote.files.write(name, content)
            return
        self._check_spec(theirs, self._remote.url(SPEC))

    def _tidy(self, stored: StoredObject) -> None:
        """Remove what was finished and not kept, unless others still work on it."""
        names = self._remote.listing()
        doomed = [name for name in strays_of(names, stored.shards) if not is_flag(name)]
        if doomed and not self._remote.busy(names, "writer", but=self._flag):
            self._remote.remove(*doomed)
        if self._lock.exclusive():
            self._remove(*(path.name for path in strays(stored)))
