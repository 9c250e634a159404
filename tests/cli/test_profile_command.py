"""`--profile`: the phases are there, add up, and change nothing that is made."""

import json
from pathlib import Path

import numpy as np
import pytest

from isomorph.cli import main

PASS = {"plan", "wait", "transfer", "forward", "reduce", "write"}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    from PIL import Image

    (tmp_path / "photos").mkdir()
    for index in range(8):
        array = np.random.default_rng(index).integers(0, 255, size=(24, 24, 3), dtype=np.uint8)
        Image.fromarray(array).save(tmp_path / "photos" / f"{index}.png")
    path = tmp_path / "study.toml"
    models = '["bundled/pixels", "bundled/mobilenet_v2.random-0"]'
    path.write_text(f'models = {models}\nstimuli = "photos"\nlayers = [0.0, -1]\nreplicates = 10\npermutations = 10\n')
    return path


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def objects(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in sorted((store / "objects").rglob("*")) if path.is_file()}


def check(profile) -> None:
    seconds, beside = profile["seconds"], profile["beside"]
    assert sum(seconds.values()) == pytest.approx(profile["wall"])
    assert sum(beside.values()) <= profile["wall"] * profile["threads"]
    assert seconds.keys() | beside.keys() == profile["counts"].keys() | {"other"}


def test_a_study_tells_each_stage_and_makes_the_same_bytes(study, tmp_path, capsys):
    run = ["run", str(study), "--json", "--store"]
    assert main([*run, str(tmp_path / "plain"), "--part", "1/1"]) == 0
    assert all(set(each) == {"stage", "unit", "fingerprint", "state", "seconds", "error"} for each in lines(capsys))

    assert main([*run, str(tmp_path / "part"), "--part", "1/1", "--profile"]) == 0
    *units, last = lines(capsys)
    assert [set(each["profile"]["seconds"]) >= PASS for each in units] == [True, True, False, False]
    assert all("score" in each["profile"]["seconds"] for each in units[2:])
    for each in units:
        check(each["profile"])
        assert each["profile"]["wall"] >= each["seconds"]
    stages = {each["stage"]: each for each in last["profile"]["stages"]}
    assert list(stages) == ["targets", "scores"]
    for name, stage in stages.items():
        check(stage)
        walls = [each["profile"]["wall"] for each in units if each["stage"] == name]
        assert stage["units"] == len(walls) == 2
        assert stage["wall"] == pytest.approx(sum(walls))
        assert stage["wall"] <= stage["elapsed"]
        assert stage["units_per_second"] == pytest.approx(2 / stage["elapsed"])
        assert stage["beside"].keys() <= {"decode"}
    check(last["profile"]["besides"])

    for stage in ("targets", "scores"):
        words = ["run", str(study), "--store", str(tmp_path / "engine"), "--engine", "local", "--stage", stage, "--profile"]
        assert main(words) == 0
        first, second, *rest = capsys.readouterr().out.splitlines()
        assert first.startswith(f"# {stage}: 2 units in ")
        assert second.split() == ["phase", "seconds", "share", "in_threads"]
        assert any(line.startswith("# besides the units: ") for line in rest)
        assert sum(line.startswith("write ") for line in rest) == 1
    assert objects(tmp_path / "plain") == objects(tmp_path / "part") == objects(tmp_path / "engine") != {}


def test_alone_it_runs_every_stage_and_tells_also_what_failed(study, tmp_path, capsys):
    photo = tmp_path / "photos" / "3.png"
    photo.write_bytes(photo.read_bytes()[:900])
    assert main(["run", str(study), "--store", str(tmp_path / "store"), "--profile", "--json"]) == 1
    *units, last = lines(capsys)
    assert [each["state"] for each in units] == ["failed", "failed", "waiting"]
    assert [("profile" in each, each["error"]["type"]) for each in units[:2]] == [(True, "FileError")] * 2
    (stage,) = last["profile"]["stages"]
    assert stage["units"] == 0
    assert stage["counts"]["plan"] == 2
    check(stage)
    assert main(["run", str(study), "--dry-run", "--profile"]) == 2
    assert "--profile measures a run" in capsys.readouterr().err


def test_extract_and_evaluate_tell_their_phases(study, tmp_path, capsys):
    words = ["extract", "bundled/pixels", "--stimuli", str(tmp_path / "photos"), "--reduce", "gram", "--batch-size", "4", "--json"]
    assert main([*words, "--store", str(tmp_path / "plain")]) == 0
    (plain,) = lines(capsys)
    assert main([*words, "--store", str(tmp_path / "measured"), "--profile"]) == 0
    (measured,) = lines(capsys)
    profile = measured.pop("profile")
    assert measured == plain
    assert objects(tmp_path / "plain") == objects(tmp_path / "measured") != {}
    check(profile)
    assert set(profile["seconds"]) >= PASS | {"load"}
    assert set(profile["beside"]) == {"decode"}
    assert profile["counts"]["wait"] == 2
    assert profile["counts"]["forward"] == 2  # those of the dry run are of the plan
    assert main([*words, "--dry-run", "--profile"]) == 2
    assert "--profile measures an extraction" in capsys.readouterr().err


def test_evaluate_tells_its_phases(tmp_path, capsys, data_path):
    data_path("kriegeskorte-92", "Kriegeskorte_Neuron2008_supplementalData.mat")
    few = ["--layers", "-1", "--replicates", "10", "--permutations", "0", "--store", str(tmp_path), "--json"]
    assert main(["evaluate", "bundled/pixels", "--benchmarks", "kriegeskorte-92", *few, "--profile"]) == 0
    *rows, last = lines(capsys)
    assert rows
    assert not any("profile" in row for row in rows)
    check(last["profile"])
    assert set(last["profile"]["seconds"]) >= PASS | {"load", "score"}
