"""A study whose models' passes and replicates are shared out in ranges leaves the bytes of one whose are not."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isomorph.benchmarks import load_benchmark
from isomorph.benchmarks._geometry_match import Inference
from isomorph.engine import outcomes
from isomorph.errors import FetchError, InputError, StageNotReadyError
from isomorph.models import Model, extraction_ranges
from isomorph.models._named_model import NamedModel, named_models
from isomorph.results import Study, evaluate
from isomorph.results._replicate_ranges import replicate_work
from isomorph.stimuli import Stimuli
from isomorph.store import Store

MODELS = ("bundled/mobilenet_v2.random-0", "bundled/pixels")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    from PIL import Image

    folder = tmp_path_factory.mktemp("study") / "photos"
    folder.mkdir()
    for index in range(12):
        Image.fromarray(np.random.default_rng(index).integers(0, 255, (24, 24, 3), dtype=np.uint8)).save(folder / f"{index}.png")
    return Study(
        name="shared",
        models=MODELS,
        stimuli=folder,
        layers=(0.0, -1),
        measures=("rsa-pearson", "rsa-spearman"),
        replicates=20,
        permutations=70,
        memory_limit="80MB",
        ranges=3,
        split_from=66 * (20 + (20 + 2 * 70) / 50),
    )


def objects(store: Path, *but: str) -> dict[str, bytes]:
    root = store / "objects"
    kept = [each for each in root.glob("??/*") if json.loads((each / "spec.json").read_text())["spec"]["kind"] not in but]
    return {str(path.relative_to(root)): path.read_bytes() for folder in kept for path in sorted(folder.iterdir())}


def test_the_stages_leave_the_bytes_of_one_process(study, tmp_path):
    alone, shared = Store(tmp_path / "alone"), Store(tmp_path / "shared")
    assert replace(study, ranges=1).stages == ("targets", "scores")
    assert study.stages == ("features", "targets", "replicates", "scores")
    assert replace(study, split_from=study.split_from + 1).stages == ("features", "targets", "scores")
    replace(study, ranges=1).run(alone)
    units = study.units(shared, stage="features")
    assert [unit.label for unit in units[:2]] == [f"rows {part}/3 of {MODELS[0]} on photos" for part in (1, 2)]
    assert study.labels(shared, stage="features") == [unit.label for unit in units]
    early = study.labels(shared, stage="replicates")
    assert early[:2] == [f"replicates {part}/3 of {MODELS[0]} on photos" for part in (1, 2)]
    with pytest.raises(StageNotReadyError, match=r"^the stage 'replicates' of the study 'shared' needs what the stage 'targets' makes"):
        study.units(shared, stage="replicates")
    with pytest.raises(StageNotReadyError, match="needs what the stage 'targets' makes"):
        study.units(shared, stage="scores")
    assert not objects(tmp_path / "shared")  # no model has run to tell that
    for stage in study.stages:
        if stage == "scores":
            replicates = study.units(shared, stage="replicates")
            assert [unit.label for unit in replicates] == early
            assert [shared.open(unit.fingerprint).keys("replicates") for unit in replicates[:3]] == [
                ("0.draws", "1.draws"),
                ("0.null", "1.draws", "1.null"),
                ("0.null", "1.draws", "1.null"),
            ]
            lost = shared.path / "objects" / replicates[0].fingerprint[:2] / replicates[0].fingerprint
            scores = study.units(shared, stage="scores")
            shutil.rmtree(lost)  # and what is lost from now on is computed again
            damaged = lost.parent.parent / replicates[1].fingerprint[:2] / replicates[1].fingerprint / "replicates.safetensors"
            damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
            with pytest.raises(StageNotReadyError, match=r"^the stage 'scores' of .* makes, and 1 of its units are not finished\. Run all"):
                study.units(shared, stage="scores")
            assert {each.state for each in outcomes(scores, store=shared, on_error="continue")} == {"done"}
            assert lost.is_dir()
            assert shared.open(replicates[1].fingerprint).read("replicates", "0.null").shape == (64, 2)
            continue
        states = [each.state for each in outcomes(study.units(shared, stage=stage), store=shared, on_error="continue")]
        assert states == ["done"] * len(states)
    spilled = [shared.open(unit.fingerprint).meta for unit in units]
    assert {each["mode"] for each in spilled} == {"store", "one batch"}  # the network's rows wait; pixels need no ranges
    assert sum(len(each["shards"]) for each in spilled) > 2
    assert objects(tmp_path / "shared", "extraction range", "replicates") == objects(tmp_path / "alone")


def test_a_benchmark_has_a_stage_for_the_layers_that_all_ranges_read(tmp_path):
    try:
        load_benchmark("kriegeskorte-92")
    except FetchError as error:
        pytest.skip(f"the 92 photographs are not at hand: {error}")
    alone, shared = Store(tmp_path / "alone"), Store(tmp_path / "shared")
    study = Study(
        name="people",
        models=("bundled/pixels",),
        benchmarks=("kriegeskorte-92",),
        resample="both",
        replicates=10,
        permutations=5,
        ranges=2,
        split_from=10,
    )
    assert study.stages == ("features", "layers", "replicates", "scores")
    assert replace(study, split_from=1e8).stages == ("features", "scores")
    assert study.labels(shared, stage="layers") == ["layers of bundled/pixels on kriegeskorte-92"]
    assert study.labels(shared, stage="replicates") == [f"replicates {part}/2 of bundled/pixels on kriegeskorte-92" for part in (1, 2)]
    assert study.labels(shared, stage="scores") == ["bundled/pixels on kriegeskorte-92"]
    with pytest.raises(StageNotReadyError, match="needs what the stage 'layers' makes, and 1 of its units"):
        study.units(shared, stage="replicates")
    replace(study, ranges=1).run(alone)
    for stage in study.stages:
        assert {each.state for each in outcomes(study.units(shared, stage=stage), store=shared)} == {"done"}
    before = objects(tmp_path / "alone")
    assert objects(tmp_path / "shared", "extraction range", "layers of an evaluation", "replicates") == before
    for stage in ("layers", "replicates"):  # of what is finished
        done = study.units(alone, stage=stage)
        assert {each.state for each in outcomes(done, store=alone)} == {"done"}
    assert [alone.open(each.fingerprint).bytes for each in done] == [0, 0]
    (score,) = study.units(alone, stage="scores")
    shutil.rmtree(alone.open(score.fingerprint).folder)
    score.run(alone)
    assert objects(tmp_path / "alone", "layers of an evaluation", "replicates") == before


def test_only_the_stages_that_run_a_model_need_a_gpu(study, tmp_path):
    store, far = Store(tmp_path), replace(study, device="cuda:0")
    needs = {stage: far.needs(store, stage=stage) for stage in far.stages}
    assert {stage: {each.gpu for each in told} for stage, told in needs.items()} == {
        "features": {True},
        "targets": {True},
        "replicates": {False},
        "scores": {True},
    }
    assert [each.gpu_memory for each in needs["replicates"]] == [None, None]
    assert [each.memory for each in needs["replicates"]] == [each.memory for each in needs["scores"]]


def test_a_plan_of_ranges_loads_no_model_that_the_store_remembers(study, tmp_path):
    def refuse(name: str) -> Model:
        raise AssertionError(f"{name} was loaded")

    store, options = Store(tmp_path), {"layers": (0.0, -1), "reduce": "gram", "ranges": 2}
    shown = Stimuli.from_folder(study.stimuli)
    (named,) = named_models([MODELS[1]], device="cpu", store=store)
    expected = [unit.fingerprint for unit in extraction_ranges(named.load(), shown, **options)]
    known = NamedModel(asked=MODELS[1], store=store, build=refuse)
    units = extraction_ranges(known, shown, **options)
    assert [unit.fingerprint for unit in units] == expected
    with pytest.raises(AssertionError, match="was loaded"):
        units[0].run(store)


def test_what_is_many_follows_from_the_sizes():
    inference = Inference(replicates=100, permutations=50)
    compared = ("spearman", "tau-a", "pearson", "tau-b")
    works = [replicate_work(stimuli=11, targets=2, comparisons=(each,), inference=inference) for each in compared]
    assert works == pytest.approx([110 * 101, 110 * 150, 110 * 3, 110 * 150])
    both = replicate_work(stimuli=11, targets=2, comparisons=("spearman", "pearson"), inference=inference)
    assert both == pytest.approx(works[0] + works[2])


def test_ranges_are_counted(study):
    with pytest.raises(InputError, match=r"^ranges of the study 'shared' must be between 1 and 100,000; got 0\.$"):
        replace(study, ranges=0)
    with pytest.raises(InputError, match=r"^ranges must be a whole number of at least 1; got 2\.5\.$"):
        evaluate(MODELS, "kriegeskorte-92", ranges=2.5)
