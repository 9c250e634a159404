"""`kill -9` of a consistency study, and the same command again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from isomorph.consistency import Similarities

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")

STUDY = """
models = ["bundled/pixels", "timm/test_vit.random-0", "timm/test_resnet.random-0", "timm/test_efficientnet.random-0"]
datasets = ["one", "two"]
measures = ["cka", "rsa"]
by = []
replicates = 10
permutations = 9
minimum_pairs = 3
store = "store"
"""


def command(folder):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "isomorph", "consistency", str(folder / "study.toml"), "--no-figures", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def make(folder):
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        for number in range(8):
            Image.fromarray(rng.integers(0, 255, (24, 24, 3), dtype=np.uint8)).save(folder / name / f"{number}.png")
    (folder / "study.toml").write_text(STUDY)
    return folder


def manifests(folder):
    return {str(path): path.stat().st_mtime_ns for path in (folder / "store").rglob("manifest.json")}


@pytest.mark.slow
def test_a_killed_study_goes_on_and_ends_as_an_undisturbed_one(tmp_path):
    calm, disturbed = make(tmp_path / "calm"), make(tmp_path / "disturbed")
    started = time.monotonic()
    process = command(calm)
    assert process.wait() == 0, process.stderr.read().decode()
    seconds = time.monotonic() - started
    process = command(disturbed)
    try:
        process.wait(random.Random(0).uniform(0.3, 0.95) * seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = manifests(disturbed)
    process = command(disturbed)
    assert process.wait() == 0, process.stderr.read().decode()
    assert manifests(disturbed).items() >= kept.items(), "a finished step was done again"
    ends = [Similarities.load(folder / "consistency" / "data" / "similarities") for folder in (calm, disturbed)]
    assert ends[0].values.tobytes() == ends[1].values.tobytes()
    tables = [(folder / "consistency" / "data" / "all" / "summary.csv").read_bytes() for folder in (calm, disturbed)]
    assert tables[0] == tables[1]
