"""The store as its users see it: what is put is what is read, objects never change, and a repeated put costs nothing."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from isomorph.errors import InputError, StoreError
from isomorph.spec import fingerprint
from isomorph.store import Store

SPEC = {"kind": "extraction", "model": "pixels", "seed": 0}
NAME = fingerprint(SPEC)
TYPES = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def make(store: Store, *, rows: int = 4) -> None:
    with store.begin(NAME, SPEC) as writer:
        for shard in range(rows):
            writer.put(f"rows-{shard}", {"a": np.full((3, 2), shard, np.float32), "b": np.arange(shard + 1)})
        writer.commit({"rows": rows})


@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_comes_back_as_it_went_in(store: Store, dtype: str) -> None:
    values = np.random.default_rng(0).integers(0, 2**7, size=(5, 3, 2)).astype(dtype)
    tensors = {
        "c": values,
        "fortran": np.asfortranarray(values),
        "strided": values[::-2, :, 1],
        "scalar": values[0, 0, 0],
        "none": values[:0],
    }
    tensors = {key: np.asarray(each) for key, each in tensors.items()}
    with store.begin(NAME, SPEC) as writer:
        writer.put("s", tensors)
        stored = writer.commit({})
    for key, each in tensors.items():
        read = stored.read("s", key)
        assert read.dtype == each.dtype
        np.testing.assert_array_equal(read, each, strict=True)


def test_a_strided_array_larger_than_a_block_is_written_whole(store: Store) -> None:
    values = np.random.default_rng(0).normal(size=(3000, 2000)).astype(np.float32)[::2, ::2]
    big_endian = np.arange(7, dtype=">f8")
    with store.begin(NAME, SPEC) as writer:
        writer.put("s", {"x": values, "transposed": values.T, "big": big_endian})
        stored = writer.commit({})
    np.testing.assert_array_equal(stored.read("s", "x"), values)
    np.testing.assert_array_equal(stored.read("s", "transposed"), values.T)
    np.testing.assert_array_equal(stored.read("s", "big"), big_endian)


def test_shards_are_plain_safetensors_files_with_aligned_tensors(store: Store) -> None:
    with store.begin(NAME, SPEC) as writer:
        writer.put("s", {"a": np.ones(3, np.uint8), "z": np.ones(2), "é": np.ones(5, np.float32)})
        stored = writer.commit({})
    read = load_file(stored.folder / "s.safetensors")
    assert {key: each.tolist() for key, each in read.items()} == {"a": [1] * 3, "z": [1.0] * 2, "é": [1.0] * 5}
    assert all(stored.read("s", key).flags.aligned for key in stored.keys("s"))


def test_reading_maps_the_file_and_cannot_change_it(store: Store) -> None:
    make(store)
    values = store.open(NAME).read("rows-1", "a")
    base: object = values
    while isinstance(base, np.ndarray):
        base = base.base
    assert type(base.obj if isinstance(base, memoryview) else base).__name__ == "mmap"
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 1


def test_an_object_says_what_it_is_made_of(store: Store) -> None:
    assert NAME not in store
    make(store)
    stored = store.open(NAME)
    assert NAME in store
    assert (stored.fingerprint, stored.spec, stored.meta) == (NAME, SPEC, {"rows": 4})
    assert stored.shards == ("rows-0", "rows-1", "rows-2", "rows-3")
    assert stored.keys("rows-2") == ("a", "b")


def test_equal_work_gives_equal_bytes_whatever_the_order_and_place(tmp_path: Path) -> None:
    one, two = Store(tmp_path / "one"), Store(tmp_path / "elsewhere" / "two")
    make(one)
    with two.begin(NAME, dict(reversed(SPEC.items()))) as writer:
        for shard in (2, 0, 3, 1):
            writer.put(f"rows-{shard}", {"b": np.arange(shard + 1), "a": np.full((3, 2), shard, np.float32)})
        writer.commit({"rows": 4})
    assert contents(one.path) == contents(two.path)
    assert str(tmp_path).encode() not in b"".join(contents(one.path).values())


def test_a_repeated_put_and_commit_change_nothing(store: Store) -> None:
    make(store)
    before = {path: path.stat().st_mtime_ns for path in store.path.rglob("*") if path.is_file()}
    with store.begin(NAME, SPEC) as writer:
        assert sorted(writer.finished) == [f"rows-{shard}" for shard in range(4)]
    make(store)
    assert {path: path.stat().st_mtime_ns for path in store.path.rglob("*") if path.is_file()} == before


def test_a_commit_keeps_what_it_is_told_to_and_removes_the_rest(store: Store) -> None:
    with store.begin(NAME, SPEC) as writer:
        for shard in ("spill-0", "spill-1", "gram"):
            writer.put(shard, {"x": np.ones(3)})
        assert writer.read("spill-0", "x").tolist() == [1, 1, 1]
        stored = writer.commit({}, keep=["gram"])
    assert stored.shards == ("gram",)
    assert sorted(path.name for path in stored.folder.iterdir()) == ["gram.json", "gram.safetensors", "manifest.json", "spec.json"]


def test_a_commit_leaves_the_spilled_rows_to_another_writer_that_still_reads_them(store: Store) -> None:
    first, second = store.begin(NAME, SPEC), store.begin(NAME, SPEC)
    first.put("spill", {"x": np.ones(3)})
    second.put("spill", {"x": np.ones(3)})
    for writer in (first, second):
        writer.put("gram", {"x": np.ones((3, 3))})
    first.commit({"by": "first"}, keep=["gram"])
    assert second.read("spill", "x").tolist() == [1, 1, 1]
    stored = second.commit({"by": "second"}, keep=["gram"])
    assert stored.meta == {"by": "first"}
    assert not (stored.folder / "spill.safetensors").exists()


def test_results_that_differ_in_rounding_are_one_result_the_first(store: Store) -> None:
    first, second = store.begin(NAME, SPEC), store.begin(NAME, SPEC)
    kept = first.put("x", {"x": np.array([1.0])})
    assert second.put("x", {"x": np.array([1.0 + 1e-15])}) == kept
    assert first.commit({}).read("x", "x") == second.commit({}).read("x", "x") == 1.0


def test_work_goes_on_where_an_earlier_writer_stopped(store: Store) -> None:
    with store.begin(NAME, SPEC) as writer:
        receipt = writer.put("rows-0", {"a": np.zeros((3, 2), np.float32), "b": np.arange(1)})
    with store.begin(NAME, SPEC) as writer:
        assert dict(writer.finished) == {"rows-0": receipt}
        assert writer.read("rows-0", "a").shape == (3, 2)
        with pytest.raises(StoreError):
            writer.read("rows-1", "a")


def test_a_writer_that_cares_for_some_shards_looks_at_no_other(store: Store) -> None:
    spec = {"kind": "shared"}
    name = fingerprint(spec)
    with store.begin(name, spec) as writer:
        writer.put("mine", {"x": np.arange(3)})
        writer.put("theirs", {"x": np.arange(3)})
    (writer.folder / "theirs.safetensors").write_bytes(b"flipped")
    with store.begin(name, spec, only={"mine", "next"}) as writer:
        assert list(writer.finished) == ["mine"]
        assert (writer.folder / "theirs.safetensors").exists()
    with store.begin(name, spec) as writer:
        assert list(writer.finished) == ["mine"]
        assert not (writer.folder / "theirs.safetensors").exists()


def test_the_path_comes_from_the_argument_then_the_environment_then_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOMORPH_STORE", str(tmp_path / "env"))
    assert Store(tmp_path / "given").path == tmp_path / "given"
    assert Store().path == tmp_path / "env"
    monkeypatch.delenv("ISOMORPH_STORE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Store().path == tmp_path / ".cache" / "isomorph" / "store"
    assert not (tmp_path / ".cache").exists()


@pytest.mark.parametrize("name", ["", "abc", NAME.upper(), "../" + NAME[3:], NAME + "\n", "g" * 64])
def test_only_fingerprints_name_objects(store: Store, name: str) -> None:
    for act in (store.open, store.verify, lambda each: store.begin(each, {}), lambda each: each in store):
        with pytest.raises(InputError):
            act(name)


@pytest.mark.parametrize("shard", ["", ".x", "-x", "a/b", "../x", "a\\b", "spec", "Manifest", "x" * 121, "x\n", "é", 3])
def test_shard_names_cannot_leave_the_folder_or_meet_the_stores_own_files(store: Store, shard: str) -> None:
    with store.begin(NAME, SPEC) as writer, pytest.raises(InputError):
        writer.put(shard, {"x": np.ones(1)})
    assert [path.name for path in (store.path / "objects" / NAME[:2] / NAME).iterdir()] == ["spec.json"]


@pytest.mark.parametrize(
    "tensors", [{}, {"": np.ones(1)}, {"__metadata__": np.ones(1)}, {"x": np.array(["a"])}, {"x": np.ones(1, complex)}]
)
def test_what_a_shard_cannot_hold_is_refused_before_anything_is_written(store: Store, tensors: dict[str, np.ndarray]) -> None:
    with store.begin(NAME, SPEC) as writer, pytest.raises(InputError):
        writer.put("x", tensors)


def test_entries_list_finished_and_unfinished_objects(store: Store) -> None:
    assert list(store.entries()) == []
    make(store)
    other = {"kind": "evil\x1b[2J", "summary": "two\nlines"}
    with store.begin(fingerprint(other), other) as writer:
        writer.put("x", {"x": np.ones(1)})
    entries = {entry.fingerprint: entry for entry in store.entries()}
    done, begun = entries[NAME], entries[fingerprint(other)]
    assert (done.kind, done.summary, done.complete, done.shards) == ("extraction", "model=pixels, seed=0", True, 4)
    assert done.bytes == sum(path.stat().st_size for path in store.open(NAME).folder.iterdir())
    assert (begun.kind, begun.summary, begun.complete, begun.shards) == ("evil?[2J", "two?lines", False, 1)


def test_receipts_and_manifest_are_readable_json(store: Store) -> None:
    make(store, rows=1)
    folder = store.open(NAME).folder
    receipt = json.loads((folder / "rows-0.json").read_bytes())
    assert receipt["bytes"] == (folder / "rows-0.safetensors").stat().st_size
    assert receipt["tensors"] == {"a": {"dtype": "F32", "shape": [3, 2]}, "b": {"dtype": "I64", "shape": [1]}}
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert manifest["shards"]["rows-0"]["digest"] == receipt["digest"]
