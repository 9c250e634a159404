"""The store's and the engine's sentences, word for word."""

import errno
import re
from pathlib import Path

import numpy as np
import pytest

from isomorph.engine import parse_bytes, run_plan
from isomorph.errors import InputError, StoreError
from isomorph.spec import fingerprint
from isomorph.store import Store
from isomorph.store._atomic import read_error, write_error

SPEC = {"kind": "extraction"}
NAME = fingerprint(SPEC)
WAY_OUT = "Run `isomorph store verify` to list all damage and `isomorph store gc` to free it; the next run computes it again."


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    with store.begin(NAME, SPEC) as writer:
        writer.put("a", {"x": np.zeros((2, 3), np.float32)})
        writer.commit({})
    return store


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            errno.ENOSPC,
            "the disk is full. Free some space or set ISOMORPH_STORE to a folder on a larger disk, then run again: "
            "what is finished is kept.",
        ),
        (
            errno.EDQUOT,
            "your disk quota is used up. Free some space or set ISOMORPH_STORE to a folder outside the quota, then run again: "
            "what is finished is kept.",
        ),
        (
            errno.EFBIG,
            "that is over the file-size limit. Raise it (`ulimit -f`) or set ISOMORPH_STORE to a folder on another disk; "
            "what is finished is kept.",
        ),
        (errno.EROFS, "the disk is read-only. Set ISOMORPH_STORE to a folder that can be written."),
        (errno.EACCES, "you lack permission. Ask the folder's owner, or set ISOMORPH_STORE to a folder of your own."),
        (errno.EIO, "Input/output error. Check the disk, or set ISOMORPH_STORE to a folder elsewhere; what is finished is kept."),
    ],
)
def test_a_write_that_fails(code: int, text: str) -> None:
    error = write_error(OSError(code, "Input/output error"), Path("/no/such/shard"), 12345)
    assert str(error) == f"the store cannot write /no/such/shard (12,345 bytes): {text}"


def test_an_object_that_is_not_there(store: Store) -> None:
    other = fingerprint({})
    with pytest.raises(StoreError) as caught:
        store.open(other)
    text = f"the object {other[:12]} is not in the store {store.path}. Run what makes it; `isomorph store ls` lists the rest."
    assert str(caught.value) == text
    store.begin(other, {}).close()
    with pytest.raises(StoreError) as caught:
        store.open(other)
    assert str(caught.value) == text.replace("is not in", "has only begun in")


def test_a_shard_that_is_too_short(store: Store) -> None:
    path = store.open(NAME).folder / "a.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    with pytest.raises(StoreError) as caught:
        store.open(NAME)
    assert str(caught.value) == f"{path} has 50 bytes and should have {len(whole)}. {WAY_OUT}"


def test_a_shard_with_a_flipped_bit(store: Store) -> None:
    path = store.open(NAME).folder / "a.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    with pytest.raises(StoreError) as caught:
        store.open(NAME).read("a", "x")
    digest = "xxh3_128:[0-9a-f]{32}"
    assert re.fullmatch(
        f"{re.escape(str(path))} is damaged: its digest is {digest} and should be {digest}. {re.escape(WAY_OUT)}", str(caught.value)
    )


def test_a_shard_and_a_tensor_that_are_not_there(store: Store) -> None:
    stored = store.open(NAME)
    with pytest.raises(StoreError) as caught:
        stored.read("b", "x")
    assert str(caught.value) == f"the object {NAME[:12]} has no shard 'b'; it has 1: a."
    with pytest.raises(StoreError) as caught:
        stored.read("a", "y")
    assert str(caught.value) == f"{stored.folder / 'a.safetensors'} has no tensor 'y'; it has x."


def test_other_work_under_the_same_name(store: Store) -> None:
    folder = store.open(NAME).folder
    with pytest.raises(StoreError) as caught:
        store.begin(NAME, {"kind": "other"})
    assert str(caught.value) == (
        f"{folder / 'spec.json'} was made from another spec: 'kind' differ under one fingerprint. "
        "Give different work a different fingerprint."
    )
    with store.begin(NAME, SPEC) as writer, pytest.raises(StoreError) as caught:
        writer.put("a", {"x": np.zeros((2, 4), np.float32)})
    assert str(caught.value) == (
        f"{folder / 'a.safetensors'} is finished and holds x F32[2, 3]; it cannot be written again with x F32[2, 4]. "
        "Give different work a different fingerprint."
    )


def test_names_and_types_that_cannot_be_stored(store: Store) -> None:
    spec = {"kind": "new"}
    with store.begin(fingerprint(spec), spec) as writer:
        with pytest.raises(InputError) as caught:
            writer.put("a/b", {"x": np.zeros(1)})
        assert str(caught.value) == (
            "'a/b' cannot name a shard: use 1 to 120 letters, digits, '_', '-' and '.', not beginning with '.' or '-', "
            "and neither 'spec' nor 'manifest'."
        )
        with pytest.raises(InputError) as caught:
            writer.put("a", {"x": np.zeros(1, complex)})
        assert str(caught.value) == (
            "shard 'a': the tensor 'x' has the type complex128; the store holds F64, F32, F16, BOOL, I64, I32, I16, I8, U64, U32, U16, U8."
        )
        with pytest.raises(InputError) as caught:
            writer.commit({}, keep=["gram"])
        assert str(caught.value) == "commit cannot keep 1 shards that are not finished; the first is 'gram'."
    with pytest.raises(InputError) as caught:
        store.open("abc")
    assert str(caught.value) == "a fingerprint is 64 hexadecimal digits (see isomorph.spec.fingerprint); got 'abc'."


def test_an_amount_of_memory() -> None:
    with pytest.raises(InputError) as caught:
        parse_bytes("2 gigs")
    assert str(caught.value) == "memory_limit must be an amount of memory such as '2GB', '512MiB' or a number of bytes; got '2 gigs'."


def test_a_unit_that_commits_nothing(store: Store) -> None:
    class Idle:
        fingerprint = fingerprint({"kind": "idle"})
        label = "idle unit"

        def run(self, store: Store) -> None:
            pass

    with pytest.raises(StoreError) as caught:
        run_plan([Idle()], store=store)
    assert str(caught.value) == f"idle unit: it ended without committing {Idle.fingerprint[:12]}. Its `run` must end with `Writer.commit`."


def test_a_read_that_fails_says_nothing_of_damage() -> None:
    error = read_error(OSError(errno.EIO, "Input/output error"), Path("/no/such/shard"))
    assert str(error) == "/no/such/shard cannot be read: Input/output error. Check the disk or the network, then run again."
