"""A study of extraction: models on tar shards, in parts, killed, and read back slice by slice."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isomorph.cli import main
from isomorph.cli._plan import plan_rows, study_in_parts
from isomorph.cli._plan_needs import with_needs
from isomorph.cli._sbatch import sbatch_script
from isomorph.engine import Needs, Part, run_plan
from isomorph.errors import StageNotReadyError, StoreError, UnknownNameError
from isomorph.models import extract, load_model
from isomorph.models._card import ModelCard
from isomorph.results import ExtractionStudy
from isomorph.spec import fingerprint
from isomorph.stimuli import ShardStream
from isomorph.stimuli._shard_index import Member, _packed
from isomorph.store import Store

PER_SHARD = (3, 5, 0, 2)
RESNET = "timm/test_resnet.random-0"


def write_shard(path: Path, pictures: range) -> None:
    import tarfile

    with tarfile.open(path, "w") as archive:
        for each in pictures:
            file = io.BytesIO()
            Image.fromarray(np.random.default_rng(each).integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(file, "png")
            info = tarfile.TarInfo(f"{each}.png")
            info.size = file.tell()
            archive.addfile(info, io.BytesIO(file.getvalue()))


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    folder, first = tmp_path_factory.mktemp("extraction"), 0
    for number, count in enumerate(PER_SHARD):
        write_shard(folder / f"{number:03}.tar", range(first, first + count))
        first += count
    path = folder / "shards.toml"
    path.write_text(
        f'models = ["bundled/pixels", "{RESNET}"]\nshards = "{{000..003}}.tar"\nslice = 3\ntogether = 2\nbatch_size = 2\nstore = "store"\n'
    )
    return path


@pytest.fixture(scope="module")
def done(study) -> Path:
    """The store, after two parts that saw different shards."""
    for stage in ("index", "features"):
        for part in ("1/2", "2/2"):
            assert main(["run", str(study), "--part", part, "--stage", stage]) == 0
    return study.parent / "store"


def objects(store: Path) -> dict[str, bytes]:
    root = store / "objects"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def lines(capsys) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_units_are_slices_and_all_models_see_some_shards_before_the_next(study):
    staged = study_in_parts(study)
    store = Store(study.parent / "store")
    with pytest.raises(StageNotReadyError, match="needs what the stage 'index' makes, and 4 of its units are not finished"):
        staged.units(store, stage="features")
    assert staged.labels(store, stage="features")[:2] == ["bundled/pixels on 000", f"{RESNET} on 000"]
    early = plan_rows(staged, store)
    index = staged.units(store, stage="index")
    assert [each.label for each in index] == [f"index of 00{number}" for number in range(4)]
    assert not ExtractionStudy.load(study).plan(store)[0]["pictures"]
    run_plan(index, store=store)
    units = staged.units(store, stage="features")
    assert [each.needs.memory is None for each in units[:4]] == [False] * 3 + [True]  # nobody knows the size of the second model
    assert staged.needs(store, stage="features")[0].memory is None
    assert [row["memory"] for row in with_needs(early, staged, store)] == [None] * 12  # of a plan from before the index
    first, second = ["000 (3 pictures)", "001 (3 pictures)", "001 from 3 (2 pictures)"], ["003 (2 pictures)"]
    models = ("bundled/pixels", RESNET)
    assert [each.label for each in units] == [f"{model} on {each}" for shards in (first, second) for model in models for each in shards]
    near = [str(study.parent / f"{number}.tar") for number in ("000", "002")]
    assert [each.needs.near for each in units] == [near[0]] * 6 + [near[1]] * 2
    halves = [{unit.needs.near for unit in Part(number, 2).of(units)} for number in (1, 2)]
    assert halves == [{near[0]}, set(near)]


def test_a_script_is_written_where_no_shard_can_be_reached(tmp_path):
    asked = ExtractionStudy(name="far", models=("bundled/pixels",), shards="https://nowhere.invalid/{0..9}.tar").parts
    assert asked.needs(Store(tmp_path / "store"), stage="index") == [Needs()]
    assert "--job-name=far-index" in sbatch_script(asked, tmp_path / "far.toml", jobs=2, store=tmp_path / "store")


def test_parts_make_the_store_of_one_process_and_a_second_run_does_nothing(study, done, tmp_path, capsys):
    assert main(["run", str(study), "--store", str(tmp_path), "--json"]) == 0
    (answer,) = lines(capsys)
    assert objects(tmp_path) == objects(done)
    assert [(each["model"], each["layer"], each["rows"], each["width"], each["bytes"]) for each in answer["features"]] == [
        ("bundled/pixels", "pixels", 10, 150528, 10 * 150528 * 4),
        (RESNET, "fc", 10, 1000, 40_000),
    ]
    assert main(["run", str(study), "--part", "1/1", "--json"]) == 0
    assert [each["state"] for each in lines(capsys)] == ["skipped"] * 12
    assert main(["run", str(study), "--dry-run", "--json"]) == 0
    assert [(each["pictures"], each["slices"], each["finished"]) for each in lines(capsys)] == [(10, 4, 4)] * 2


def test_features_are_those_of_extract_slice_after_slice(study, done):
    store = Store(done)
    features = ExtractionStudy.load(study).features(store, RESNET, "fc")
    assert (len(features), features.rows, [len(each) for each in features]) == (4, 10, [3, 3, 2, 2])
    assert isinstance(features[0].values.base.base, memoryview)  # of the mapped file
    assert not features[0].values.flags.writeable
    stream = ShardStream(str(study.parent / "*.tar"), store=store)
    assert [name for each in features for name in each.ids] == list(stream[0:10].ids)
    alone = extract(load_model(RESNET), stream[3:6], layers=-1, batch_size=2)["fc"]
    np.testing.assert_array_equal(features[1].values, alone.values)
    with pytest.raises(UnknownNameError, match=r"model of the study 'shards'.*'bundled/pixel'"):
        ExtractionStudy.load(study).features(store, "bundled/pixel", "fc")


def test_an_extraction_that_is_lost_is_made_again(study, done, tmp_path, capsys):
    shutil.copytree(done, tmp_path / "store")
    assert main(["run", str(study), "--store", str(tmp_path / "store")]) == 0
    with (study.parent / "report" / "index.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(Path(row["shard"]).name, row["start"], row["stop"]) for row in rows[:4]] == [
        ("000.tar", "0", "3"), ("001.tar", "0", "3"), ("001.tar", "3", "5"), ("003.tar", "0", "2")
    ]  # fmt: skip
    name = rows[2]["object"]
    shutil.rmtree(tmp_path / "store" / "objects" / name[:2] / name)
    store = Store(tmp_path / "store")
    assert len(ExtractionStudy.load(study).features(store, "bundled/pixels", "pixels")[2]) == 2
    shutil.rmtree(tmp_path / "store" / "objects" / name[:2] / name)
    assert main(["run", str(study), "--store", str(tmp_path / "store")]) == 0
    assert objects(tmp_path / "store") == objects(done)
    assert json.loads((study.parent / "report" / "index.json").read_text())["pictures"] == 10


def test_a_study_of_models_sees_shards_by_their_names(study, tmp_path, capsys):
    for where in (f"{study.parent}/{{000..003}}.tar", str(study.parent / "*.tar"), os.path.relpath(study.parent / "00[0-3].tar", tmp_path)):
        (tmp_path / "models.toml").write_text(f'models = ["bundled/pixels", "{RESNET}"]\nstimuli = "{where}"\nstore = "store"\n')
        assert main(["plan", str(tmp_path / "models.toml"), "--json"]) == 0
        rows = lines(capsys)
        assert [row["unit"] for row in rows[:2]] == [
            f"the last layer of {name} on {Path(where).name}" for name in ("bundled/pixels", RESNET)
        ]
        assert all(row["fingerprint"] for row in rows[:2])
    assert [each.kind for each in Store(tmp_path / "store").entries()] == ["shard-index"] * len(PER_SHARD)


def test_a_run_that_was_killed_goes_on(study, done, tmp_path):
    (tmp_path / "one.toml").write_text(study.read_text().replace(f', "{RESNET}"', "").replace('"{', f'"{study.parent}/{{'))
    words = [sys.executable, "-m", "isomorph", "run", str(tmp_path / "one.toml")]
    running = subprocess.Popen(words, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline, store = time.monotonic() + 240, tmp_path / "store"
    while running.poll() is None and not list(store.glob("objects/*/*/rows-*.safetensors")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait(timeout=60)
    with pytest.raises(StoreError, match=r"^[1-4] of 4 slices of bundled/pixels are not finished; the first is 'bundled/pixels on "):
        ExtractionStudy.load(tmp_path / "one.toml").features(Store(store), "bundled/pixels", "pixels")
    assert main(["run", str(tmp_path / "one.toml")]) == 0
    made, wanted = objects(store), objects(done)
    assert made.items() <= wanted.items()
    assert len(made) > len(wanted) / 3


def test_a_long_plan_is_light(tmp_path):
    """Six thousand units on sixty shards: a hundred bytes a unit, and of 600,000 pictures nothing."""
    store, models = Store(tmp_path / "store"), 100
    index = _packed([Member("a.png", 512, 100)])
    for number in range(60):
        (path := tmp_path / f"{number}.tar").touch()
        spec = {"kind": "shard-index", "version": 2, "path": str(path.resolve()), "size": 0, "modified_ns": path.stat().st_mtime_ns}
        with store.begin(fingerprint(spec), spec) as writer:
            writer.put("index", index, durable=False)
            writer.commit({"pictures": 10_000})
    names = tuple(f"timm/test_resnet.random-{number}" for number in range(models))
    study = ExtractionStudy(name="long", models=names, shards=str(tmp_path / "{0..59}.tar"))
    study.model_names()  # imports what knows models
    tracemalloc.start()
    started = time.process_time()
    units = study.parts.units(store, stage="features")
    seconds = time.process_time() - started
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(units) == 60 * models
    assert units[-1].label == f"{names[-1]} on 59 (10,000 pictures)"
    assert held < 2_000_000
    assert seconds < 10
    assert isinstance(units[-1].model.known, ModelCard)  # and none was loaded
