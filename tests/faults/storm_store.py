"""What the storm's store must be at any moment: each file byte for byte that of an undisturbed run, or not there."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

from storm_units import Bench, stages

from isomorph.store import Store


class Violation(Exception):
    """The store broke a promise."""


class KeepAll(Store):
    """Whose commits remove nothing: the reference knows the bytes of spilled rows, too."""

    def begin(self, fingerprint, spec):
        writer = super().begin(fingerprint, spec)
        commit = writer.commit
        writer.commit = lambda meta, keep=None: commit(meta)
        return writer


def fill(store: Store) -> None:
    for stage in stages(Bench(Path(os.devnull))):
        for unit in stage:
            unit.run(store)


def fill_reference(folder: Path) -> None:
    """In a child, so that the parent's caches of digests and of this machine's name stay empty."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            fill(Store(folder / "final"))
            fill(KeepAll(folder / "all"))
            status = 0
        finally:
            os._exit(status)
    if os.waitpid(child, 0)[1]:
        raise Violation("the undisturbed run failed")


class Reference:
    """The undisturbed run: `final`, what each object is in the end; `known`, every file with a final name that may ever be there."""

    def __init__(self, folder: Path) -> None:
        self.final = contents(folder / "final")
        self.known = {**contents(folder / "all"), **self.final}
        self.objects = sorted({name.split("/")[2] for name in self.final})
        stored = [Store(folder / "final").open(name) for name in self.objects]
        self.tensors = {
            each.fingerprint: {shard: {key: each.read(shard, key) for key in each.keys(shard)} for shard in each.shards} for each in stored
        }
        self.labels = {unit.fingerprint: unit.label for stage in stages(Bench(Path(os.devnull))) for unit in stage}


def contents(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in sorted((store / "objects").rglob("*")) if path.is_file()}


class Watch:
    """Looks at one store after each step; a file is read again only when it changed."""

    def __init__(self, store: Path, reference: Reference) -> None:
        self.store, self.reference = store, reference
        self.done: set[str] = set()
        self.damaged: dict[str, str] = {}  # file: what was done to it
        self._seen: dict[str, tuple[int, ...]] = {}

    def files(self) -> Iterator[str]:
        for folder in (self.store / "objects").glob("*/*"):
            yield from (f"objects/{folder.parent.name}/{folder.name}/{each.name}" for each in os.scandir(folder))

    def look(self) -> None:
        """Every file is right or was damaged by us, and what was reported as done is there."""
        there = set(self.files())
        for name in there:
            status = (self.store / name).lstat()
            identity = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            if name.endswith(".tmp") or self._seen.get(name) == identity:
                continue
            right = (self.store / name).read_bytes() == self.reference.known.get(name)
            if right:
                self._seen[name] = identity
                self.damaged.pop(name, None)
            elif name not in self.damaged:
                raise Violation(f"{name} ({self._label(name)}) holds wrong bytes")
        for name, how in list(self.damaged.items()):
            if name not in there and not (how == "remove" and self._promised(name, there)):
                del self.damaged[name]  # it is to be computed again
        for name in self.reference.final:
            if name.split("/")[2] in self.done and name not in there:
                raise Violation(f"{name} ({self._label(name)}) was reported as done and is gone")

    def sound(self) -> set[tuple[str, str]]:
        """The finished shards: (fingerprint, shard)."""
        there = {name for name in self.files() if name not in self.damaged}
        return {self._shard(name) for name in there if name.endswith(".safetensors") and name.replace(".safetensors", ".json") in there}

    def _shard(self, name: str) -> tuple[str, str]:
        return name.split("/")[2], name.split("/")[3].removesuffix(".safetensors")

    def _label(self, name: str) -> str:
        return self.reference.labels.get(name.split("/")[2], "?")

    def harm(self, dice: random.Random) -> str | None:
        """Flip a bit of one file, cut it or empty it; how."""
        harmed = {name.split("/")[2] for name in self.damaged}
        harmed = self.harmed()
        there = sorted(name for name in self.files() if name.split("/")[2] not in harmed and self._claimed(name))
        if not there:
            return None
        name = dice.choice(there)
        path, how = self.store / name, dice.choice(["flip", "flip", "flip", "truncate", "remove", "empty"])
        content = bytearray(path.read_bytes())
        if how == "remove":
            path.unlink()
        elif how == "flip":
            content[dice.randrange(len(content) - 1)] ^= 1 << dice.randrange(8)  # the last byte of JSON is a line end, which says nothing
            path.write_bytes(content)
        else:
            path.write_bytes(content[: dice.randrange(len(content) - 1) if how == "truncate" else 0])
        self.damaged[name] = how
        self.done.discard(name.split("/")[2])
        return how

    def _claimed(self, name: str) -> bool:
        """A shard without receipt is nobody's yet: nothing promises its bytes."""
        if name.endswith(".safetensors"):
            return (self.store / name.replace(".safetensors", ".json")).exists()
        return not name.endswith(".tmp")

    def harmed(self) -> set[str]:
        """The objects with damage: at most one file each, so that each piece of damage is seen by itself."""
        return {name.split("/")[2] for name in self.damaged}

    def must_be_found(self) -> set[str]:
        """The damage that `verify` must name; what is missing of an unfinished object is not missed."""
        found = set()
        there = set(self.files())
        for name, how in self.damaged.items():
            if self._promised(name, there) or (how != "remove" and not name.endswith(".safetensors") and not self._committed(name, there)):
                found.add(name)
        return found

    def _committed(self, name: str, there: set[str]) -> bool:
        return f"{name.rpartition('/')[0]}/manifest.json" in there

    def _promised(self, name: str, there: set[str]) -> bool:
        """Whether the object says that this file is there; of what was spilled for it a committed one says nothing."""
        if self._committed(name, there):
            return name in self.reference.final
        return name.endswith(".safetensors") and name.replace(".safetensors", ".json") in there
