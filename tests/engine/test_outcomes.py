"""Outcomes: failures told apart, retries, quarantine, units that other processes hold, and stores that stay equal."""

import errno
import gc
import json
import os
import signal
import subprocess
import sys
import time
import weakref
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from isomorph.engine import Journal, LazyUnit, Part, StopRequested, StopSignals, outcomes, passes
from isomorph.errors import DigestError, FetchError, InputError, StoreError
from isomorph.spec import fingerprint
from isomorph.store import Store

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are looked up in /proc")


@dataclass(frozen=True, kw_only=True)
class Square:
    """Commits its number's square; fails, sleeps or kills its process if asked to."""

    number: int
    errors: list[Exception] = field(default_factory=list)
    kill: bool = False
    seconds: float = 0.0

    @property
    def spec(self) -> dict[str, object]:
        return {"kind": "square", "number": self.number}

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.spec)

    @property
    def label(self) -> str:
        return f"square {self.number}"

    def run(self, store: Store) -> None:
        if self.errors:
            raise self.errors.pop(0)
        if self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.seconds)
        with store.begin(self.fingerprint, self.spec) as writer:
            writer.put("x", {"x": np.array(self.number**2)})
            writer.commit({})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def states(units, store, **how):
    return {outcome.label: outcome.state for outcome in outcomes(units, store=store, pause_seconds=0.01, **how)}


def objects(store: Store) -> dict[str, bytes]:
    root = store.path / "objects"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def in_child(units, store, **how) -> int:
    """Run units in a forked process; its exit status as `subprocess` tells it."""
    child = os.fork()
    if child == 0:
        try:
            list(outcomes(units, store=store, **how))
            os._exit(0)
        finally:
            os._exit(3)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_the_rest_goes_on_after_a_failure_whose_record_stays_until_it_succeeds(store: Store) -> None:
    bad = Square(number=2, errors=[InputError("x has no rows.")])
    units = [Square(number=1), bad, Square(number=3)]
    first = list(outcomes(units, store=store, on_error="continue"))
    assert [each.state for each in first] == ["done", "failed", "done"]
    assert first[1].error is not None
    assert (first[1].error.type, first[1].error.message, first[1].error.attempts) == ("InputError", "square 2: x has no rows.", 1)
    assert (first[1].error.pid, "raise self.errors.pop(0)" in first[1].error.traceback) == (os.getpid(), True)
    assert Journal(store).notes(bad.fingerprint).error == first[1].error
    assert states(units, store) == {"square 1": "skipped", "square 2": "done", "square 3": "skipped"}
    assert Journal(store).notes(bad.fingerprint).error is None
    assert not list((store.path / "units").glob("??/*"))
    assert set(Journal(store).times()) == {unit.fingerprint for unit in units}


def test_outcomes_that_are_kept_hold_no_unit(store: Store) -> None:
    unit = Square(number=1, errors=[InputError("no"), InputError("no")])
    alive = weakref.ref(unit)
    kept = list(outcomes([unit], store=store, on_error="continue"))
    del unit
    gc.collect()
    assert (kept[0].state, alive()) == ("failed", None)


def test_after_a_failure_nothing_more_is_begun_if_so_asked(store: Store) -> None:
    assert states([Square(number=1, errors=[InputError("no")]), Square(number=2)], store) == {"square 1": "failed"}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.EIO, "input/output error"), True),
        (OSError(errno.ESTALE, "stale file handle"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (FetchError("no network"), True),
        (OSError(errno.ENOSPC, "full"), False),
        (PermissionError(errno.EACCES, "no"), False),
        (InputError("no"), False),
        (DigestError("no"), False),
        (StoreError("no"), False),
        (MemoryError(), False),
    ],
)
def test_which_errors_pass(error: Exception, expected: bool, store: Store) -> None:
    assert passes(error) is expected
    assert states([Square(number=1, errors=[error])], store, on_error="continue") == {"square 1": "done" if expected else "failed"}


def test_our_error_passes_if_its_cause_does(store: Store) -> None:
    error = StoreError("the store cannot write x")
    error.__cause__ = OSError(errno.EIO, "input/output error")
    assert passes(error)
    error.__cause__ = OSError(errno.ENOSPC, "full")
    assert not passes(error)


def test_retries_end(store: Store) -> None:
    unit = Square(number=1, errors=[ConnectionResetError("peer") for _ in range(5)])
    (outcome,) = outcomes([unit], store=store, on_error="continue", retries=2, pause_seconds=0.01)
    assert (outcome.state, len(unit.errors)) == ("failed", 2)
    assert outcome.error is not None
    assert outcome.error.attempts == 3
    assert outcome.seconds >= 0.03


@linux
def test_a_unit_that_kills_its_process_three_times_is_set_apart(store: Store) -> None:
    units = [Square(number=1), Square(number=2, kill=True), Square(number=3)]
    for deaths in range(3):
        assert len(Journal(store).notes(units[1].fingerprint).died) == deaths
        assert in_child(units, store, on_error="continue") == -signal.SIGKILL
    ended = list(outcomes(units, store=store, on_error="continue"))
    assert [each.state for each in ended] == ["skipped", "quarantined", "done"]
    assert ended[1].error is not None
    assert "3 processes were killed" in ended[1].error.message
    well = [Square(number=number) for number in (1, 2, 3)]
    assert states(well, store, on_error="continue", quarantine_after=None)["square 2"] == "done"
    assert Journal(store).notes(units[1].fingerprint).died == ()


@linux
def test_one_who_stops_at_failures_is_never_refused_a_unit(store: Store) -> None:
    for _ in range(3):
        assert in_child([Square(number=2, kill=True)], store) == -signal.SIGKILL
    assert states([Square(number=2)], store) == {"square 2": "done"}


@linux
@pytest.mark.parametrize("on_error", ["stop", "continue"])
def test_a_unit_that_another_process_holds_is_waited_for_and_done_once(store: Store, on_error: str) -> None:
    slow = Square(number=1, seconds=0.6)
    child = os.fork()
    if child == 0:
        list(outcomes([slow], store=store))
        os._exit(0)
    while not Journal(store).notes(slow.fingerprint).running:
        time.sleep(0.01)
    ended = [each.label for each in outcomes([slow, Square(number=2)], store=store, on_error=on_error)]
    assert ended == (["square 1", "square 2"] if on_error == "stop" else ["square 2", "square 1"])
    os.waitpid(child, 0)
    lines = [json.loads(line) for path in (store.path / "units" / "times").iterdir() for line in path.read_text().splitlines()]
    assert sorted(each["fingerprint"] for each in lines) == sorted([slow.fingerprint, Square(number=2).fingerprint])


@linux
def test_if_the_holder_dies_its_unit_is_done_here(store: Store) -> None:
    slow = Square(number=1, seconds=60)
    child = os.fork()
    if child == 0:
        list(outcomes([slow], store=store))
        os._exit(0)
    while not Journal(store).notes(slow.fingerprint).running:
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    assert states([Square(number=1)], store) == {"square 1": "done"}
    os.waitpid(child, 0)


def test_a_process_of_another_machine_counts_while_its_file_is_fresh(store: Store) -> None:
    unit = Square(number=1)
    folder = store.path / "units" / unit.fingerprint[:2]
    folder.mkdir(parents=True)
    note = folder / f"{unit.fingerprint}.abc.attempt.json"
    note.write_text(json.dumps({"host": "node7", "boot": "b", "pid": 1, "started": "2"}))
    assert [each.host for each in Journal(store).notes(unit.fingerprint).running] == ["node7"]
    os.utime(note, (time.time() - 400,) * 2)
    notes = Journal(store).notes(unit.fingerprint)
    assert (len(notes.running), len(notes.died)) == (0, 1)
    note.write_text("[" * 10)
    assert Journal(store).notes(unit.fingerprint).died == ()


@linux
def test_two_parts_at_once_make_the_store_of_one_process(tmp_path: Path) -> None:
    alone, shared = Store(tmp_path / "alone"), Store(tmp_path / "shared")
    units = [Square(number=number, seconds=0.01) for number in range(24)]
    list(outcomes(units, store=alone))
    children = []
    for number in (1, 2):
        child = os.fork()
        if child == 0:
            list(outcomes(Part(number, 2).of(units), store=shared, on_error="continue"))
            os._exit(0)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    assert objects(shared) == objects(alone)
    assert len(objects(alone)) == 24 * 4


@linux
def test_all_of_it_by_several_processes_at_once_is_done_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    units = [Square(number=number, seconds=0.01) for number in range(12)]
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            ran = [each for each in outcomes(units, store=store, on_error="continue") if each.state == "done"]
            os._exit(len(ran))
        children.append(child)
    assert sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children) == 12
    assert len(Journal(store).times()) == 12
    assert not list((store.path / "units").glob("??/*"))


def test_parts_share_the_units_out() -> None:
    items = list(range(11))
    shares = [Part(number, 4).of(items) for number in (1, 2, 3, 4)]
    assert sorted(each for share in shares for each in share) == items
    assert max(map(len, shares)) - min(map(len, shares)) == 1
    assert Part(3, 5).of([1, 2]) == []


def test_a_unit_that_cannot_even_be_made_is_a_failure_of_its_own(store: Store) -> None:
    def make() -> Square:
        raise InputError("no weights")

    units = [LazyUnit(label="net on set", make=make), LazyUnit(label="square 1", make=lambda: Square(number=1))]
    assert states(units, store, on_error="continue") == {"net on set": "failed", "square 1": "done"}
    with pytest.raises(InputError, match="no weights"):
        states(units, store)


@pytest.mark.parametrize(("name", "status"), [("SIGUSR1", 75), ("SIGTERM", 143)])
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_signal_abandons_the_unit_and_leaves_no_death_behind(store: Store, name: str, status: int) -> None:
    unit = Square(number=1, seconds=30)
    sender = subprocess.Popen(
        [sys.executable, "-c", f"import os, time; time.sleep(0.3); os.kill({os.getpid()}, {int(signal.Signals[name])})"]
    )
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals() as signals, pytest.raises(StopRequested) as stop:
        list(outcomes([unit], store=store))
    sender.wait()
    assert stop.value.status == status
    assert Journal(store).notes(unit.fingerprint).died == ()
    with pytest.raises(StopRequested):
        signals.check()
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_signal_at_the_moment_of_the_claim_leaves_no_claim_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    unit, rename = Square(number=1), os.replace

    def interrupted(here: Path, there: Path) -> None:
        rename(here, there)
        if str(there).endswith(".attempt.json"):
            os.kill(os.getpid(), signal.SIGUSR1)

    monkeypatch.setattr(os, "replace", interrupted)
    with StopSignals(), pytest.raises(StopRequested):
        list(outcomes([unit], store=store))
    assert not list(store.path.glob("units/??/*"))


def test_a_long_plan_is_built_quickly() -> None:
    """A tenth of the plan whose figures are in docs/scale.md."""
    started = time.process_time()
    units = [LazyUnit(label=f"square {number}", make=lambda number=number: Square(number=number)) for number in range(10_000)]
    assert sum(len({unit.fingerprint for unit in Part(number, 8).of(units)}) for number in range(1, 9)) == 10_000
    assert time.process_time() - started < 1
