"""`kill -9` at random moments of an extraction, and two extractions at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from isomorph.store import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks and signals are POSIX")

BATCHES = 10
KILLS = 15

# One process imports torch and forks a child for every line, which it kills after some seconds where the line says so.
NURSERY = """
import os, sys, time
import numpy as np, torch
from torch import nn
from isomorph.models import extract, wrap_model
from isomorph.stimuli import Stimuli

torch.manual_seed(0)
torch.set_num_threads(1)


class Slow(nn.Module):
    log = os.devnull

    def forward(self, x):
        if len(x) == 4:  # not the dry run
            time.sleep(0.004)
            with open(Slow.log, "a") as file:
                file.write("batch\\n")
        return x


net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), Slow(), nn.Conv2d(8, 8, 3), nn.Flatten())
model = wrap_model(net, name="slow", preprocess=lambda image: torch.from_numpy(image).permute(2, 0, 1).float() / 255)
stimuli = Stimuli.from_arrays(np.random.default_rng(0).integers(0, 255, (40, 16, 16, 3), dtype=np.uint8))
extract(model, stimuli, batch_size=5, reduce="gram")  # children need not import anything any more

for line in sys.stdin:
    reduce, store, log, seconds = line.rstrip("\\n").split("|")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            Slow.log = log
            extraction = extract(model, stimuli, reduce=reduce, store=store, batch_size=4, memory_limit="1.9MB")
            status = 0 if extraction.provenance["mode"] == "store" else 3
        finally:
            os._exit(status)
    if seconds:
        time.sleep(float(seconds))
        os.kill(child, 9)
    print(os.waitpid(child, 0)[1], flush=True)
"""


class Nursery:
    """Runs extractions, each in a process of its own."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", NURSERY]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def start(self, reduce: str, folder: Path, *, kill_after: float | None = None) -> None:
        self._process.stdin.write(f"{reduce}|{folder / 'store'}|{folder / 'log'}|{'' if kill_after is None else kill_after}\n")
        self._process.stdin.flush()

    def status(self) -> int:
        return int(self._process.stdout.readline())

    def run(self, reduce: str, folder: Path) -> None:
        self.start(reduce, folder)
        assert self.status() == 0

    def close(self) -> None:
        self._process.stdin.close()
        assert self._process.wait(60) == 0


@pytest.fixture(scope="module")
def nursery():
    nursery = Nursery()
    yield nursery
    nursery.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in (folder / "store").rglob("*") if path.is_file()}


def finished(folder: Path) -> dict[Path, tuple[int, int]]:
    """Shards with a receipt, and the very files that they are."""
    shards = [path for path in (folder / "store").rglob("*.safetensors") if path.with_suffix(".json").exists()]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in shards}


def batches(folder: Path) -> int:
    return (folder / "log").read_text().count("batch") if (folder / "log").exists() else 0


@pytest.mark.parametrize("reduce", ["features", "gram"])
def test_after_a_kill_the_result_is_byte_identical_and_finished_shards_are_not_recomputed(nursery, tmp_path, reduce):
    nursery.run(reduce, tmp_path / "first")  # which waits until the nursery has imported torch
    started = time.perf_counter()
    nursery.run(reduce, tmp_path / "undisturbed")
    seconds = time.perf_counter() - started
    undisturbed = contents(tmp_path / "undisturbed")
    assert batches(tmp_path / "undisturbed") == BATCHES
    kills, halfway = 0, 0
    for seed in range(3 * KILLS):
        if kills == KILLS:
            break
        folder = tmp_path / str(seed)
        nursery.start(reduce, folder, kill_after=random.Random(seed).uniform(0, seconds))
        kills += nursery.status() == signal.SIGKILL
        kept, before = finished(folder), batches(folder)
        committed = any(name.endswith("manifest.json") for name in (contents(folder) if kept else ()))
        rows = sum(path.name.startswith("rows-") for path in kept)
        layers = len(kept) - rows
        halfway += bool(kept) and not committed
        assert Store(folder / "store").verify() == []
        nursery.run(reduce, folder)
        assert batches(folder) - before == (0 if committed or layers else BATCHES - rows), (seed, kept)
        for path, file in finished(folder).items():
            assert kept.get(path, file) == file, (seed, path)
        if committed:  # killed while it cleared its rows away
            Store(folder / "store").gc()
        assert contents(folder) == undisturbed, seed
    assert kills == KILLS
    assert halfway >= KILLS // 4


def test_two_at_once_end_with_one_result(nursery, tmp_path):
    nursery.run("gram", tmp_path / "undisturbed")
    other = Nursery()
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        for each in (nursery, other):
            each.start("gram", folder)
        assert [each.status() for each in (nursery, other)] == [0, 0]
        assert contents(folder) == contents(tmp_path / "undisturbed")
    other.close()
