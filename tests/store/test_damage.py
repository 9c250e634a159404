"""Damage is found, named, and mended by running again; foreign files are never trusted."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
import xxhash

from isomorph.errors import StoreError
from isomorph.spec import canonical_json, fingerprint
from isomorph.store import Store, StoredObject
from isomorph.store._atomic import temporary_file

SPEC = {"kind": "extraction"}
NAME = fingerprint(SPEC)


@pytest.fixture
def stored(tmp_path: Path) -> StoredObject:
    return fill(Store(tmp_path))


def fill(store: Store) -> StoredObject:
    with store.begin(NAME, SPEC) as writer:
        for shard in ("a", "b"):
            writer.put(shard, {"x": np.arange(100.0)})
        return writer.commit({})


def of(stored: StoredObject) -> Store:
    return Store(stored.folder.parents[2])


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 4
    path.write_bytes(content)


def sealed(path: Path, change: object) -> None:
    """Rewrite a sealed file as an attacker would: with a right seal."""
    plain = json.loads(path.read_bytes())
    plain.pop("seal")
    plain = change(plain)
    seal = f"xxh3_128:{xxhash.xxh3_128_hexdigest(canonical_json(plain))}"
    path.write_bytes(canonical_json({**plain, "seal": seal}))


@pytest.mark.parametrize("position", [3, 20, 200, -1])
def test_a_flipped_bit_in_a_shard_is_found_and_named(stored: StoredObject, position: int) -> None:
    path = stored.folder / "b.safetensors"
    assert stored.read("b", "x")[3] == 3
    flip(path, position)
    assert of(stored).open(NAME).read("a", "x")[3] == 3
    with pytest.raises(StoreError, match=r"b\.safetensors is damaged.*isomorph store gc"):
        of(stored).open(NAME).read("b", "x")
    assert [each.path for each in of(stored).verify(NAME)] == [path]


@pytest.mark.parametrize("name", ["manifest.json", "spec.json"])
def test_a_flipped_bit_in_any_json_file_is_found(stored: StoredObject, name: str) -> None:
    path = stored.folder / name
    for position in range(0, path.stat().st_size - 1, 7):
        flip(path, position)
        with pytest.raises(StoreError):
            of(stored).open(NAME)
        assert [each.path for each in of(stored).verify()] == [path]
        flip(path, position)
    assert of(stored).verify() == []


@pytest.mark.parametrize("keep", [0, 7, 60, 300, -1])
def test_a_truncated_shard_is_refused(stored: StoredObject, keep: int) -> None:
    path = stored.folder / "b.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StoreError, match=r"b\.safetensors has"):
        of(stored).open(NAME)
    with pytest.raises(StoreError, match="damaged"):
        stored.read("b", "x")


def left_by_a_dead_writer(folder: Path) -> Path:
    with temporary_file(folder / "a.safetensors", needed=5) as (file, temporary):
        file.write(b"12345")
    return temporary


def before_and_after(stored: StoredObject) -> tuple[dict[str, bytes], dict[str, bytes]]:
    whole = {path.name: path.read_bytes() for path in stored.folder.iterdir()}
    yield whole
    yield {path.name: path.read_bytes() for path in stored.folder.iterdir()}


@pytest.mark.parametrize("name", ["a.safetensors", "b.json", "manifest.json", "spec.json"])
@pytest.mark.parametrize("harm", ["flip", "remove", "empty"])
@pytest.mark.parametrize("collect", [False, True], ids=["run", "gc-run"])
def test_running_again_mends_any_damage(stored: StoredObject, name: str, harm: str, collect: bool) -> None:
    snapshots = before_and_after(stored)
    whole = next(snapshots)
    path = stored.folder / name
    flip(path, 40) if harm == "flip" else path.unlink() if harm == "remove" else path.write_bytes(b"")
    if collect:
        of(stored).gc()
    fill(of(stored))
    assert next(snapshots) == whole
    assert of(stored).verify() == []


def test_only_the_damaged_shard_is_computed_again(stored: StoredObject) -> None:
    flip(stored.folder / "a.safetensors", 200)
    freed = of(stored).gc()
    assert {path.name for path in freed.files} == {"a.safetensors", "a.json", "manifest.json"}
    assert NAME not in of(stored)
    with of(stored).begin(NAME, SPEC) as writer:
        assert set(writer.finished) == {"b"}


def test_gc_frees_old_unfinished_objects_and_dead_writers_files_only(stored: StoredObject) -> None:
    store = of(stored)
    temporary = left_by_a_dead_writer(stored.folder)
    spec = {"kind": "unfinished"}
    writer = store.begin(fingerprint(spec), spec)
    writer.put("x", {"x": np.ones(10)})
    old = time.time() - 8 * 86400
    for path in [writer.folder, *writer.folder.iterdir()]:
        os.utime(path, (old, old))
    assert store.gc(dry_run=True).objects == (), "a living writer holds it"
    writer.close()
    tried = store.gc(dry_run=True)
    assert store.gc(older_than_days=9).objects == ()
    temporary.write_bytes(b"12345")
    freed = store.gc()
    assert freed == tried
    assert freed.objects == (fingerprint(spec),)
    assert freed.files == (temporary,)
    assert not writer.folder.exists()
    assert NAME in store
    assert store.verify() == []
    assert store.gc().bytes == 0


def test_what_a_dead_writer_left_half_written_is_freed_when_work_goes_on(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.begin(NAME, SPEC) as writer:
        left = left_by_a_dead_writer(writer.folder)
    with store.begin(NAME, SPEC):
        assert not left.exists()
        left.write_bytes(b"of a living writer")
        with store.begin(NAME, SPEC):
            assert left.exists()


EVIL_RECEIPTS = {
    "escape": lambda shards: {"../../../x": shards["a"]},
    "other-name": lambda shards: {"a": {**shards["a"], "shard": "b"}},
    "no-table": lambda shards: {"a": 3},
    "extra-key": lambda shards: {"a": {**shards["a"], "path": "/etc/passwd"}},
    "negative": lambda shards: {"a": {**shards["a"], "bytes": -1}},
    "huge": lambda shards: {"a": {**shards["a"], "bytes": 10**30}},
    "boolean": lambda shards: {"a": {**shards["a"], "bytes": True}},
    "digest": lambda shards: {"a": {**shards["a"], "digest": "xxh3_128:zz"}},
    "dtype": lambda shards: {"a": {**shards["a"], "tensors": {"x": {"dtype": "object", "shape": [100]}}}},
    "unhashable-dtype": lambda shards: {"a": {**shards["a"], "tensors": {"x": {"dtype": [], "shape": [100]}}}},
    "shape": lambda shards: {"a": {**shards["a"], "tensors": {"x": {"dtype": "F64", "shape": [-100]}}}},
    "shape-text": lambda shards: {"a": {**shards["a"], "tensors": {"x": {"dtype": "F64", "shape": "100"}}}},
    "list": lambda shards: [],
}


@pytest.mark.parametrize("evil", EVIL_RECEIPTS)
def test_a_hostile_manifest_with_a_right_seal_is_refused(stored: StoredObject, evil: str) -> None:
    sealed(stored.folder / "manifest.json", lambda plain: {**plain, "shards": EVIL_RECEIPTS[evil](plain["shards"])})
    with pytest.raises(StoreError, match=r"manifest\.json"):
        of(stored).open(NAME)


@pytest.mark.parametrize("change", [{"format": 2}, {"fingerprint": "0" * 64}, {"meta": []}, {"shards": None}])
def test_a_manifest_of_another_kind_is_refused(stored: StoredObject, change: dict[str, object]) -> None:
    sealed(stored.folder / "manifest.json", lambda plain: {**plain, **change})
    with pytest.raises(StoreError, match=r"manifest\.json"):
        of(stored).open(NAME)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"nonsense", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000, b"\xff\xfe", b'{"seal": NaN}']
)
@pytest.mark.parametrize("name", ["manifest.json", "a.json", "spec.json"])
def test_bytes_that_are_no_json_never_give_more_than_a_store_error(stored: StoredObject, name: str, content: bytes) -> None:
    (stored.folder / name).write_bytes(content)
    if name != "a.json":
        with pytest.raises(StoreError):
            of(stored).open(NAME)
    assert all(each.complete for each in of(stored).entries())
    fill(of(stored))
    assert of(stored).verify() == []


HEADERS = {
    "huge": (2**60).to_bytes(8, "little") + b"{}",
    "longer-than-file": (900).to_bytes(8, "little") + b"{}",
    "no-json": (8).to_bytes(8, "little") + b"[[[[[[[[" + bytes(800),
    "list": (8).to_bytes(8, "little") + b"[]      " + bytes(800),
    "deep": (70_000).to_bytes(8, "little") + b"[" * 70_000 + bytes(800),
}
SPANS = {
    "outside": [0, 10**6],
    "before": [-800, 0],
    "text": ["0", "800"],
    "gap": [8, 808],
    "float": [0.0, 800.0],
    "reversed": [800, 0],
    "one": [0],
}


def forge(stored: StoredObject, content: bytes) -> None:
    """Give shard `a` any bytes, and a receipt and a manifest that vouch for them."""
    (stored.folder / "a.safetensors").write_bytes(content)
    facts = {"bytes": len(content), "digest": f"xxh3_128:{xxhash.xxh3_128_hexdigest(content)}"}
    sealed(stored.folder / "a.json", lambda plain: {**plain, **facts})
    sealed(stored.folder / "manifest.json", lambda plain: {**plain, "shards": {**plain["shards"], "a": {**plain["shards"]["a"], **facts}}})


@pytest.mark.parametrize("header", HEADERS)
def test_a_hostile_header_with_a_right_digest_is_refused(stored: StoredObject, header: str) -> None:
    forge(stored, HEADERS[header])
    with pytest.raises(StoreError, match=r"a\.safetensors is damaged: its header"):
        of(stored).open(NAME).read("a", "x")
    assert len(of(stored).verify()) == 1


@pytest.mark.parametrize("span", SPANS)
def test_a_header_that_misplaces_a_tensor_is_refused(stored: StoredObject, span: str) -> None:
    text = canonical_json({"x": {"dtype": "F64", "shape": [100], "data_offsets": SPANS[span]}})
    text += b" " * (-len(text) % 8)
    forge(stored, len(text).to_bytes(8, "little") + text + bytes(808 if span == "gap" else 800))
    with pytest.raises(StoreError, match=r"a\.safetensors is damaged: its header"):
        of(stored).open(NAME).read("a", "x")


def test_a_header_that_disagrees_with_its_receipt_is_refused(stored: StoredObject) -> None:
    text = canonical_json({"x": {"dtype": "F32", "shape": [200], "data_offsets": [0, 800]}})
    text += b" " * (-len(text) % 8)
    forge(stored, len(text).to_bytes(8, "little") + text + bytes(800))
    with pytest.raises(StoreError, match="not those of its receipt"):
        of(stored).open(NAME).read("a", "x")


def test_links_and_pipes_are_not_the_stores_files(stored: StoredObject, tmp_path: Path) -> None:
    shard, manifest = stored.folder / "a.safetensors", stored.folder / "manifest.json"
    elsewhere = tmp_path / "elsewhere"
    shard.rename(elsewhere)
    shard.symlink_to(elsewhere)
    with pytest.raises(StoreError, match=r"a\.safetensors"):
        of(stored).open(NAME)
    manifest.unlink()
    os.mkfifo(manifest)
    assert NAME not in of(stored)
    assert [each.path.name for each in of(stored).verify()] == ["manifest.json", "a.safetensors"]
