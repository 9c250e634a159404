"""Looking over a whole store: what is in it, what is damaged, what can be freed."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isomorph.errors import StoreError
from isomorph.store._atomic import (
    TEMPORARY,
    FolderLock,
    file_system_time,
    listing,
    of_this_machine,
    publishing,
    regular_size,
    regular_status,
    unreadable,
    write_error,
)
from isomorph.store._lease import worked_on
from isomorph.store._receipt import ShardReceipt, is_shard_name
from isomorph.store._shard import damage
from isomorph.store._stored_object import MANIFEST, SPEC, StoredObject, read_manifest, read_receipt, read_spec
from isomorph.store._writer import strays

GRACE_SECONDS = 3600.0


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
    """One file that is not what it should be.

    Attributes:
        fingerprint: The object it belongs to.
        path: The file; its address, where the store is beyond this machine.
        problem: What is wrong with it.
        unreadable: The disk or the network did not give it, which may pass: `gc` leaves it where it is.
    """

    fingerprint: str
    path: Path | str
    problem: str
    unreadable: bool = False


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
    return described(folder.name, spec, {path.name: regular_size(path) or 0 for path in listing(folder)})


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
    """Read every byte of an object and name each file that is wrong or cannot be read."""
    names = {path.name for path in listing(folder)}
    committed: Mapping[str, ShardReceipt] | None = None
    if names & {MANIFEST, SPEC}:  # a writer that dies at once leaves a folder without either
        try:
            read_spec(folder)
        except StoreError as error:
            yield _told(folder / SPEC, error)
    if MANIFEST in names:
        try:
            committed = read_manifest(folder)[1]
        except StoreError as error:
            yield _told(folder / MANIFEST, error)
    for shard in sorted(_claims(names) if committed is None else committed):
        yield from _damage_of_shard(folder, shard, None if committed is None else committed[shard])


def _claims(names: Collection[str]) -> list[str]:
    """The shards of an unfinished object that have a receipt."""
    return [name[:-5] for name in names if name.endswith(".json") and is_shard_name(name[:-5])]


def _damage_of_shard(folder: Path, shard: str, promised: ShardReceipt | None) -> Iterator[Damage]:
    receipt = promised
    try:
        receipt = read_receipt(folder, shard)
        if promised is not None and receipt != promised:
            yield Damage(folder.name, folder / f"{shard}.json", "it is not the receipt that the manifest holds")
    except StoreError as error:
        yield _told(folder / f"{shard}.json", error)
    receipt = promised or receipt
    if receipt is None:
        return
    path = folder / f"{shard}.safetensors"
    try:
        if problem := damage(path, receipt, again=True):
            yield Damage(folder.name, path, problem)
    except StoreError as error:
        yield _told(path, error)


def _told(path: Path, error: StoreError) -> Damage:
    return Damage(path.parent.name, path, str(error), unreadable(error))


def time_of(objects: Path, *, dry_run: bool) -> float:
    """Now, by the clock that stamped the objects; where nothing can be written, a dry run takes the machine's."""
    try:
        return file_system_time(objects)
    except StoreError:
        if not dry_run:
            raise
        return time.time()


def free(folder: Path, *, now: float, older_than_seconds: float, dry_run: bool) -> Freed:
    """Free what one object does not need: all of it if unfinished and old, damaged and stray files otherwise.

    An object that a living process writes is left alone. Of this machine the lock tells; of others, and where there are no locks, the
    notes of running units and the ages of files do, by the clock of the file system.
    """
    with publishing(folder.parent):
        lock = FolderLock(folder)
        try:
            locked = lock.exclusive()
            if locked is False or worked_on(folder, now=now, locked=locked is True):
                return Freed((), (), 0)
            return _free_locked(folder, now=now, older_than_seconds=older_than_seconds, locked=locked is True, dry_run=dry_run)
        except StoreError:
            raise
        except OSError as error:
            raise write_error(error, folder, 0) from error
        finally:
            lock.close()


def _free_locked(folder: Path, *, now: float, older_than_seconds: float, locked: bool, dry_run: bool) -> Freed:
    written = {path: status.st_mtime for path in listing(folder) if (status := regular_status(path)) is not None}
    bad = {Path(each.path) for each in damage_of(folder) if not each.unreadable}
    committed = folder / MANIFEST in written
    if not committed and now - max([*written.values(), folder.stat().st_mtime]) >= max(older_than_seconds, GRACE_SECONDS):
        size = sum(regular_size(path) or 0 for path in written)
        if not dry_run:
            for path in written:
                path.unlink(missing_ok=True)
            with suppress(OSError):  # somebody has just begun it again
                folder.rmdir()
        return Freed((folder.name,), (), size)
    bad |= {path.with_suffix(".json") for path in bad if path.suffix == ".safetensors"}  # whose receipt promises what is not there
    doomed = {path for path in written if _is_left_behind(path, locked=locked, age=now - written[path])} | (bad & set(written))
    if committed and bad:  # the sound shards stay, so that the next run computes only the others
        doomed.add(folder / MANIFEST)
    elif committed:
        doomed |= {path for path in strays(StoredObject(folder)) if not path.name.endswith(TEMPORARY)}
    size = sum(regular_size(path) or 0 for path in doomed)
    if not dry_run:
        for path in sorted(doomed, key=_promises):
            path.unlink(missing_ok=True)
    return Freed((), tuple(sorted(doomed)), size)


def _promises(path: Path) -> int:
    """What is removed first: an object stops being committed before a shard goes, and a shard being promised before it does."""
    return 0 if path.name == MANIFEST else 1 if path.suffix == ".json" else 2


def _is_left_behind(path: Path, *, locked: bool, age: float) -> bool:
    """Whether a temporary file has no living writer: of this machine the lock tells, of others the age."""
    return path.name.endswith(TEMPORARY) and ((locked and of_this_machine(path)) or age >= GRACE_SECONDS)


def _printable(value: object) -> str:
    """Text from a file, safe for a terminal and short."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(value)[:200])
