"""`kill -9` in the middle of an extraction, and two extractions at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest

SCRIPT = """
import sys, time
import numpy as np, torch
from torch import nn
from isomorph.models import extract, wrap_model
from isomorph.stimuli import Stimuli

torch.manual_seed(0)
torch.set_num_threads(1)
reduce, store, pause, log = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]


class Slow(nn.Module):
    def forward(self, x):
        if len(x) == 4:  # not the dry run
            time.sleep(pause)
            open(log, "a").write("batch\\n")
        return x


net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), Slow(), nn.Conv2d(8, 8, 3), nn.Flatten())
model = wrap_model(net, name="slow", preprocess=lambda image: torch.from_numpy(image).permute(2, 0, 1).float() / 255)
stimuli = Stimuli.from_arrays(np.random.default_rng(0).integers(0, 255, (40, 16, 16, 3), dtype=np.uint8))
print("ready", flush=True)
extraction = extract(model, stimuli, reduce=reduce, store=store, batch_size=4, memory_limit="1.6MB")
print(extraction.fingerprint, extraction.provenance["mode"])
"""


def start(store, log, *, pause=0.0):
    command = [sys.executable, "-c", SCRIPT, "gram", str(store), str(pause), str(log)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process):
    out = process.stdout.read()
    assert process.wait(120) == 0
    return out.split()


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def contents(store):
    return {path.relative_to(store): path.read_bytes() for path in store.rglob("*") if path.is_file()}


def finished(store):
    shards = [path for path in store.rglob("rows-*.safetensors") if path.with_suffix(".json").exists()]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in shards}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    name, mode = finish(start(folder / "store", folder / "log"))
    assert mode == "store"
    return name, contents(folder / "store")


def test_after_kills_the_result_is_byte_identical_and_finished_shards_are_not_recomputed(tmp_path, undisturbed):
    store, log = tmp_path / "store", tmp_path / "log"
    process = start(store, log, pause=0.1)
    deadline = time.monotonic() + 60
    while len(finished(store)) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    kill(process)
    first = finished(store)
    assert len(first) >= 3
    process = start(store, log, pause=0.1)
    time.sleep(random.Random(0).uniform(0.1, 0.4))
    kill(process)
    second = finished(store)
    assert first.items() <= second.items()
    before = log.read_text().count("batch")
    name, _ = finish(start(store, log))
    assert log.read_text().count("batch") - before == 10 - len(second)
    assert (name, contents(store)) == undisturbed


def test_two_at_once_end_with_one_result(tmp_path, undisturbed):
    store = tmp_path / "store"
    both = [start(store, tmp_path / f"log-{index}", pause=0.01) for index in range(2)]
    assert {finish(process)[0] for process in both} == {undisturbed[0]}
    assert contents(store) == undisturbed[1]
