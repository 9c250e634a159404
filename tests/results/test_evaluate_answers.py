"""Benchmarks of answers beside those of geometries: one table, one report, the same numbers as alone, nothing done twice."""

import json

import numpy as np
import pytest

import isomorph as iso
from isomorph.benchmarks import GeometryMatch, Target, load_benchmark
from isomorph.cli import main
from isomorph.cli._evaluate import print_best
from isomorph.errors import FetchError, InputError
from isomorph.models import ImageRecipe, wrap_model
from isomorph.results import Results, evaluate_behaviour
from isomorph.results._behaviour_unit import subject_names
from isomorph.store import Store

HOW = {"replicates": 20, "permutations": 10}


def tiny(name, outputs=1000):
    import torch

    torch.manual_seed(len(name))
    net = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(48, outputs))
    return wrap_model(net, name=name, preprocess=ImageRecipe(height_pixels=32, width_pixels=32, resize_pixels=32))


@pytest.fixture(scope="module")
def conflict():
    try:
        bench = load_benchmark("shape-bias")
        bench.stimuli("cue-conflict")[0]
    except FetchError as error:
        pytest.skip(f"trials or pictures are not at hand: {error}")
    return bench


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(0)
    stimuli = iso.Stimuli.from_arrays(rng.integers(0, 255, size=(10, 32, 32, 3), dtype=np.uint8), ids=[f"i{k}" for k in range(10)])
    people = Target(name="people", kind="behaviour", rdms=rng.random((3, 1, 45)), subjects=("a", "b", "c"))
    return GeometryMatch(name="small", stimuli=stimuli, targets=(people,))


@pytest.fixture(scope="module")
def mixed(conflict, small, tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    models = [tiny("one"), tiny("other"), tiny("headless", outputs=7)]
    return iso.evaluate(models, [conflict, small], store=store, **HOW), models, store


def test_one_table_holds_the_numbers_of_each_alone(mixed, conflict, small):
    results, models, _ = mixed
    alone = evaluate_behaviour(models[:2], conflict, replicates=20)
    assert [dict(each) for each in results.answered[0].rows] == alone.rows
    table = results.table[results.table["benchmark"] == "shape-bias"]
    assert set(table["layer"]) == {""}
    assert not table["best_on_same_data"].any()
    told = {"user/one": "one", "user/other": "other"}
    rows = {(told.get(each["model"], each["model"]), each["target"], each["measure"]): each["value"] for each in table.to_dict("records")}
    for each in alone.rows:
        if each["measure"] != "mean_rank":
            assert rows.pop((each["model"], each["target"], each["measure"])) == each["value"]
    assert not rows
    assert list(results.leaderboard("shape-bias")["model"])[-1] == "humans"
    geometry = results.table[results.table["benchmark"] == "small"]
    assert geometry.groupby("model")["best_on_same_data"].sum().tolist() == [1, 1, 1]


def test_who_has_no_such_classes_is_left_out_with_a_note_or_is_an_error(mixed, conflict, tmp_path):
    results, models, _ = mixed
    notes = results.behaviour[0].notes
    assert any(each.startswith("user/headless was left out on shape-bias: user/headless has 7 outputs") for each in notes)
    with pytest.raises(InputError, match="user/headless cannot answer shape-bias: user/headless has 7 outputs"):
        iso.evaluate(models[1:], conflict, store=tmp_path, **HOW)


def test_what_is_answered_is_not_answered_again(mixed, conflict, small):
    results, models, store = mixed
    before = {entry.fingerprint for entry in store.entries()}
    again = iso.evaluate(models, [conflict, small], store=store, **HOW)
    assert {entry.fingerprint for entry in store.entries()} == before
    assert again.table.equals(results.table)


def test_folder_merge_and_report(mixed, conflict, small, tmp_path):
    results, models, store = mixed
    again = Results.load(results.save(tmp_path / "saved"))
    assert again.behaviour == results.behaviour
    parts = [iso.evaluate(each, [conflict, small], store=store, **HOW) for each in models[:2]]
    merged = Results.merge(*parts)
    assert set(merged.table["model"]) == {"user/one", "user/other", "humans", "bagnet33", "simclr-resnet50x1"}
    assert merged.leaderboard("shape-bias").equals(results.leaderboard("shape-bias"))
    report = iso.report(results)
    assert report.headlines["shape-bias", "all"].startswith("People name the shape in ")
    text = report.save(tmp_path / "page", figures=False).read_text()
    assert 'href="answers/shape-bias/index.html"' in text
    assert "was left out on shape-bias" in text
    assert (tmp_path / "page" / "answers" / "shape-bias" / "index.html").is_file()
    alone = iso.report(Results.load(iso.evaluate(models[0], conflict, store=store, **HOW).save(tmp_path / "alone")))
    text = alone.save(tmp_path / "second", figures=False).read_text()
    assert "answers/shape-bias" not in text
    assert "representational dissimilarity" not in text


def test_two_models_of_one_name_keep_their_source():
    assert subject_names(["a/vit.x", "b/vit.x", "a/cnn.x"]) == {"a/vit.x": "a-vit.x", "b/vit.x": "b-vit.x", "a/cnn.x": "cnn.x"}


def test_the_terminal_shows_both_kinds(mixed, capsys):
    print_best(mixed[0])
    out, err = capsys.readouterr()
    assert "# small × people" in out
    assert "# shape-bias" in out
    assert "user/headless was left out on shape-bias" in err


def test_a_study_in_parts_plans_both_kinds_and_says_who_cannot_answer(conflict, tmp_path, capsys):
    try:
        load_benchmark("kriegeskorte-92")
    except FetchError as error:
        pytest.skip(str(error))
    path = tmp_path / "mixed.toml"
    text = 'models = ["bundled/pixels"]\nbenchmarks = ["shape-bias", "kriegeskorte-92"]\nstore = "store"\n'
    path.write_text(text + "replicates = 10\npermutations = 0\n")

    def lines(*words):
        assert main([*words, "--json"]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    plan = lines("run", str(path), "--dry-run")
    assert [(each["benchmark"], each["stimuli"], each["targets"][0], each["finished"]) for each in plan] == [
        ("shape-bias", 160, "cue-conflict", False),
        ("kriegeskorte-92", 92, "human IT", False),
    ]
    outcomes = lines("run", str(path), "--part", "1/1")
    assert [(each["unit"], each["state"]) for each in outcomes] == [
        ("bundled/pixels on shape-bias", "done"),
        ("bundled/pixels on kriegeskorte-92", "done"),
    ]
    assert [each["fingerprint"] for each in outcomes] == [each["fingerprint"] for each in plan]
    assert main(["run", str(path)]) == 1
    assert "bundled/pixels cannot answer shape-bias: bundled/pixels gives [1, 3, 224, 224]" in capsys.readouterr().err
