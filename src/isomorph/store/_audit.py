"""Looking over a whole store: what is in it, what is damaged, what can be freed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isomorph.errors import StoreError
from isomorph.store._atomic import TEMPORARY, FolderLock, publishing, regular_size, write_error
from isomorph.store._receipt import ShardReceipt, is_shard_name
from isomorph.store._shard import damage
from isomorph.store._stored_object import MANIFEST, SPEC, StoredObject, read_manifest, read_receipt, read_spec
from isomorph.store._writer import strays


@dataclass(frozen=True)
class Entry:
    """One object, for listing.

    Attributes:
        fingerprint: Its name.
        kind: `spec["kind"]`, or `"?"` where there is none or the spec cannot be read.
        summary: `spec["summary"]`, or the short fields of the spec.
        bytes: All its files together.
        complete: Whether it is committed.
        shards: How many shards it has.
    """

    fingerprint: str
    kind: str
    summary: str
    bytes: int
    complete: bool
    shards: int


@dataclass(frozen=True)
class Damage:
    """One file that is not what it should be."""

    fingerprint: str
    path: Path | str
    problem: str


@dataclass(frozen=True)
class Freed:
    """What `gc` removed (or would remove): objects as a whole, single files, and their bytes together."""

    objects: tuple[str, ...]
    files: tuple[Path | str, ...]
    bytes: int


def entry_of(folder: Path) -> Entry:
    """What is known of one object without reading its shards."""
    spec = None
    with suppress(StoreError):
        spec = read_spec(folder)
    return described(folder.name, spec, {path.name: regular_size(path) or 0 for path in _listing(folder)})


def described(fingerprint: str, spec: Mapping[str, Any] | None, sizes: Mapping[str, int]) -> Entry:
    """The entry of an object whose files have these sizes; without a spec, where it cannot be read."""
    kind, summary = "?", "its spec.json cannot be read"
    if spec is not None:
        kind = _printable(spec.get("kind", "?"))
        short = [f"{key}={each}" for key, each in sorted(spec.items()) if key != "kind" and isinstance(each, str | int | float)]
        summary = _printable(spec.get("summary", ", ".join(short)))
    shards = sum(name.endswith(".safetensors") for name in sizes)
    return Entry(fingerprint, kind, summary, sum(sizes.values()), MANIFEST in sizes, shards)


def damage_of(folder: Path) -> Iterator[Damage]:
    """Read every byte of an object and name each file that is wrong."""
    receipts, committed = None, (folder / MANIFEST).exists()
    try:
        if committed or (folder / SPEC).exists():  # a writer that dies at once leaves a folder without either
            read_spec(folder)
    except StoreError as error:
        yield Damage(folder.name, folder / SPEC, str(error))
    try:
        receipts = read_manifest(folder)[1] if committed else None
    except StoreError as error:
        yield Damage(folder.name, folder / MANIFEST, str(error))
    for shard, receipt in _claims(folder) if receipts is None else receipts.items():
        path = folder / f"{shard}.safetensors"
        if isinstance(receipt, str):
            yield Damage(folder.name, folder / f"{shard}.json", receipt)
        elif problem := damage(path, receipt, again=True):
            yield Damage(folder.name, path, problem)


def _claims(folder: Path) -> Iterator[tuple[str, ShardReceipt | str]]:
    """The receipts of an unfinished object, or what is wrong with them."""
    for path in sorted(folder.glob("*.json")):
        shard = path.name.removesuffix(".json")
        if path.name not in (MANIFEST, SPEC) and is_shard_name(shard):
            try:
                yield shard, read_receipt(folder, shard)
            except StoreError as error:
                yield shard, str(error)


def free(folder: Path, *, older_than_seconds: float, dry_run: bool) -> Freed:
    """Free what one object does not need: all of it if unfinished and old, damaged and stray files otherwise.

    An object that a living process writes is left alone.
    """
    with publishing(folder.parent):
        lock = FolderLock(folder)
        try:
            if lock.exclusive() is False:
                return Freed((), (), 0)
            return _free_locked(folder, older_than_seconds=older_than_seconds, dry_run=dry_run)
        except OSError as error:
            if isinstance(error, StoreError):
                raise
            raise write_error(error, folder, 0) from error
        finally:
            lock.close()


def _free_locked(folder: Path, *, older_than_seconds: float, dry_run: bool) -> Freed:
    files = _listing(folder)
    bad = {Path(each.path) for each in damage_of(folder)}
    committed = regular_size(folder / MANIFEST) is not None
    newest = max((path.lstat().st_mtime for path in [*files, folder]), default=0.0)
    if not committed and time.time() - newest >= older_than_seconds:
        size = sum(regular_size(path) or 0 for path in files)
        if not dry_run:
            shutil.rmtree(folder)
        return Freed((folder.name,), (), size)
    doomed = {path for path in files if path.name.endswith(TEMPORARY)} | {path for path in bad if path in files}
    if committed and bad:  # the sound shards stay, so that the next run computes only the others
        doomed.add(folder / MANIFEST)
    elif committed:
        doomed |= set(strays(StoredObject(folder)))
    size = sum(regular_size(path) or 0 for path in doomed)
    if not dry_run:
        for path in sorted(doomed, key=lambda each: each.name != MANIFEST):  # first of all, the object stops being committed
            path.unlink(missing_ok=True)
    return Freed((), tuple(sorted(doomed)), size)


def _listing(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.is_dir())
    except OSError:
        return []


def _printable(value: object) -> str:
    """Text from a file, safe for a terminal and short."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(value)[:200])
