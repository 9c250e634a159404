"""Killed writers, rival writers, full and read-only disks: the store is never wrong, and running again ends with the same bytes."""

import ctypes
import errno
import fcntl
import itertools
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from isomorph.errors import StoreError
from isomorph.spec import fingerprint
from isomorph.store import Store
from isomorph.store._atomic import FolderLock

SPEC = {"kind": "extraction", "model": "pixels"}
NAME = fingerprint(SPEC)
SHARDS = 12

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks and signals are POSIX")


def fill(store: Store, *, shards: int = SHARDS, done: Callable[[str], object] = lambda shard: None, order: int = 0) -> None:
    """An extraction in small: rows are spilled, then folded into one shard that alone is kept with every third of the rows."""
    with store.begin(NAME, SPEC) as writer:
        for shard in random.Random(order).sample(range(shards), shards):
            name = f"rows-{shard:02d}"
            if name not in writer.finished:
                writer.put(name, {"x": np.full((64, 64), shard, np.float32)})
            done(name)
        writer.put("sum", {"x": sum(writer.read(f"rows-{shard:02d}", "x") for shard in range(shards))})
        writer.commit({"shards": shards}, keep=["sum", *(f"rows-{shard:02d}" for shard in range(0, shards, 3))])


def contents(store: Store) -> dict[str, bytes]:
    return {str(path.relative_to(store.path)): path.read_bytes() for path in sorted(store.path.rglob("*")) if path.is_file()}


def fork(work: Callable[[], object]) -> int:
    """Run `work` in a child; its exit status is 0 if it ended well."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return child


def told_by_child(work: Callable[[], str]) -> str:
    """What `work` returns in a child that may change its own limits, user and mounts."""
    reader, writer = os.pipe()
    child = fork(lambda: os.write(writer, work().encode()))
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return text


def refusal(work: Callable[[], object]) -> str:
    try:
        work()
    except StoreError as error:
        return str(error)
    return "no error"


@pytest.fixture
def undisturbed(tmp_path: Path) -> dict[str, bytes]:
    store = Store(tmp_path / "undisturbed")
    fill(store)
    return contents(store)


def killed_at(event: int, store: Store) -> bool:
    """Fill `store` in a child that kills itself at its n-th touch of a file; whether it was killed."""

    def work() -> None:
        count = itertools.count(1)

        def hook(name: str, _: object) -> None:
            if name in ("open", "os.rename", "os.remove", "os.mkdir", "os.listdir", "os.scandir") and next(count) == event:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        fill(store, shards=2)

    return os.WIFSIGNALED(os.waitpid(fork(work), 0)[1])


def test_a_writer_killed_at_every_touch_of_a_file_is_continued_to_the_same_bytes(tmp_path: Path) -> None:
    whole = Store(tmp_path / "whole")
    fill(whole, shards=2)
    event = 0
    for event in itertools.count(1):
        store = Store(tmp_path / str(event))
        killed = killed_at(event, store)
        assert store.verify() == [], event
        fill(store, shards=2)
        assert contents(store) == contents(whole), event
        if not killed:
            break
    assert event > 30


@pytest.mark.parametrize("victims", [0, 2])
def test_rival_writers_all_end_well_with_one_result(tmp_path: Path, undisturbed: dict[str, bytes], victims: int) -> None:
    for attempt in range(4):
        store = Store(tmp_path / str(attempt))
        children = [fork(partial(fill, store, order=order)) for order in range(4)]
        for child in children[:victims]:
            time.sleep(0.01)
            os.kill(child, signal.SIGKILL)
        statuses = [os.waitpid(child, 0)[1] for child in children]
        assert statuses[victims:] == [0] * (4 - victims)
        assert store.verify() == []
        fill(store)
        assert contents(store) == undisturbed


def test_a_lock_that_cannot_be_shared_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, flock = FolderLock(tmp_path), fcntl.flock
    assert lock.exclusive()

    def failing(descriptor: int, kind: int) -> None:
        if kind == fcntl.LOCK_SH:
            raise OSError(errno.ENOLCK, "No locks available")
        flock(descriptor, kind)

    monkeypatch.setattr(fcntl, "flock", failing)
    assert lock.shared() is None
    assert FolderLock(tmp_path).exclusive()


def test_gc_beside_living_writers_takes_nothing_from_them(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    store = Store(tmp_path / "store")
    children = [fork(partial(fill, store, order=order)) for order in range(2)]
    while any(os.waitpid(child, os.WNOHANG)[0] == 0 for child in children[:1]):
        store.gc(older_than_days=0)
    assert os.waitpid(children[1], 0)[1] == 0
    assert contents(store) == undisturbed


def mounted(folder: Path, options: str) -> bool:
    """Mount a small memory disk, for this child alone; False where that is not allowed."""
    folder.mkdir()
    private = ctypes.CDLL(None).unshare(0x00020000) == 0
    commands = (["mount", "--make-rprivate", "/"], ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)])
    return private and all(subprocess.run(command, check=False, capture_output=True).returncode == 0 for command in commands)


def skip_unless_mounted(told: str) -> str:
    if told == "not mounted":
        pytest.skip("mounting a small disk is not allowed here")
    return told


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"

    def work() -> str:
        if not mounted(disk, "size=1m"):
            return "not mounted"
        store = Store(disk)
        with store.begin(NAME, SPEC) as writer:
            writer.put("small", {"x": np.arange(10)})
            message = refusal(lambda: writer.put("large", {"x": np.zeros(300_000)}))
        assert not list(disk.rglob("*.tmp"))
        assert store.verify() == []
        with store.begin(NAME, SPEC) as writer:
            assert set(writer.finished) == {"small"}
            assert writer.commit({}).read("small", "x").tolist() == list(range(10))
        return message

    told = skip_unless_mounted(told_by_child(work))
    assert told.startswith(f"the store cannot write {disk}/objects/{NAME[:2]}/{NAME}/large.safetensors (2,400,0")
    assert "the disk is full" in told


def test_a_disk_with_no_byte_left_still_says_so(tmp_path: Path) -> None:
    disk = tmp_path / "disk"

    def work() -> str:
        if not mounted(disk, "size=1m"):
            return "not mounted"
        with suppress(OSError):
            (disk / "ballast").write_bytes(bytes(2**21))
        return refusal(lambda: Store(disk).begin(NAME, SPEC))

    assert "the disk is full" in skip_unless_mounted(told_by_child(work))


def test_a_read_only_disk_is_one_sentence_and_can_be_read(tmp_path: Path) -> None:
    disk = tmp_path / "disk"

    def work() -> str:
        if not mounted(disk, "size=4m"):
            return "not mounted"
        store = Store(disk)
        fill(store)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True, capture_output=True)
        assert store.open(NAME).read("sum", "x")[0, 0] == sum(range(SHARDS))
        assert store.verify() == []
        assert store.gc(dry_run=True).bytes == 0
        other = {"kind": "other"}
        return refusal(lambda: store.begin(fingerprint(other), other))

    told = skip_unless_mounted(told_by_child(work))
    assert told.startswith(f"the store cannot write {disk}/objects/")
    assert "the disk is read-only. Set ISOMORPH_STORE to a folder that can be written." in told


def test_a_folder_of_somebody_else_is_one_sentence(tmp_path: Path) -> None:
    def work() -> str:
        tmp_path.chmod(0o555)
        if os.getuid() == 0:
            os.setuid(65534)
        return refusal(lambda: Store(tmp_path / "store").begin(NAME, SPEC))

    told = told_by_child(work)
    tmp_path.chmod(0o755)
    assert "you lack permission. Ask the folder's owner, or set ISOMORPH_STORE to a folder of your own." in told


def test_a_limit_on_file_sizes_is_one_sentence_and_loses_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def work() -> str:
        with store.begin(NAME, SPEC) as writer:
            writer.put("small", {"x": np.arange(10)})
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
            return refusal(lambda: writer.put("large", {"x": np.zeros(20_000)}))

    assert "(160,0" in (told := told_by_child(work))
    assert "over the file-size limit" in told
    assert not list(tmp_path.rglob("*.tmp"))
    with store.begin(NAME, SPEC) as writer:
        assert set(writer.finished) == {"small"}
