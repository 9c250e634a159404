"""Looking over a store beyond this machine: what is in it, what is damaged, what can be freed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from isomorph.errors import StoreError
from isomorph.store._audit import Damage, Entry, Freed, described
from isomorph.store._receipt import ShardReceipt
from isomorph.store._remote_files import RemoteFile, RemoteFiles
from isomorph.store._remote_object import RemoteObject, own_names, shards_of, strays_of
from isomorph.store._stored_object import MANIFEST, SPEC, parse_spec

_OBJECT = re.compile(r"objects/([0-9a-f]{2})/(\1[0-9a-f]{62})/[^/]+")
_AT_ONCE = 256


def objects_of(files: RemoteFiles) -> dict[str, dict[str, RemoteFile]]:
    """The files of every object by its fingerprint. Names come from outside: what is not named like an object's file is left alone."""
    groups: dict[str, dict[str, RemoteFile]] = {}
    for name, file in files.list("objects").items():
        if match := _OBJECT.fullmatch(name):
            groups.setdefault(match[2], {})[name] = file
    named = {fingerprint: own_names(f"objects/{fingerprint[:2]}/{fingerprint}", group) for fingerprint, group in groups.items()}
    return {fingerprint: names for fingerprint, names in sorted(named.items()) if names}


def remote_entries(files: RemoteFiles) -> Iterator[Entry]:
    """Every object, without its shards."""
    there = list(objects_of(files).items())
    for first in range(0, len(there), _AT_ONCE):
        some = there[first : first + _AT_ONCE]
        specs = files.read_all(_spec_name(fingerprint) for fingerprint, _ in some)
        for fingerprint, names in some:
            try:
                spec = parse_spec(specs.get(_spec_name(fingerprint), b""), where=_spec_name(fingerprint))
            except StoreError:
                spec = None
            yield described(fingerprint, spec, {name: file.bytes for name, file in names.items()})


def remote_damage(remote: RemoteObject, names: Mapping[str, RemoteFile]) -> Iterator[Damage]:
    """Read every byte of an object, a piece at a time, and name each file that is wrong."""
    for name, problem in _problems(remote, names):
        yield Damage(remote.folder.name, remote.url(name), problem)


def _problems(remote: RemoteObject, names: Mapping[str, RemoteFile]) -> Iterator[tuple[str, str]]:
    if MANIFEST in names or SPEC in names:
        spec = remote.read(SPEC) or b""
        try:
            parse_spec(spec, where=remote.url(SPEC))
        except StoreError as error:
            yield SPEC, str(error)
    claims: Mapping[str, ShardReceipt | str] | None = None
    if MANIFEST in names:
        content = remote.read(MANIFEST) or b""
        try:
            claims = remote.promised(content)
        except StoreError as error:
            yield MANIFEST, str(error)
    for shard, receipt in (remote.receipts(shards_of(names)) if claims is None else claims).items():
        file = names.get(f"{shard}.safetensors")
        if isinstance(receipt, str):
            yield f"{shard}.json", receipt
        elif file is None:
            yield f"{shard}.safetensors", "it is missing"
        elif file.bytes != receipt.bytes:
            yield f"{shard}.safetensors", f"it has {file.bytes:,} bytes and should have {receipt.bytes:,}"
        elif (digest := remote.digest(shard, file.bytes)) != receipt.digest:
            yield f"{shard}.safetensors", f"its digest is {digest} and should be {receipt.digest}"


def remote_free(remote: RemoteObject, *, older_than_seconds: float, dry_run: bool) -> Freed:
    """Free what one object does not need, as `free` does of a folder; an object that somebody alive writes is left alone."""
    names = remote.listing()
    doomed, whole = _doomed(remote, names, older_than_seconds)
    if not doomed or remote.busy(names, "writer") or remote.busy(names, "gc"):
        return Freed((), (), 0)
    if not dry_run:
        with remote.flag("gc"):
            now = remote.listing()
            if remote.busy(now, "writer") or (whole and MANIFEST in now):
                return Freed((), (), 0)
            doomed = [name for name in doomed if now.get(name) == names[name]]  # and not what was written meanwhile
            remote.remove(*doomed)
    size = sum(names[name].bytes for name in doomed)
    return Freed((remote.folder.name,), (), size) if whole else Freed((), tuple(map(remote.url, doomed)), size)


def abandon_uploads(files: RemoteFiles, remote: Callable[[str], RemoteObject], *, older_than_seconds: float) -> None:
    """Remove what killed writers left of uploads in parts; those of objects that somebody alive writes are left alone."""
    for upload in files.uploads("objects"):
        match = _OBJECT.fullmatch(upload.name)
        if match and files.now() - upload.begun >= older_than_seconds:
            each = remote(match[2])
            if not each.busy(each.listing(), "writer"):
                files.abandon(upload)


def _doomed(remote: RemoteObject, names: Mapping[str, RemoteFile], older_than_seconds: float) -> tuple[list[str], bool]:
    """What can go, and whether that is the object as a whole."""
    newest = max((file.written for file in names.values()), default=0.0)
    if MANIFEST not in names and remote.files.now() - newest >= older_than_seconds:
        return sorted(names), True
    bad = sorted({name for name, _ in _problems(remote, names)})
    there = [name for name in bad if name in names]
    if MANIFEST not in names:
        return there, False
    if bad:  # the sound shards stay, so that the next run computes only the others
        return sorted({*there, MANIFEST}), False
    return strays_of(names, remote.promised(remote.read(MANIFEST) or b"")), False


def _spec_name(fingerprint: str) -> str:
    return f"objects/{fingerprint[:2]}/{fingerprint}/{SPEC}"
