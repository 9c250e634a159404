"""One object of a store beyond this machine, and its copy in the cache."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import xxhash

from isomorph.errors import StoreError
from isomorph.store._atomic import WAY_OUT, FolderLock, make_folder, publish, publishing, temporary_file, write_bytes
from isomorph.store._notes import LEASE_SECONDS
from isomorph.store._receipt import ShardReceipt, is_shard_name, parse_sealed, receipt_from_plain, sealed, write_sealed
from isomorph.store._remote_files import RemoteFile, RemoteFiles
from isomorph.store._shard import damage, trust
from isomorph.store._stored_object import MANIFEST, SPEC, manifest_from_plain, parse_spec, read_receipt

_HEARTBEAT_SECONDS = 30.0
_AT_ONCE = 4
_FLAG = re.compile(r"\.[0-9a-f]{12}\.(writer|gc)")


class RemoteObject:
    """The files of one object under `objects/<2 hex>/<fingerprint>/` of an address, and the folder of its copy.

    A file there is never written over: the first of two writers wins (see `RemoteFiles.create`). Whoever writes keeps a small file
    `.<token>.writer` fresh, whoever frees `.<token>.gc`; each looks for the other's after writing its own, so that at least one sees both.
    """

    def __init__(self, files: RemoteFiles, folder: Path) -> None:
        self.files, self.folder = files, folder
        self.name = f"objects/{folder.name[:2]}/{folder.name}"

    def url(self, name: str) -> str:
        """The address of one file."""
        return f"{self.files.url}/{self.name}/{name}"

    def listing(self) -> dict[str, RemoteFile]:
        """Its files; what is not named like one of an object's is no concern of ours."""
        return own_names(self.name, self.files.list(self.name))

    def busy(self, names: Mapping[str, RemoteFile], kind: str, *, but: str = "") -> bool:
        """Whether somebody alive writes (`"writer"`) or frees (`"gc"`) the object, by the store's clock."""
        flags = [file for name, file in names.items() if name.endswith(f".{kind}") and name != but]
        return bool(flags) and self.files.now() - max(file.written for file in flags) < LEASE_SECONDS

    def settled(self) -> dict[str, RemoteFile]:
        """Its files, as soon as nobody frees it."""
        while self.busy(names := self.listing(), "gc"):
            time.sleep(1)
        return names

    @contextmanager
    def flag(self, kind: str) -> Iterator[str]:
        """Within: others see that this process writes or frees the object."""
        name = f".{secrets.token_hex(6)}.{kind}"
        content = json.dumps({"host": socket.gethostname(), "pid": os.getpid()}).encode()
        self.files.write(f"{self.name}/{name}", content)
        over = threading.Event()
        beat = threading.Thread(target=_keep_fresh, args=(self.files, f"{self.name}/{name}", content, over), daemon=True)
        beat.start()
        try:
            yield name
        finally:
            over.set()
            beat.join()
            with suppress(StoreError):  # it grows old by itself
                self.files.hurried(5).delete([f"{self.name}/{name}"])

    def remove(self, *names: str) -> None:
        """Remove files; the manifest first, so that the object stops being committed."""
        self.files.delete(f"{self.name}/{name}" for name in sorted(names, key=lambda each: each != MANIFEST))

    def read(self, name: str) -> bytes | None:
        """One of its small files; None where there is none."""
        return self.files.read(f"{self.name}/{name}")

    def promised(self, manifest: bytes) -> dict[str, ShardReceipt]:
        """The receipts that a manifest holds.

        Raises:
            StoreError: It is damaged.
        """
        where = self.url(MANIFEST)
        return manifest_from_plain(parse_sealed(manifest, where=where), self.folder.name, where=where)[1]

    def receipts(self, shards: Iterable[str]) -> dict[str, ShardReceipt | str]:
        """The receipts of shards, or what is wrong with one; those that are there."""
        read = self.files.read_all(f"{self.name}/{shard}.json" for shard in shards)
        found: dict[str, ShardReceipt | str] = {}
        for path, content in sorted(read.items()):
            name = path.rpartition("/")[2]
            shard = name.removesuffix(".json")
            try:
                receipt = receipt_from_plain(parse_sealed(content, where=self.url(name)), where=self.url(name))
                found[shard] = receipt if receipt.shard == shard else f"{self.url(name)} is the receipt of {receipt.shard!r}"
            except StoreError as error:
                found[shard] = str(error)
        return found

    def fetch_all(self, receipts: Mapping[str, ShardReceipt]) -> dict[str, str]:
        """Bring shards into the cache, several at once; what is wrong with those that are damaged."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            problems = dict(zip(receipts, pool.map(self.fetch, receipts.values()), strict=True))
        return {shard: problem for shard, problem in problems.items() if problem is not None}

    def fetch(self, receipt: ShardReceipt) -> str | None:
        """Bring one shard into the cache, held against its receipt; what is wrong with it, if anything."""
        final = self.folder / f"{receipt.shard}.safetensors"
        with suppress(StoreError):
            if damage(final, receipt) is None and read_receipt(self.folder, receipt.shard) == receipt:
                return None
        with temporary_file(final, needed=receipt.bytes) as (_, temporary):
            there = self.files.download(f"{self.name}/{final.name}", temporary)
            problem = damage(temporary, receipt) if there else "it is missing"
        if problem is not None:
            temporary.unlink()
            return problem
        with publishing(self.folder.parent):
            publish(temporary, final)
            trust(final, receipt)
            write_sealed(self.folder / f"{receipt.shard}.json", receipt.plain())
        return None

    def fetch_committed(self) -> None:
        """Bring the committed object into the cache: the shards, the spec, and the manifest last.

        Raises:
            StoreError: It is not committed, or is damaged.
        """
        content = self.read(MANIFEST)
        if content is None:
            raise StoreError(f"{self.url(MANIFEST)} is missing. Run what makes it; `isomorph store ls` lists what is finished.")
        with self.held():
            for shard, problem in self.fetch_all(self.promised(content)).items():
                raise StoreError(f"{self.url(f'{shard}.safetensors')} is damaged: {problem}. {WAY_OUT}")
            spec = self.read(SPEC)
            if spec is None:
                raise StoreError(f"{self.url(SPEC)} is missing. {WAY_OUT}")
            parse_spec(spec, where=self.url(SPEC))
            with publishing(self.folder.parent):
                write_bytes(self.folder / SPEC, spec)
                write_bytes(self.folder / MANIFEST, content)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within: no other process of this machine clears the cache's copy."""
        make_folder(self.folder)
        lock = FolderLock(self.folder)
        try:
            lock.shared()
            yield
        finally:
            lock.close()

    def upload(self, receipt: ShardReceipt) -> ShardReceipt:
        """Send a shard of the cache, then its receipt. Where another writer was first, its shard comes into the cache instead.

        Returns:
            The receipt of the shard that stands.
        """
        for _ in range(3):
            if self.files.create(f"{self.name}/{receipt.shard}.safetensors", self.folder / f"{receipt.shard}.safetensors"):
                self._receipt_up(receipt)
                return receipt
            if (theirs := self._standing(receipt)) is not None:
                return theirs
            self.remove(f"{receipt.shard}.json", f"{receipt.shard}.safetensors")  # damaged, or of no use to anybody
        raise StoreError(
            f"{self.url(f'{receipt.shard}.safetensors')} is damaged again and again by another writer. Run again when it is over."
        )

    def _standing(self, ours: ShardReceipt) -> ShardReceipt | None:
        """The receipt of the shard that is there already and now is in the cache; None if it is damaged or another computation's."""
        theirs = self.receipts([ours.shard]).get(ours.shard)
        if theirs is None:  # its writer died before the receipt, or is about to send it
            theirs = self._receipt_of_bytes(ours)
            if theirs is not None and (theirs == ours or self.fetch(theirs) is None):
                self._receipt_up(theirs)
                return theirs
            return None
        if theirs == ours:
            return ours
        if isinstance(theirs, str) or dict(theirs.tensors) != dict(ours.tensors):
            return None
        return theirs if self.fetch(theirs) is None else None

    def _receipt_of_bytes(self, ours: ShardReceipt) -> ShardReceipt | None:
        file = self.listing().get(f"{ours.shard}.safetensors")
        return None if file is None else ShardReceipt(ours.shard, file.bytes, self.digest(ours.shard, file.bytes), ours.tensors)

    def digest(self, shard: str, size: int) -> str:
        """The digest of a shard's bytes, read piece by piece."""
        digest = xxhash.xxh3_128()
        for piece in self.files.pieces(f"{self.name}/{shard}.safetensors", size):
            digest.update(piece)
        return f"xxh3_128:{digest.hexdigest()}"

    def _receipt_up(self, receipt: ShardReceipt) -> None:
        self.files.create(f"{self.name}/{receipt.shard}.json", sealed(receipt.plain()))


def own_names(folder: str, files: Mapping[str, RemoteFile]) -> dict[str, RemoteFile]:
    """Those files of a listing that may belong to the object in `folder`, by their bare names."""
    bare = {name.removeprefix(f"{folder}/"): file for name, file in files.items() if name.startswith(f"{folder}/")}
    return {name: file for name, file in bare.items() if _is_own(name)}


def _is_own(name: str) -> bool:
    stem, _, ending = name.rpartition(".")
    return name in (MANIFEST, SPEC) or (ending in ("json", "safetensors") and is_shard_name(stem)) or is_flag(name)


def _keep_fresh(files: RemoteFiles, name: str, content: bytes, over: threading.Event) -> None:
    while not over.wait(_HEARTBEAT_SECONDS):
        with suppress(StoreError):
            files.hurried(_HEARTBEAT_SECONDS).write(name, content)


def shards_of(names: Iterable[str]) -> list[str]:
    """The shards that have a receipt."""
    return sorted(name.removesuffix(".json") for name in names if name.endswith(".json") and name not in (MANIFEST, SPEC))


def strays_of(names: Iterable[str], shards: Iterable[str]) -> list[str]:
    """The files that an object of these shards does not need."""
    needed = {MANIFEST, SPEC, *(f"{shard}{suffix}" for shard in shards for suffix in (".json", ".safetensors"))}
    return sorted(name for name in names if name not in needed)


def is_flag(name: str) -> bool:
    """Whether a file says that somebody works on the object."""
    return _FLAG.fullmatch(name) is not None
