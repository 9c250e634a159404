"""Writing one object, shard by shard, so that a kill at any moment costs at most the shard that was being written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

import numpy.typing as npt

from isomorph.errors import InputError, StoreError
from isomorph.profile import timing
from isomorph.spec import to_plain
from isomorph.store._atomic import (
    FolderLock,
    file_system_time,
    listing,
    make_folder,
    of_this_machine,
    publish,
    publishing,
    regular_size,
    unreadable,
    write_error,
)
from isomorph.store._receipt import ShardReceipt, check_shard_name, write_sealed
from isomorph.store._shard import TensorReader, damage, read_tensor, tensor_facts, trust, write_shard
from isomorph.store._stored_object import MANIFEST, SPEC, StoredObject, manifest_plain, read_manifest, read_receipt, read_spec


class Writer:
    """One object in the making; `Store.begin` makes one. Use it in a `with` block, or `close` it.

    Shards that an earlier, interrupted run finished are in `finished`, already verified: skip them. Several processes may write one
    object at once; the first to finish a shard wins, and all end with the same object.
    """

    def __init__(self, folder: Path, spec: Mapping[str, Any], *, only: Collection[str] | None = None) -> None:
        self.fingerprint = folder.name
        self.folder = folder
        self._spec = to_plain(dict(spec))
        make_folder(folder.parent)
        with publishing(folder.parent):
            make_folder(folder)
            self._lock = FolderLock(folder)
            try:
                if self._lock.exclusive():
                    self._remove(*(path.name for path in listing(folder) if of_this_machine(path)))
                self._lock.shared()
                with suppress(StoreError):
                    file_system_time(folder)  # its age begins anew: `gc` must not take it for one that was abandoned
                self._claim_spec()
            except BaseException:
                self._lock.close()
                raise
        self._finished = self._verified_shards(only)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let others know that this process no longer works on the object. What is finished stays for the next writer."""
        self._lock.close()

    def __del__(self) -> None:
        if hasattr(self, "_lock"):
            self._lock.close()

    @property
    def finished(self) -> Mapping[str, ShardReceipt]:
        """The shards that are done; their bytes were held against their receipts."""
        return MappingProxyType(self._finished)

    @timing("write")
    def put(self, shard: str, tensors: Mapping[str, npt.NDArray[Any] | list[npt.NDArray[Any]]], *, durable: bool = True) -> ShardReceipt:
        """Write one shard: when this returns, it survives the death of the process, and a power cut if it is `durable`.

        A shard that is finished already is left as it is.

        Two runs of one computation may differ in the last bits (threads, devices), so the first result stands; other names, types or
        shapes are another computation, and an error.

        Args:
            shard: Its name: letters, digits, `_`, `-` and `.`.
            tensors: Arrays of numbers or booleans by name; strided arrays are fine. A list of arrays is stored as one, with the rows of
                all. Nothing is copied as a whole.
            durable: Wait for the disk. Without, a power cut may take the shard, which the next writer then finds by its digest; for rows
                that are removed in the end.

        Raises:
            StoreError: The disk is full, read-only or over quota; or the shard exists with other tensors.
            InputError: A name or a type cannot be stored.
        """
        facts = tensor_facts(check_shard_name(shard), tensors)
        if shard not in self._finished:
            temporary, receipt = write_shard(self._path(shard), tensors, facts, durable=durable)
            self._finished[shard] = self._publish(temporary, receipt, durable=durable)
        receipt = self._finished[shard]
        if dict(receipt.tensors) != facts:
            raise StoreError(
                f"{self._path(shard)} is finished and holds {_words(receipt.tensors)}; it cannot be written again with {_words(facts)}. "
                "Give different work a different fingerprint."
            )
        return receipt

    def read(self, shard: str, key: str) -> npt.NDArray[Any]:
        """One tensor of a finished shard, as a read-only view of the file.

        Raises:
            StoreError: The shard is not finished, or is damaged.
        """
        return read_tensor(self._path(shard), self._receipt(shard), key)

    def reader(self, shard: str, key: str) -> TensorReader:
        """The same, to be read piece by piece; close it.

        Raises:
            StoreError: The shard is not finished, or is damaged.
        """
        return TensorReader(self._path(shard), self._receipt(shard), key)

    def _receipt(self, shard: str) -> ShardReceipt:
        if shard not in self._finished:
            raise StoreError(f"the shard {shard!r:.80} of {self.fingerprint[:12]} is not finished; {len(self._finished)} others are.")
        return self._finished[shard]

    @timing("write")
    def commit(self, meta: Mapping[str, Any], *, keep: Collection[str] | None = None) -> StoredObject:
        """Finish the object: check every shard once more, write the manifest, remove what is not kept, and close.

        Args:
            meta: Plain data to note with the object.
            keep: The shards to keep; None keeps all finished ones. Others (spilled rows, say) are removed.

        Returns:
            The object; the one that another process committed meanwhile, if so.

        Raises:
            StoreError: A shard was damaged or removed since it was written, or the disk is full.
            InputError: `keep` names a shard that is not finished, or `meta` has no plain form.
        """
        kept = self._kept(keep)
        plain = manifest_plain(self.fingerprint, to_plain(meta), kept)
        with publishing(self.folder.parent):
            if regular_size(self.folder / MANIFEST) is None:
                for shard, receipt in kept.items():
                    self._check(shard, receipt)
                write_sealed(self.folder / MANIFEST, plain)
            stored = StoredObject(self.folder)
            if self._lock.exclusive():
                self._remove(*(path.name for path in strays(stored)))
        self.close()
        return stored

    def _kept(self, keep: Collection[str] | None) -> dict[str, ShardReceipt]:
        unknown = sorted(set(keep or ()) - set(self._finished))
        if unknown:
            raise InputError(f"commit cannot keep {len(unknown)} shards that are not finished; the first is {unknown[0]!r:.80}.")
        return {shard: self._finished[shard] for shard in sorted(self._finished) if keep is None or shard in keep}

    def _check(self, shard: str, receipt: ShardReceipt) -> None:
        problem = damage(self._path(shard), receipt)
        if problem is None and read_receipt(self.folder, shard) != receipt:
            problem = "its receipt is another's"
        if problem is not None:
            raise StoreError(f"{self._path(shard)} changed after it was written: {problem}. Run again; the other shards are kept.")

    def _path(self, shard: str) -> Path:
        return self.folder / f"{shard}.safetensors"

    def _publish(self, temporary: Path, receipt: ShardReceipt, *, durable: bool) -> ShardReceipt:
        final = self._path(receipt.shard)
        with publishing(self.folder.parent):
            theirs = self._sound_receipt(receipt.shard)
            if theirs is not None:
                self._remove(temporary.name)
                return theirs
            self._remove(f"{receipt.shard}.json")
            publish(temporary, final, durable=durable)
            trust(final, receipt)
            write_sealed(self.folder / f"{receipt.shard}.json", receipt.plain(), durable=durable)
        return receipt

    def _sound_receipt(self, shard: str) -> ShardReceipt | None:
        if regular_size(self.folder / f"{shard}.json") is None:
            return None
        try:
            receipt = read_receipt(self.folder, shard)
            return receipt if damage(self._path(shard), receipt) is None else None
        except StoreError as error:
            if unreadable(error):
                raise
            return None

    def _verified_shards(self, only: Collection[str] | None) -> dict[str, ShardReceipt]:
        there = [path.stem for path in listing(self.folder) if path.suffix == ".safetensors"]
        names = [shard for shard in there if only is None or shard in only]
        sound = {shard: self._sound_receipt(shard) for shard in names}
        with publishing(self.folder.parent):
            committed = {shard: receipt for shard, receipt in self._committed().items() if only is None or shard in only}
            for shard in sorted({*sound, *committed}):
                if sound.get(shard) is None:
                    sound[shard] = self._sound_receipt(shard)  # another writer may have finished it meanwhile
            if any(sound[shard] != receipt for shard, receipt in committed.items()):
                self._remove(MANIFEST)  # first: a kill must not leave one that promises what is gone
            for shard in (each for each, receipt in sound.items() if receipt is None):
                self._remove(f"{shard}.json", f"{shard}.safetensors")
        return {shard: receipt for shard, receipt in sound.items() if receipt is not None}

    def _committed(self) -> dict[str, ShardReceipt]:
        """What the manifest promises; a damaged manifest is removed, because its object can be committed again."""
        if regular_size(self.folder / MANIFEST) is None:
            return {}
        try:
            return read_manifest(self.folder)[1]
        except StoreError as error:
            if unreadable(error):
                raise
            self._remove(MANIFEST)
            return {}

    def _claim_spec(self) -> None:
        path = self.folder / SPEC
        try:
            theirs = read_spec(self.folder)
        except StoreError as error:
            if unreadable(error):
                raise
            write_sealed(path, {"spec": self._spec})
            return
        self._check_spec(theirs, str(path))

    def _check_spec(self, theirs: Mapping[str, Any], where: str) -> None:
        if theirs != self._spec:
            different = sorted(key for key in theirs.keys() | self._spec.keys() if theirs.get(key) != self._spec.get(key))
            raise StoreError(
                f"{where} was made from another spec: {', '.join(map(repr, different[:4]))} differ under one fingerprint. "
                "Give different work a different fingerprint."
            )

    def _remove(self, *names: str) -> None:
        for name in names:
            try:
                (self.folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise write_error(error, self.folder / name, 0) from error


def strays(stored: StoredObject) -> list[Path]:
    """Every file of a committed object that its manifest does not name."""
    named = {MANIFEST, SPEC} | {f"{shard}{suffix}" for shard in stored.shards for suffix in (".json", ".safetensors")}
    return [path for path in listing(stored.folder) if path.name not in named and regular_size(path) is not None]


def _words(tensors: Mapping[str, Any]) -> str:
    each = [f"{key} {fact.dtype}{list(fact.shape)}" for key, fact in tensors.items()]
    return ", ".join(each[:4]) + (f" and {len(each) - 4} more" if len(each) > 4 else "")
