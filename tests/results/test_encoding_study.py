"""A study of brains in one file: planned, killed, resumed; pictures, captions, and real RDMs where they are at hand."""

from __future__ import annotations

import json

import numpy as np
import pandas
import pytest

from isomorph.brains import Recording
from isomorph.cli import main
from isomorph.errors import FetchError
from isomorph.results import EncodingStudy
from isomorph.results._encoding_packed import packed, unpacked
from isomorph.store import Store

PIXELS = """
models = ["bundled/pixels", "bundled/mobilenet_v2.random-*"]
recordings = ["ours"]
stimuli = { ours = "photos" }
layers = [0.0, -1]
metrics = ["cRSA", "eReg"]
options = { min_units = 2 }
replicates = 10
report = "report"
store = "store"
"""


@pytest.fixture
def folder(tmp_path):
    """A dozen pictures, and a brain that answers to their pixels."""
    from PIL import Image

    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, size=(16, 24, 24, 3), dtype=np.uint8)
    ids = [f"{index}.png" for index in range(16)]
    for name, each in zip(ids, pictures, strict=True):
        Image.fromarray(each).save(tmp_path / "photos" / name)
    flat = pictures.reshape(16, -1) / 255 - 0.5
    units = pandas.DataFrame({"subject": ["1"] * 6 + ["2"] * 6, "V1": [1] * 12})
    responses = flat @ rng.normal(size=(flat.shape[1], 12)) + 0.1 * rng.normal(size=(16, 12))
    Recording(ids=ids, responses=responses, units=units, name="ours", small_rois="keep").save(tmp_path / "ours")
    (tmp_path / "study.toml").write_text(PIXELS)
    return tmp_path


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_study_is_planned_run_and_then_only_read(folder, capsys):
    words = ["run", str(folder / "study.toml")]
    assert main([*words, "--dry-run", "--json"]) == 0
    plan = lines(capsys)
    assert [(row["model"], row["recording"], row["regions"], row["finished"]) for row in plan] == [
        ("bundled/pixels", "ours", ["V1"], False),
        ("bundled/mobilenet_v2.random-0", "ours", ["V1"], False),
    ]
    assert main([*words, "--json", "--no-figures"]) == 0
    (answer,) = lines(capsys)
    assert answer["name"] == "study"
    assert "resembles V1" in answer["headline"] or "predicts V1" in answer["headline"]
    assert (folder / "report" / "index.html").is_file()
    assert {row["metric"] for row in answer["chosen"]} == {"cRSA", "eReg"}
    study = EncodingStudy.load(folder / "study.toml")
    store = Store(study.store)
    first = study.run(store).scores["ours"]
    assert all(row["finished"] for row in study.plan(store))
    before = sorted(path.stat().st_mtime_ns for path in (folder / "store").rglob("*") if path.is_file())
    again = study.run(store).scores["ours"]
    assert sorted(path.stat().st_mtime_ns for path in (folder / "store").rglob("*") if path.is_file()) == before
    pandas.testing.assert_frame_equal(first.table, again.table)
    assert set(first.table["model"]) == {"bundled/pixels", "bundled/mobilenet_v2.random-0"}
    assert set(first.table["subject"]) == {"1", "2"}


def test_a_killed_study_goes_on_where_it_was(folder, monkeypatch):
    from isomorph.results import _encoding_unit

    study = EncodingStudy.load(folder / "study.toml")
    store, scored = Store(study.store), []
    real = _encoding_unit.BrainUnit.run

    def until_killed(unit, store):
        if scored:
            raise KeyboardInterrupt
        scored.append(unit.label)
        real(unit, store)

    monkeypatch.setattr(_encoding_unit.BrainUnit, "run", until_killed)
    with pytest.raises(KeyboardInterrupt):
        study.run(store)
    assert [row["finished"] for row in study.plan(store)] == [True, False]
    done = []
    monkeypatch.setattr(_encoding_unit.BrainUnit, "run", lambda unit, store: (done.append(unit.label), real(unit, store)))
    outcome = study.run(store)
    assert done == ["bundled/mobilenet_v2.random-0 on ours"]
    assert outcome.scores["ours"].models == ("bundled/pixels", "bundled/mobilenet_v2.random-0")


def test_scores_come_back_from_the_store_as_they_went_in(folder):
    study = EncodingStudy.load(folder / "study.toml")
    scores = study.run(Store(study.store)).scores["ours"]
    again = unpacked(*packed(scores, notes=("and this",)))
    pandas.testing.assert_frame_equal(scores.table, again.table, check_dtype=False)
    assert again.protocol == scores.protocol
    assert again.notes == (*scores.notes, "and this")
    assert scores.alphas
    for name in ("units", "contributions", "alphas"):
        ours, theirs = getattr(scores, name), getattr(again, name)
        assert list(ours) == list(theirs)
        assert all(np.array_equal(ours[key], theirs[key], equal_nan=True) for key in ours)


def test_what_a_unit_depends_on_changes_its_name(folder):
    def names(**changes):
        text = (folder / "study.toml").read_text() + "".join(f"{key} = {json.dumps(value)}\n" for key, value in changes.items())
        (folder / "other.toml").write_text(text)
        return {row["fingerprint"] for row in EncodingStudy.load(folder / "other.toml").plan(Store(folder / "store"))}

    plain = names()
    assert plain == names(device="cpu")
    for changed in ({"seed": 1}, {"alphas": [1.0, 10.0]}, {"cv": 3}, {"pool": "mean"}, {"permutations": 5}, {"level": 0.9}):
        assert not plain & names(**changed), changed
    (folder / "units.csv").write_text("subject,V1\n" + "1,1\n" * 12)
    assert not plain & names(regions=["V1"], protocol="net2brain")


def test_a_table_of_captions_is_averaged_over_the_pictures_they_are_about(tmp_path):
    from isomorph.models import list_models

    if "bundled/glove_6b_50d" not in list_models("bundled/*"):
        pytest.skip("the packaged word vectors are not installed")
    words = ["cat", "dog", "car", "tree", "house", "river", "bird", "fish", "boat", "road", "cloud", "stone"]
    rows = [{"caption": f"{a} {word}", "picture": f"p{index}"} for index, word in enumerate(words) for a in ("a", "the")]
    pandas.DataFrame(rows).to_csv(tmp_path / "captions.csv", index=False)
    rng = np.random.default_rng(0)
    Recording(ids=[f"p{index}" for index in range(12)], responses=rng.normal(size=(12, 15)), name="read").save(tmp_path / "read")
    (tmp_path / "study.toml").write_text(
        'models = ["bundled/glove*"]\nrecordings = ["read"]\nstimuli = { read = "captions.csv" }\ncolumn = "caption"\ngroup = "picture"\n'
        'metrics = ["cRSA"]\nstore = "store"\n'
    )
    study = EncodingStudy.load(tmp_path / "study.toml")
    try:
        table = study.run(Store(study.store)).scores["read"].table
    except ImportError as error:
        pytest.skip(str(error))
    assert set(table["model"]) == {"bundled/glove_6b_50d"}
    assert set(table["n_stimuli"]) == {6}


def test_contrasts_that_cannot_be_are_told_of_and_others_made(folder):
    text = PIXELS + '[[contrasts]]\nfactor = "architecture"\n[[contrasts]]\nfactor = "modality"\n'
    (folder / "study.toml").write_text(text)
    outcome = EncodingStudy.load(folder / "study.toml").run(Store(folder / "store"))
    assert list(outcome.contrasts) == ["architecture"]
    assert outcome.notes[0].startswith("no contrast of modality: a contrast needs two levels of 'modality'; all 2 models have 'image'")


@pytest.fixture
def brains():
    from isomorph.benchmarks import load_benchmark

    try:
        return [load_benchmark(name) for name in ("kriegeskorte-92", "algonauts-78")]
    except FetchError as error:
        pytest.skip(f"the published RDMs are not at hand: {error}")


@pytest.mark.slow
def test_late_layers_match_it_better_than_early_ones_on_real_brains(brains, tmp_path):
    (tmp_path / "it.toml").write_text(
        'models = ["bundled/squeezenet1_1.imagenet1k"]\nrecordings = ["kriegeskorte-92", "algonauts-78"]\nlayers = [0.0, 0.5, -2]\n'
        'pool = "mean"\nreplicates = 0\n'
    )
    outcome = EncodingStudy.load(tmp_path / "it.toml").run(Store(tmp_path / "store"))
    of_92, of_78 = (outcome.scores[each.name] for each in brains)
    assert of_92.recording["regions"] == ["human IT", "monkey IT"]  # people's judgments are no brain
    assert of_78.recording["regions"] == ["human EVC", "human IT"]
    mean = of_92.over_subjects().query("split == 'test'").sort_values("layer_index")
    for region in ("human IT", "monkey IT"):
        early, *_, late = mean.loc[mean["region"] == region, "score"]
        assert late > early + 0.05, region
    assert mean["ceiling_lower"].notna().sum() == 3  # of four people; of monkeys one RDM is published
    assert len(set(of_78.table["subject"])) == 15
