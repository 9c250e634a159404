"""`isomorph run --engine dask` of a real study: workers killed from outside, a stop by signal, and the bytes of a local run."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from isomorph.cli import main
from isomorph.engine import Journal
from isomorph.store import Store

pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are looked up in /proc")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    from PIL import Image

    (tmp_path / "photos").mkdir()
    for index in range(8):
        array = np.random.default_rng(index).integers(0, 255, size=(24, 24, 3), dtype=np.uint8)
        Image.fromarray(array).save(tmp_path / "photos" / f"{index}.png")
    path = tmp_path / "first.toml"
    path.write_text(
        """
        models = ["bundled/pixels", "bundled/mobilenet_v2.random-0"]
        stimuli = "photos"
        layers = [0.0, -1]
        replicates = 10
        permutations = 10
        store = "store"
        """
    )
    return path


def objects(store: Store) -> dict[str, bytes]:
    root = store.path / "objects"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def begun(study: Path, *more: str) -> "subprocess.Popen[str]":
    words = [sys.executable, "-m", "isomorph", "run", str(study), "--engine", "dask", "--workers", "2", *more]
    with (study.parent / "stderr").open("w") as said:
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True)


def at_work(store: Store, fingerprint: str, running: "subprocess.Popen[str]") -> list[int]:
    """The processes that work on a unit, as soon as there are any; none if the run ends before."""
    deadline = time.monotonic() + 300
    while running.poll() is None:
        if pids := [each.pid for each in Journal(store).notes(fingerprint).running]:
            return pids
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return []


def test_a_study_is_killed_stopped_and_ended(study, tmp_path, capsys):
    store, alone = Store(tmp_path / "store"), Store(tmp_path / "alone")
    assert main(["run", str(study), "--engine", "local", "--store", str(alone.path)]) == 0
    assert "local: 4 units done, 0 finished before, 0 missing" in capsys.readouterr().err
    assert main(["plan", str(study), "--json"]) == 0
    plan = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (deadly,) = [row for row in plan if row["stage"] == "targets" and "mobilenet" in row["unit"]]

    running = begun(study)
    while pids := at_work(store, deadly["fingerprint"], running):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    said = (study.parent / "stderr").read_text()
    assert running.wait(300) == 1, said
    assert f"quarantined: {deadly['unit']}: 3 processes were killed while they worked on it" in said
    assert "dask: 1 units done, 0 finished before, 2 missing" in said
    assert "waiting: the stage scores: " in said

    running = begun(study, "--retry-quarantined", "--part", "2/2")
    assert at_work(store, deadly["fingerprint"], running)
    os.killpg(running.pid, signal.SIGINT)  # Ctrl-C in a terminal reaches the workers, too
    assert running.wait(300) == 130, (study.parent / "stderr").read_text()
    assert re.search("the run was stopped by a signal after [01] units", (study.parent / "stderr").read_text())
    made, notes = deadly["fingerprint"] in store, Journal(store).notes(deadly["fingerprint"])  # it may have ended just then
    assert notes.running == ()
    assert len(notes.died) in ({0, 3} if made else {3}), "who is stopped puts no blame on the unit"

    capsys.readouterr()
    assert main(["run", str(study), "--engine", "dask", "--workers", "2", "--retry-quarantined", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row.get("state") for row in rows].count("done") == (2 if made else 3)
    assert rows[-1]["report"].endswith("index.html")
    assert objects(store) == objects(alone)
