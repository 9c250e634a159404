"""Every kind of study in two parts by two processes at once: the store of one process, and a report that only reads."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas
import pytest
from PIL import Image

from isomorph.alignment import FittedTransform
from isomorph.brains import Recording
from isomorph.cli import main
from isomorph.cli._plan import study_in_parts
from isomorph.models import load_model

BRAINS = """
models = ["bundled/pixels", "timm/test_resnet.random-0"]
recordings = ["ours"]
stimuli = { ours = "photos" }
layers = [0.0, -1]
metrics = ["cRSA", "eReg"]
options = { min_units = 2 }
units_at_once = 8
replicates = 10
store = "store-brains"
report = "report-brains"
"""
CONSISTENCY = """
models = ["timm/test_resnet.random-0", "timm/test_vit.random-0", "bundled/pixels"]
datasets = ["photos", "sketches"]
measures = ["cka", "rsa"]
by = ["architecture"]
replicates = 10
permutations = 9
minimum_pairs = 3
store = "store-consistency"
report = "report-consistency"
"""
VISALIGN = """
seeds = [1, 2]
replicates = 5
out = "out-visalign"
store = "store-visalign"

[set]
train = 10
validation = 4
test = 6
corruptions = ["contrast"]
severities = [5]
classes.photo = { source = "photos" }
classes.sketch = { source = "sketches" }

[network]
backbone = "timm/test_resnet.random-0"
recipe = { height_pixels = 32, width_pixels = 32, resize_pixels = 32 }
training = { epochs = 2, batch_size = 8 }

[abstention]
methods = ["msp", "mcdropout", "knn", "deepensemble"]
options.knn = { k = 3 }
corruptions = ["contrast"]
severities = [5]
"""
ALIGNMENT = """
pictures = ["photos", "sketches"]
held_out = 0.3
export = []
workers = 1
out = "out-alignment"
store = "store-alignment"

[teacher]
model = "timm/test_resnet.random-0"
transform = "map.safetensors"

[triplets]
clusters = 3
train = 263000
validation = 20
ranges = 2

[student]
model = "timm/test_resnet.random-1"
recipe = { height_pixels = 32, width_pixels = 32, resize_pixels = 32 }
control = "beside"
training = { steps = 2, batch_size = 4, warmup = 1, dimensions = 8, evaluate_every = 2, checkpoint_every = 2 }

[evaluation]
labels = false
neighbours = [3]
replicates = 10
"""
KINDS = {"brains": BRAINS, "consistency": CONSISTENCY, "visalign": VISALIGN, "alignment": ALIGNMENT}
SHARE = """
import sys, time
from isomorph.cli import main
from isomorph.cli._plan import study_in_parts
from pathlib import Path
part, *studies = sys.argv[1:]
deadline = time.monotonic() + 240
for study in studies:
    for stage in study_in_parts(Path(study)).stages:
        while main(["run", study, "--part", part, "--stage", stage]):  # the other process has its share of the stage before in hand
            if time.monotonic() > deadline:
                sys.exit(1)
            time.sleep(1)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Twenty pictures of two kinds, the same as drawings, a brain with three regions, and a study of each kind."""
    folder = tmp_path_factory.mktemp("parts")
    rng = np.random.default_rng(0)
    pictures = np.clip(rng.normal(np.repeat([90, 160], 10)[:, None, None, None], 40, (20, 24, 24, 3)), 0, 255).astype(np.uint8)
    for name, shown in (("photos", pictures), ("sketches", 255 - pictures // 3)):
        (folder / name).mkdir()
        for index, each in enumerate(shown):
            Image.fromarray(each).save(folder / name / f"{index:02}.png")
    flat = pictures.reshape(20, -1) / 255 - 0.5
    responses = flat @ rng.normal(size=(flat.shape[1], 12)) + 0.1 * rng.normal(size=(20, 12))
    regions = {"V1": [1] * 6 + [0] * 6, "V2": [0] * 6 + [1] * 5 + [0], "V3": [0] * 11 + [1]}
    units = pandas.DataFrame({"subject": ["1"] * 12, **regions})
    ids = [f"{index:02}.png" for index in range(20)]
    Recording(ids=ids, responses=responses, units=units, name="ours", small_rois="keep").save(folder / "ours")
    for kind, text in KINDS.items():
        (folder / f"{kind}.toml").write_text(text)
    width = load_model("timm/test_resnet.random-0").module.num_features
    FittedTransform(weights=rng.normal(size=(width, 3)), bias=np.zeros(3), method="made up").save(folder / "map.safetensors")
    shutil.copytree(folder, folder.with_name(f"{folder.name}-alone"))
    return folder


@pytest.fixture(scope="module")
def alone(folder) -> Path:
    """The same again, for one process."""
    return folder.with_name(f"{folder.name}-alone")


@pytest.fixture(scope="module")
def shared(folder) -> Path:
    """The folder, once two processes have done all parts."""
    studies = [str(folder / f"{kind}.toml") for kind in KINDS]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SHARE, part, *studies], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for part in ("1/2", "2/2")
    ]
    said = [each.communicate(timeout=500)[0] for each in running]
    assert [each.returncode for each in running] == [0, 0], "\n".join(said)
    return folder


def objects(store: Path) -> dict[str, bytes]:
    root = store / "objects"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def lines(capsys) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_make_the_store_of_one(kind, shared, alone, capsys):
    assert main(["status", str(shared / f"{kind}.toml"), "--json"]) == 0
    (answer,) = lines(capsys)
    assert all(each["done"] == each["units"] > 0 for each in answer["stages"]), answer
    before = objects(shared / f"store-{kind}")
    told = []
    for folder in (shared, alone):
        words = ["run", str(folder / f"{kind}.toml"), "--json"]
        assert main(words if kind == "visalign" else [*words, "--no-figures"]) == 0
        told.append(capsys.readouterr().out.replace(str(folder), ""))
        assert objects(folder / f"store-{kind}") == before
    assert told[0] == told[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_later_stage_says_what_it_waits_for_and_what_it_will_do(kind, folder, tmp_path, capsys):
    study = folder / f"{kind}.toml"
    stages = study_in_parts(study).stages
    assert main(["plan", str(study), "--store", str(tmp_path), "--json"]) == 0
    rows = lines(capsys)
    assert {row["stage"] for row in rows} == set(stages)
    assert all(bool(row["fingerprint"]) == (row["stage"] == stages[0]) for row in rows)
    assert main(["run", str(study), "--store", str(tmp_path), "--part", "1/1", "--stage", stages[1]]) == 1
    expected = sum(row["stage"] == stages[0] for row in rows)
    assert f"needs what the stage {stages[0]!r} makes, and {expected} of its units are not finished" in capsys.readouterr().err


def test_a_model_that_a_study_leaves_out_fails_no_part(shared, tmp_path, capsys):
    study = shared / "skips.toml"
    models = '"timm/test_resnet.random-0", "timm/test_vit.random-0", "timm/test_resnet.random-1", "bundled/pixels"'
    rest = [line for line in CONSISTENCY.splitlines() if not line.startswith(("models", "store"))]
    study.write_text("\n".join([f"models = [{models}]", *rest, 'on_error = "skip"', "[layers]", '"bundled/pixels" = "no such layer"']))
    shutil.copytree(shared / "store-consistency", tmp_path / "store")  # two of the models are done there
    words = [str(study), "--store", str(tmp_path / "store")]
    for part in ("1/2", "2/2"):
        assert main(["run", *words, "--part", part, "--stage", "features"]) == 0
        said = capsys.readouterr().err
        assert "1 left out of the study, 0 missing" in said
        assert "\nleft out: bundled/pixels on " in said
    assert main(["run", *words, "--engine", "local", "--stage", "features", "--json"]) == 0
    states = [(row["unit"], row["state"]) for row in lines(capsys) if row["state"] != "skipped"]
    assert states == [("bundled/pixels on photos", "left_out"), ("bundled/pixels on sketches", "left_out")]
    assert main(["run", *words, "--part", "1/1"]) == 0
    capsys.readouterr()
    assert main(["status", *words]) == 0
    told = capsys.readouterr()
    assert "all units are done but 2 that are left out" in told.err
    assert "left_out" in told.out


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are looked up in /proc")
def test_a_part_that_was_killed_goes_on(shared, tmp_path):
    study = shared / "brains.toml"
    words = [sys.executable, "-m", "isomorph", "run", str(study), "--store", str(tmp_path), "--part", "1/1"]
    running = subprocess.Popen(words, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while running.poll() is None and not list(tmp_path.glob("objects/*/*/manifest.json")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait(timeout=60)
    assert objects(tmp_path) != objects(shared / "store-brains")
    assert main(["run", str(study), "--store", str(tmp_path), "--part", "1/1"]) == 0
    assert objects(tmp_path) == objects(shared / "store-brains")
