"""A committed object: what it was made from, what was noted about it, and its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from isomorph.errors import StoreError
from isomorph.store._atomic import WAY_OUT, regular_size
from isomorph.store._receipt import ShardReceipt, parse_sealed, read_sealed, receipt_from_plain
from isomorph.store._shard import read_tensor

MANIFEST = "manifest.json"
SPEC = "spec.json"


class StoredObject:
    """A committed object of a store; it never changes.

    Opening one reads its manifest and the sizes of its files. The bytes of a shard are hashed when one of its tensors is first read
    in this process.

    Attributes:
        fingerprint: Its name.
        spec: What it was made from.
        meta: What its maker noted at the commit.
        shards: Its shards' names, sorted.

    Raises:
        StoreError: A file is missing or is not what the manifest says.

    Example:
        >>> import numpy as np, tempfile
        >>> from isomorph.spec import fingerprint
        >>> from isomorph.store import Store
        >>> store, spec = Store(tempfile.mkdtemp()), {"kind": "demo"}
        >>> with store.begin(fingerprint(spec), spec) as writer:
        ...     _ = writer.put("rows-0", {"x": np.arange(3.0)})
        ...     _ = writer.commit({"note": "three numbers"})
        >>> store.open(fingerprint(spec)).read("rows-0", "x")
        array([0., 1., 2.])
    """

    def __init__(self, folder: Path) -> None:
        self.fingerprint = folder.name
        self.folder = folder
        self.meta: Mapping[str, Any]
        self.meta, self._receipts = read_manifest(folder)
        self.spec: Mapping[str, Any] = read_spec(folder)
        for shard, receipt in self._receipts.items():
            path = folder / f"{shard}.safetensors"
            if (size := regular_size(path)) != receipt.bytes:
                held = "is missing" if size is None else f"has {size:,} bytes and should have {receipt.bytes:,}"
                raise StoreError(f"{path} {held}. {WAY_OUT}")

    def __repr__(self) -> str:
        return f"StoredObject({self.fingerprint[:12]}, {len(self._receipts)} shards, {self.bytes:,} bytes)"

    @property
    def shards(self) -> tuple[str, ...]:
        """The shards' names, sorted."""
        return tuple(self._receipts)

    @property
    def receipts(self) -> Mapping[str, ShardReceipt]:
        """What each shard holds."""
        return self._receipts

    @property
    def bytes(self) -> int:
        """The size of all shards."""
        return sum(receipt.bytes for receipt in self._receipts.values())

    def keys(self, shard: str) -> tuple[str, ...]:
        """The names of the tensors of `shard`, sorted."""
        return tuple(sorted(self._receipt(shard).tensors))

    def read(self, shard: str, key: str) -> npt.NDArray[Any]:
        """One tensor, as a read-only view of the file: nothing is copied, and only the pages that are used are read.

        Raises:
            StoreError: There is no such shard or tensor, or the shard's bytes are not those that were committed.
        """
        return read_tensor(self.folder / f"{shard}.safetensors", self._receipt(shard), key)

    def _receipt(self, shard: str) -> ShardReceipt:
        if shard not in self._receipts:
            names = ", ".join(self.shards[:12]) or "none"
            raise StoreError(f"the object {self.fingerprint[:12]} has no shard {shard!r:.80}; it has {len(self.shards)}: {names}.")
        return self._receipts[shard]


def read_spec(folder: Path) -> dict[str, Any]:
    """What an object is made from."""
    return _spec_of(read_sealed(folder / SPEC), str(folder / SPEC))


def parse_spec(content: bytes, *, where: str) -> dict[str, Any]:
    """The same, of bytes from elsewhere."""
    return _spec_of(parse_sealed(content, where=where), where)


def _spec_of(plain: Mapping[str, Any], where: str) -> dict[str, Any]:
    spec = plain.get("spec")
    if not isinstance(spec, dict):
        raise StoreError(f"{where} holds no spec. {WAY_OUT}")
    return spec


def read_manifest(folder: Path) -> tuple[dict[str, Any], dict[str, ShardReceipt]]:
    """The meta and the receipts; every part is checked, because a store may come from anywhere."""
    return manifest_from_plain(read_sealed(folder / MANIFEST), folder.name, where=str(folder / MANIFEST))


def manifest_from_plain(plain: Mapping[str, Any], fingerprint: str, *, where: str) -> tuple[dict[str, Any], dict[str, ShardReceipt]]:
    """The meta and the receipts of an object, of plain data whose seal is right."""
    shards, meta = plain.get("shards"), plain.get("meta")
    if plain.get("format") != 1 or plain.get("fingerprint") != fingerprint:
        raise StoreError(f"{where} is not the manifest (format 1) of {fingerprint[:12]}. {WAY_OUT}")
    if not isinstance(shards, dict) or not isinstance(meta, dict):
        raise StoreError(f"{where} lacks 'shards' or 'meta'. {WAY_OUT}")
    receipts = {}
    for shard in sorted(shards):
        receipts[shard] = receipt_from_plain(shards[shard], where=f"{where}, shard {shard!r:.80},")
        if receipts[shard].shard != shard:
            raise StoreError(f"{where} gives the shard {shard!r:.80} the receipt of {receipts[shard].shard!r}. {WAY_OUT}")
    return meta, receipts


def manifest_plain(fingerprint: str, meta: Mapping[str, Any], receipts: Mapping[str, ShardReceipt]) -> dict[str, Any]:
    """The manifest of an object as plain data."""
    shards = {shard: receipt.plain() for shard, receipt in receipts.items()}
    return {"format": 1, "fingerprint": fingerprint, "meta": meta, "shards": shards}


def read_receipt(folder: Path, shard: str) -> ShardReceipt:
    """The receipt of a shard of an unfinished object."""
    path = folder / f"{shard}.json"
    receipt = receipt_from_plain(read_sealed(path), where=str(path))
    if receipt.shard != shard:
        raise StoreError(f"{path} is the receipt of {receipt.shard!r}. {WAY_OUT}")
    return receipt
