"""Many units asked of a store and its journal at once: the same as one after the other."""

from __future__ import annotations

import json
import os
import secrets

import numpy as np
import pytest

from isomorph.engine import ErrorRecord, Journal
from isomorph.spec import fingerprint
from isomorph.store import Store, open_store
from isomorph.store._listed import which

NAMES = [fingerprint({"kind": "demo", "seed": seed}) for seed in range(12)]


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path) -> Store:
    if request.param == "folder":
        return Store(tmp_path / "store")
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    return open_store(f"memory://{secrets.token_hex(4)}/store", cache=tmp_path / "cache")


def commit(store: Store, name: str, *, wholly: bool = True) -> None:
    with store.begin(name, {"kind": "demo", "seed": NAMES.index(name)}) as writer:
        writer.put("rows", {"x": np.arange(3.0)})
        if wholly:
            writer.commit({})


def test_finished_says_of_many_what_in_says_of_each(store):
    assert store.finished(NAMES) == set()
    for name in NAMES[:4]:
        commit(store, name)
    commit(store, NAMES[5], wholly=False)
    there = open_store(store.place, cache=store.path / "another machine's")
    assert there.finished(iter([*NAMES, NAMES[0]])) == {name for name in NAMES if name in store} == set(NAMES[:4])
    commit(store, NAMES[5])
    assert there.finished(NAMES[5:]) == {NAMES[5]}
    assert there.finished([]) == set()


def test_the_journal_says_of_many_units_what_it_says_of_each(store, tmp_path):
    journal, notes = Journal(store), store.notes("units")
    assert journal.many(NAMES) == {}
    for name in NAMES[:3]:
        journal.failed(name, ErrorRecord(type="OSError", message=f"stale {name[:4]}"))
    gone = {"host": "node7", "boot": "b", "pid": 71, "started": "2"}
    for name in NAMES[2:5]:
        notes.write(f"{name[:2]}/{name}.abc.attempt.json", json.dumps(gone).encode())
        if isinstance(store, Store) and (path := store.path / "units" / name[:2] / f"{name}.abc.attempt.json").exists():
            os.utime(path, (0, 0))
    with journal.attempt(NAMES[6]):
        many = Journal(store).many(NAMES[1:])
        assert many == {name: said for name in NAMES[1:] if (said := journal.notes(name)) != journal.notes(NAMES[11])}
        assert sorted(many) == sorted([*NAMES[1:5], NAMES[6]])
        assert many[NAMES[6]].running


@pytest.mark.parametrize("length", [1, 2, 3, 1000])
def test_names_are_found_by_pages_of_any_length_with_few_requests(length):
    rng = np.random.default_rng(length)
    for _ in range(50):
        files = sorted({f"objects/{number:03}/{name}" for number in rng.integers(0, 300, 40) for name in ("a.json", "manifest.json")})
        asked = {f"objects/{number:03}/manifest.json" for number in rng.integers(0, 300, 20)}
        requests = []

        def page(after: str, files: list[str] = files, requests: list[str] = requests) -> tuple[list[str], bool]:
            requests.append(after)
            rest = [name for name in files if name > after]
            return rest[:length], len(rest) > length

        assert which(asked, page) == asked & set(files)
        assert len(requests) <= min(len(asked), -(-len(files) // length))
