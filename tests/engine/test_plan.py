"""Plans: in order, each unit once, resumed after an error or a kill, and errors that name the unit."""

import os
import signal
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from isomorph.engine import Progress, WorkUnit, run_plan
from isomorph.errors import NonFiniteError, UnknownNameError
from isomorph.spec import fingerprint
from isomorph.store import Store


@dataclass(frozen=True, kw_only=True)
class Count:
    """Commits its number, and notes in a file that it ran."""

    number: int
    log: Path
    error: Exception | None = None
    kill: bool = False

    @property
    def spec(self) -> dict[str, object]:
        return {"kind": "count", "number": self.number}

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.spec)

    @property
    def label(self) -> str:
        return f"count {self.number}"

    def run(self, store: Store) -> None:
        with self.log.open("a") as log:
            log.write(f"{self.number} ")
        if self.error:
            raise self.error
        if self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        with store.begin(self.fingerprint, self.spec) as writer:
            writer.put("x", {"x": np.array(self.number)})
            writer.commit({})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_a_plan_runs_in_order_and_a_repeated_plan_does_nothing(store: Store, log: Path) -> None:
    units: list[WorkUnit] = [Count(number=number, log=log) for number in (3, 1, 2)]
    first, second = run_plan(units, store=store), run_plan(units, store=store)
    assert log.read_text() == "3 1 2 "
    assert (first.ran, first.skipped) == (("count 3", "count 1", "count 2"), ())
    assert (second.ran, second.skipped) == ((), ("count 3", "count 1", "count 2"))
    assert [store.open(unit.fingerprint).read("x", "x") for unit in units] == [3, 1, 2]


def test_a_unit_that_stands_twice_runs_once(store: Store, log: Path) -> None:
    report = run_plan([Count(number=1, log=log)] * 2, store=store)
    assert (log.read_text(), len(report.ran), len(report.skipped)) == ("1 ", 1, 1)


@pytest.mark.parametrize("error", [NonFiniteError("x has NaN."), UnknownNameError("layer", "fc", ["fc1"])])
def test_our_errors_keep_their_type_and_name_the_unit(store: Store, log: Path, error: Exception) -> None:
    text = str(error)
    with pytest.raises(type(error)) as caught:
        run_plan([Count(number=1, log=log), Count(number=2, log=log, error=error), Count(number=3, log=log)], store=store)
    assert str(caught.value) == f"count 2: {text}"
    assert Count(number=1, log=log).fingerprint in store
    run_plan([Count(number=number, log=log) for number in (1, 2, 3)], store=store)
    assert log.read_text() == "1 2 2 3 "


def test_foreign_errors_carry_a_note_that_names_the_unit(store: Store, log: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run_plan([Count(number=1, log=log, error=ZeroDivisionError())], store=store)
    assert "count 1" in caught.value.__notes__[0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are POSIX")
def test_a_killed_plan_goes_on_with_the_unit_that_was_running(store: Store, log: Path) -> None:
    child = os.fork()
    if child == 0:
        run_plan([Count(number=number, log=log, kill=number == 2) for number in (1, 2, 3)], store=store)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    report = run_plan([Count(number=number, log=log) for number in (1, 2, 3)], store=store)
    assert report.skipped == ("count 1",)
    assert log.read_text() == "1 2 2 3 "


def test_a_plan_counts_its_units(store: Store, log: Path) -> None:
    run_plan([Count(number=1, log=log)], store=store)
    stream = StringIO()
    with Progress(stream=stream) as progress:
        run_plan([Count(number=number, log=log) for number in (1, 2, 3)], store=store, progress=progress)
    assert stream.getvalue().startswith("work units: 3/3 units, ")
