"""A consistency study whose long steps are shared out in ranges leaves the bytes of one whose are not."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from isomorph.consistency import Study
from isomorph.consistency._study_run import StudyRun
from isomorph.consistency._study_similarity import StripesUnit
from isomorph.consistency._study_units import stored_features
from isomorph.engine import outcomes
from isomorph.errors import InputError, StoreError
from isomorph.store import Store

RANGES = ("rows of a layer", "extraction range", "stripes of similarities", "folds of a probe", "draws of a consistency")
DATASETS = ("meadows", "towns")


@pytest.fixture(autouse=True, scope="module")
def many_blocks():
    """Blocks so small that a tiny study has several of each kind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("isomorph.models._plan_make._LARGEST_BATCH", 4)
        patch.setattr("isomorph.pairwise._sum_tree._LEAST_ROWS", 2)
        patch.setattr("isomorph.consistency._correlate._CHUNK_VALUES", 12)
        patch.setattr("isomorph.consistency._null._CHUNK_VALUES", 12)
        yield


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    """Three models that see each data set in three batches; ranks, kernels and a measure that has no stripes."""
    folder = tmp_path_factory.mktemp("ranges")
    rng = np.random.default_rng(0)
    for name in DATASETS:
        for number in range(12):
            label = f"kind-{number % 2}" if name == "meadows" else ""
            (folder / name / label).mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 255, (24, 24, 3), dtype=np.uint8)).save(folder / name / label / f"{number:02}.png")
    return Study(
        name="shared",
        models=("bundled/pixels", "timm/test_resnet.random-1", "timm/test_resnet.random-0"),
        datasets=tuple(str(folder / name) for name in DATASETS),
        measures=("rsa comparison=spearman", "distance-correlation", "rbf-cka sigma=0.4 sigma_unit=absolute"),
        layers={"timm/*": "global_pool"},
        by=(),
        probe="ridge",
        method="spearman",
        replicates=11,
        permutations=7,
        minimum_pairs=3,
        ranges=3,
    )


def objects(store: Store, *, but: tuple[str, ...] = RANGES) -> dict[str, bytes]:
    root = store.path / "objects"
    kept = [each for each in sorted(root.glob("??/*")) if json.loads((each / "spec.json").read_text())["spec"]["kind"] not in but]
    return {str(path.relative_to(root)): path.read_bytes() for folder in kept for path in sorted(folder.iterdir())}


def run_stage(study: Study, store: Store, stage: str) -> list[str]:
    return [each.state for each in outcomes(study.parts.units(store, stage=stage), store=store, on_error="continue")]


@pytest.fixture(scope="module")
def alone(study, tmp_path_factory) -> Store:
    store = Store(tmp_path_factory.mktemp("alone"))
    replace(study, ranges=1).run(store)
    return store


@pytest.fixture(scope="module")
def together(study, tmp_path_factory) -> Store:
    store = Store(tmp_path_factory.mktemp("together"))
    for stage in study.parts.stages:
        expected = study.parts.labels(store, stage=stage)
        assert set(run_stage(study, store, stage)) == {"done"}
        assert study.parts.labels(store, stage=stage) == expected == [unit.label for unit in study.parts.units(store, stage=stage)]
        if stage == "stripes":
            shutil.copytree(store.path, store.path.with_name("walked"))
    return store


@pytest.fixture(scope="module")
def walked(together) -> Store:
    """The same when nothing had put the stripes together."""
    return Store(together.path.with_name("walked"))


def test_the_stages_leave_the_bytes_of_one_process(study, alone, together):
    assert replace(study, ranges=1).parts.stages == ("features", "similarities", "consistency")
    assert study.parts.stages == ("rows", "features", "stripes", "similarities", "draws", "consistency")
    assert objects(together) == objects(alone)


def test_every_range_has_a_share_of_the_work(study, together, walked):
    stripes, draws = (
        [together.open(unit.fingerprint) for unit in study.parts.units(together, stage=stage)] for stage in ("stripes", "draws")
    )
    left = [(each.meta["object"], each.meta["shard"]) for each in stripes if "object" in each.meta]
    assert len(left) == 6
    for name, shard in left:
        with walked.begin(name, together.open(name).spec) as writer:
            assert writer.finished[shard].bytes > 0
    assert [each.shards for each in draws] == [("draws",)] * 9
    folds = [together.open(each.fingerprint).meta["right"] for each in together.entries() if each.kind == "folds of a probe"]
    assert sorted(map(len, folds)) == [1] * 3 + [2] * 6
    spilled = [together.open(each.fingerprint).meta for each in together.entries() if each.kind == "extraction range"]
    assert sorted(len(each["shards"]) for each in spilled) == [1] * 18


def test_stripes_are_used_and_those_that_are_lost_walked_again(study, alone, walked, tmp_path, monkeypatch):
    store, parts = Store(shutil.copytree(walked.path, tmp_path / "store")), []
    walk = StripesUnit._walked
    monkeypatch.setattr(StripesUnit, "_walked", lambda unit, store: parts.append(unit.part.number) or walk(unit, store))
    first, second, *_ = study.parts.units(store, stage="similarities")
    lost, damaged = sorted((store.path / "objects" / first.fingerprint[:2] / first.fingerprint).glob("stripes-[12]-*.safetensors"))
    lost.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    for unit in (first, second):
        unit.run(store)
        where = f"{unit.fingerprint[:2]}/{unit.fingerprint}/"
        kept, expected = ({k: v for k, v in objects(each).items() if k.startswith(where)} for each in (store, alone))
        assert kept == expected
    assert parts == [1, 2]


def test_a_range_of_a_machine_whose_disk_was_too_small_for_all_entries(study, alone, walked, tmp_path, monkeypatch):
    store = Store(shutil.copytree(walked.path, tmp_path / "store"))
    unit = study.parts.units(store, stage="similarities")[0]
    [sampled] = (store.path / "objects" / unit.fingerprint[:2] / unit.fingerprint).glob("stripes-2-*.safetensors")
    sampled.unlink()
    with monkeypatch.context() as small:
        usage = shutil.disk_usage("/")
        small.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
        small.setattr("isomorph.pairwise._plan.SAMPLED_ENTRIES", 20)
        unit.make().stripes()[1].run(store)
    assert sampled.exists()
    unit.run(store)
    where = f"{unit.fingerprint[:2]}/{unit.fingerprint}/"
    kept, expected = ({k: v for k, v in objects(each).items() if k.startswith(where)} for each in (store, alone))
    assert kept == expected


def test_rows_of_unit_length_for_which_no_disk_has_room(study, together, monkeypatch):
    """A mapped file on a full disk would end the process by a signal."""
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    similarity = replace(study.parts.units(together, stage="similarities")[0].make(), memory_limit=1)
    with (
        pytest.raises(InputError, match=r"do not fit into memory_limit, and .* has 1 KB free for .*TMPDIR"),
        similarity.items(together),
    ):
        pass


def test_draws_are_used_and_those_that_are_lost_made_again(study, alone, together, tmp_path):
    store = Store(shutil.copytree(together.path, tmp_path / "store"))
    draws, answers = (study.parts.units(store, stage=stage) for stage in ("draws", "consistency"))
    for unit in (draws[1], *answers):
        shutil.rmtree(store.open(unit.fingerprint).folder)
    [shard] = store.open(draws[2].fingerprint).folder.glob("*.safetensors")
    shard.write_bytes(shard.read_bytes()[:-1] + b"!")
    for unit in answers:
        unit.run(store)
    assert objects(store) == objects(alone)


def test_ranges_of_what_is_finished_do_nothing(study, alone, tmp_path):
    store = Store(shutil.copytree(alone.path, tmp_path / "store"))
    stripes, draws = (study.parts.makers[stage](store, None)[0] for stage in ("stripes", "draws"))
    for unit in (stripes, draws):
        unit.run(store)
        assert store.open(unit.fingerprint).bytes == 0
    similarities, answers = (study.parts.makers[stage](store, None) for stage in ("similarities", "consistency"))
    for unit in (similarities[0], *answers):
        shutil.rmtree(store.open(unit.fingerprint).folder)
        unit.run(store)
    assert objects(store) == objects(alone)


def test_draws_are_taken_not_made_twice(study, together, tmp_path, monkeypatch):
    store = Store(shutil.copytree(together.path, tmp_path / "store"))
    answers = study.parts.units(store, stage="consistency")
    before = objects(store)
    for unit in answers:
        shutil.rmtree(store.open(unit.fingerprint).folder)
    for name in ("_correlate.Ranker", "_correlate._linear", "_null.permuted"):
        monkeypatch.setattr(f"isomorph.consistency.{name}", None)
    for unit in answers:
        unit.run(store)
    assert objects(store) == before


def test_features_whose_rows_were_lost_are_made_again(study, alone, together, tmp_path):
    """As `isomorph store gc` frees an extraction that is damaged; its receipts still say that it was made."""
    store = Store(shutil.copytree(together.path, tmp_path / "store"))
    similarity = study.parts.units(store, stage="similarities")[0]
    features = StudyRun(study, store).feature_unit(StudyRun(study, store).models[1], DATASETS[0])
    lost = store.open(features.fingerprint).meta["extraction"]
    for name in (lost, similarity.fingerprint):
        shutil.rmtree(store.open(name).folder)
    with pytest.raises(StoreError, match=rf"^the object {lost[:12]} is not in the store"):
        stored_features(store, features.fingerprint)
    similarity.run(store)  # the measure that has no stripes reads the rows
    assert objects(store) == objects(alone)


def test_ranges_are_counted(study):
    with pytest.raises(InputError, match=r"^ranges of the study 'shared' must be between 1 and 100,000; got 0\.$"):
        replace(study, ranges=0)
