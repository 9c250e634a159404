"""What `gc` leaves alone: work of other machines, of which no lock tells, and fresh work however the clock jumps."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from isomorph.engine import Journal, outcomes
from isomorph.engine._process import ProcessName
from isomorph.spec import fingerprint
from isomorph.store import Store
from isomorph.store._notes import FolderNotes

SPEC = {"kind": "extraction"}
NAME = fingerprint(SPEC)
HOUR, DAY = 3600, 86400
OF_ANOTHER_MACHINE = ".b.safetensors.00000000-0123456789ab.tmp"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One object between two puts of a writer whose lock means nothing here, as on another machine."""
    store = Store(tmp_path / "store")
    writer = store.begin(NAME, SPEC)
    writer.put("a", {"x": np.arange(10.0)})
    (writer.folder / OF_ANOTHER_MACHINE).write_bytes(b"half of b")
    writer.close()
    return store


def folder_of(store: Store) -> Path:
    return store.path / "objects" / NAME[:2] / NAME


def age(path: Path, seconds: float) -> None:
    """As if it had been written so long ago."""
    then = time.time() - seconds
    for each in [*path.iterdir(), path] if path.is_dir() else [path]:
        os.utime(each, (then, then))


def note_of_another_machine(store: Store) -> Path:
    path = store.path / "units" / NAME[:2] / f"{NAME}.0123456789ab.attempt.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(asdict(replace(ProcessName.here(), host="far", boot="another/1"))))
    return path


def names(store: Store) -> set[str]:
    return {path.name for path in folder_of(store).iterdir()}


@pytest.mark.parametrize("days", [0, 7])
def test_what_another_machine_has_just_written_stays(store: Store, days: float) -> None:
    there = names(store)
    assert store.gc(older_than_days=days).bytes == 0
    assert names(store) == there


def test_what_a_dead_machine_left_is_freed_when_it_is_old(store: Store) -> None:
    age(folder_of(store), 2 * HOUR)
    assert [path.name for path in store.gc().files] == [OF_ANOTHER_MACHINE]
    age(folder_of(store), 8 * DAY)
    assert store.gc(older_than_days=9).objects == ()
    age(folder_of(store), 8 * DAY)
    assert store.gc().objects == (NAME,)
    assert not folder_of(store).exists()


def test_a_unit_that_computes_for_days_between_two_puts_stays_as_long_as_its_note_is_renewed(store: Store) -> None:
    note = note_of_another_machine(store)
    age(folder_of(store), 8 * DAY)
    there = names(store)
    assert store.gc() == store.gc(dry_run=True)
    assert names(store) == there
    age(note, 6 * 60)
    assert store.gc().objects == (NAME,)


def test_a_writer_that_begins_again_makes_an_old_object_young(store: Store) -> None:
    age(folder_of(store), 8 * DAY)
    store.begin(NAME, SPEC).close()
    assert store.gc().objects == ()
    with store.begin(NAME, SPEC) as writer:
        assert set(writer.finished) == {"a"}


@pytest.mark.parametrize("jump", [-400 * DAY, 400 * DAY])
def test_a_clock_that_jumps_makes_nothing_old_or_young(store: Store, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    note = note_of_another_machine(store)
    now = time.time
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now() + jump)
        assert len(Journal(store).notes(NAME).running) == 1
        assert store.gc().bytes == 0
        note.unlink()
        assert store.gc().bytes == 0
    age(folder_of(store), 8 * DAY)
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now() + jump)
        assert store.gc().objects == (NAME,)


class Jammed(FolderNotes):
    """Notes in a folder from which nothing can be removed for now."""

    def delete(self, name: str) -> None:
        raise OSError("jammed")


class StoreOfJammedNotes(Store):
    def notes(self, folder: str) -> FolderNotes:
        return Jammed(self.path / folder)


class Fails:
    """A unit that ends without its object."""

    fingerprint, label = NAME, "fails"

    def run(self, store: Store) -> None:
        raise ValueError


def test_a_process_whose_note_cannot_be_removed_does_not_wait_for_itself(tmp_path: Path) -> None:
    store = StoreOfJammedNotes(tmp_path)
    for _ in range(4):
        assert [each.state for each in outcomes([Fails()], store=store, on_error="continue")] == ["failed"]
    assert len(list((tmp_path / "units").glob("*/*.attempt.json"))) == 4
    assert Journal(store).notes(NAME).died == ()
