"""Scores of brains as data: choices, differences, means over subjects, folders."""

import json
from dataclasses import replace

import numpy as np
import pandas
import pytest

from isomorph.brains import Recording
from isomorph.encoding import BrainScores, KFold, PrincipalRegression, SparseProjection, choose_layers, encode
from isomorph.errors import FileError
from isomorph.features import Features

N = 120
IDS = tuple(f"p{row}" for row in range(N))


def features(values, name, model):
    return Features(values.astype(np.float32), IDS, name, model)


@pytest.fixture(scope="module")
def scores():
    """Of two models: `good` has the signal in its second layer, `worse` the same in as much noise again."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(N, 20))
    good = {"a": features(rng.normal(size=(N, 20)), "a", "good"), "b": features(signal, "b", "good")}
    worse = {"a": features(signal + rng.normal(size=(N, 20)), "a", "worse"), "b": features(rng.normal(size=(N, 20)), "b", "worse")}
    units = pandas.DataFrame({"subject": np.repeat(["ann", "bob"], 15), "IT": np.ones(30, dtype=int)})
    trials = (signal @ rng.normal(size=(20, 30)) / 4)[:, None] + rng.normal(size=(N, 4, 30))
    brain = Recording(ids=IDS, trials=trials, units=units, name="sim")
    return encode(good, brain, model="good").merge(encode(worse, brain, model="worse"))


def test_chosen_is_best_on_train_with_its_test_score(scores):
    chosen = scores.chosen()
    assert chosen[["model", "layer"]].drop_duplicates().to_numpy().tolist() == [["good", "b"], ["worse", "a"]]
    for row in chosen.to_dict("records"):
        same = scores.table
        for key in ("model", "metric", "region", "subject"):
            same = same[same[key] == row[key]]
        train = same[same["split"] == "train"].set_index("layer")["score"]
        assert row["chosen_by"] == train.max()
        assert row["score"] == same[(same["split"] == "test") & (same["layer"] == row["layer"])]["score"].item()


def test_choosing_takes_criteria_and_filters():
    table = pandas.DataFrame(
        {
            "model": ["m"] * 6, "layer": list("abc") * 2, "depth": [0.0, 0.5, 1.0] * 2, "split": ["train"] * 3 + ["test"] * 3,
            "score": [0.3, 0.5, 0.5, 0.9, 0.1, 0.2], "region": "IT",
        }
    )  # fmt: skip
    by = ("model", "region")
    assert choose_layers(table, by=by)["layer"].tolist() == ["b"]  # the first of equals
    assert choose_layers(table, by=by)["score"].tolist() == [0.1]
    assert choose_layers(table, by=by, filters={"depth": lambda depth: depth > 0.5})["layer"].tolist() == ["c"]
    assert choose_layers(table, by=by, filters={"layer": ["a", "c"]})["layer"].tolist() == ["c"]
    assert choose_layers(table, by=by, criterion={"split": "test"})["score"].tolist() == [0.9]
    both = choose_layers(table, by=by, report={"region": "IT"})
    assert both[["layer", "split"]].to_numpy().tolist() == [["b", "train"], ["b", "test"]]
    holes = table.assign(score=[np.nan, 0.1, 0.05, 1, 1, 1])
    assert choose_layers(holes, by=by)["layer"].tolist() == ["b"]


def test_differences_are_paired(scores):
    one = scores.difference("good", "worse", metric="eReg", region="IT", subject="ann")
    chosen = scores.chosen().set_index(["metric", "subject", "model"])
    a, b = (chosen.loc[("eReg", "ann", model)] for model in ("good", "worse"))
    assert one.value == pytest.approx(a["score"] - b["score"])
    contribution = {model: scores.contributions[model, layer, "eReg", "IT", "ann"] for model, layer in (("good", "b"), ("worse", "a"))}
    assert np.count_nonzero(contribution["good"]) == 60  # the test stimuli
    error = np.sqrt(((contribution["good"] - contribution["worse"]) ** 2).sum())
    assert one.high - one.value == pytest.approx(2.001 * error, rel=1e-3)
    apart = np.hypot(a["high"] - a["score"], b["high"] - b["score"])
    assert one.high - one.value < apart  # what both owe to the same stimuli drops out
    assert one.p < 0.001
    assert one.n == 60
    whole = scores.difference("good", "worse", metric="eReg", region="IT")
    other = scores.difference("good", "worse", metric="eReg", region="IT", subject="bob")
    assert whole.value == pytest.approx((one.value + other.value) / 2)
    same = scores.difference(("good", "b"), "good", metric="cRSA", region="IT")
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)


def test_intervals_of_differences_hold_none_between_equals():
    """Two layers that are the signal in equal noise: the difference lies within its interval about 19 times in 20."""
    held = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        signal = rng.normal(size=(N, 10))
        layers = {name: features(signal + rng.normal(size=(N, 10)), name, "net") for name in "ab"}
        brain = Recording(ids=IDS, responses=signal @ rng.normal(size=(10, 15)) + rng.normal(size=(N, 15)))
        found = encode(layers, brain, metrics=("cRSA",)).difference(("net", "a"), ("net", "b"), metric="cRSA", region="all")
        held += found.low <= 0 <= found.high
    assert 35 <= held <= 40


def test_means_over_subjects(scores):
    found = scores.over_subjects()
    assert len(found) == len(scores.table) / 2
    assert set(found["n_subjects"]) == {2}
    assert set(found["n_units"]) == {30}
    assert "subject" not in found
    row = found[(found["model"] == "good") & (found["layer"] == "b") & (found["metric"] == "eRSA") & (found["split"] == "test")].iloc[0]
    own = scores.table
    for key in ("model", "layer", "metric", "split"):
        own = own[own[key] == row[key]]
    assert row["score"] == pytest.approx(own["score"].mean())
    assert row["ceiling_upper"] == pytest.approx(own["ceiling_upper"].mean())
    mean = sum(scores.contributions["good", "b", "eRSA", "IT", who].astype(float) for who in ("ann", "bob")) / 2
    assert row["high"] - row["score"] == pytest.approx(2.001 * np.sqrt((mean**2).sum()), rel=1e-3)
    assert row["high"] - row["low"] < (own["high"] - own["low"]).max()


def test_means_over_subjects_are_of_those_with_a_score(scores):
    bob = (scores.table["subject"] == "bob") & (scores.table["metric"] == "cRSA")
    found = replace(scores, table=scores.table.assign(score=scores.table["score"].mask(bob))).over_subjects()
    alone = scores.table[(scores.table["subject"] == "ann") & (scores.table["metric"] == "cRSA") & (scores.table["split"] == "test")]
    found = found[(found["metric"] == "cRSA") & (found["split"] == "test")]
    np.testing.assert_allclose(found[["score", "low", "high"]], alone[["score", "low", "high"]], atol=1e-6)
    assert set(found["n_subjects"]) == {1}
    nobody = replace(scores, table=scores.table.assign(score=np.nan)).over_subjects()
    assert nobody["low"].isna().all()
    assert set(nobody["n_subjects"]) == {0}


def test_merged_layers_and_regions_are_as_if_scored_at_once():
    """The best layer on train is the best of all, and no region's units are lost."""
    rng = np.random.default_rng(3)
    layers = {name: features(rng.normal(size=(N, 10)), name, "net") for name in "ab"}
    mixed = layers["a"].values @ rng.normal(size=(10, 30)) + rng.normal(size=(N, 30))
    units = pandas.DataFrame({"V1": [1] * 20 + [0] * 10, "IT": [0] * 15 + [1] * 15})
    brain = Recording(ids=IDS, responses=mixed, units=units)
    whole = encode(layers, brain)
    by_layer = encode({"b": layers["b"]}, brain).merge(encode({"a": layers["a"]}, brain))
    by_region = encode(layers, brain, regions=["V1"]).merge(encode(layers, brain, regions=["IT"]))
    keys = ["layer", "metric", "region", "split"]
    for made in (by_layer, by_region):
        both = [each.table.sort_values(keys).reset_index(drop=True)[[*keys, "score", "best_on_train"]] for each in (whole, made)]
        pandas.testing.assert_frame_equal(*both, atol=1e-6)
        assert made.recording == whole.recording
        for part in ("units", "alphas"):
            for key, values in getattr(whole, part).items():
                np.testing.assert_allclose(getattr(made, part)[key], values, atol=1e-6)
    assert set(by_layer.table.query("best_on_train and metric == 'eReg'")["layer"]) == {"a"}


def test_a_folder_gives_back_what_was_saved(scores, tmp_path):
    scores.save(tmp_path / "scores")
    again = BrainScores.load(tmp_path / "scores")
    pandas.testing.assert_frame_equal(again.table, scores.table)
    assert again.units.keys() == scores.units.keys()
    for part in ("units", "contributions", "alphas"):
        for key, values in getattr(scores, part).items():
            np.testing.assert_array_equal(getattr(again, part)[key], values)
    assert (again.recording, again.protocol, again.notes, again.level) == (scores.recording, scores.protocol, scores.notes, scores.level)
    assert str(again) == str(scores)
    assert sorted(each.name for each in (tmp_path / "scores").iterdir()) == [
        "alphas.npy", "contributions.npy", "scores.json", "table.parquet", "units.npy",
    ]  # fmt: skip


def test_a_protocol_of_many_parts_comes_back(scores, tmp_path):
    layer = Features(np.random.default_rng(0).normal(size=(N, 30)), IDS, "a", "m")
    brain = Recording(ids=IDS, responses=np.random.default_rng(1).normal(size=(N, 12)))
    made = encode(
        layer, brain, metrics="eReg", split=KFold(folds=3, seed=4), regression=PrincipalRegression(components=5),
        projection=SparseProjection(width=20),
    )  # fmt: skip
    made.save(tmp_path / "it")
    assert BrainScores.load(tmp_path / "it").protocol == made.protocol


def test_damaged_folders_are_refused(scores, tmp_path):
    scores.save(tmp_path / "scores")
    card = json.loads((tmp_path / "scores" / "scores.json").read_text())
    for change in (
        {"isomorph": "recording"},
        {"protocol": {"split": 1}},
        {"units": [["a"]]},
        {"notes": None},
        {"recording": {"name": "it"}},
        {"recording": 1},
    ):
        (tmp_path / "scores" / "scores.json").write_text(json.dumps({**card, **change}))
        with pytest.raises(FileError):
            BrainScores.load(tmp_path / "scores")
    with pytest.raises(FileError):
        BrainScores.load(tmp_path / "nowhere")


def test_it_reads_well(scores):
    assert repr(scores) == "BrainScores('sim', 2 models, 4 layers, 3 metrics, 1 region, conwell2024)"
    text = str(scores).splitlines()
    assert text[1] == "layers chosen on train, scored on test:"
    assert text[2].split() == ["model", "metric", "region", "subject", "layer", "score", "low", "high", "ceiling"]
    assert len([line for line in text if line.split()[0] in ("good", "worse")]) == 12
    assert scores.models == ("good", "worse")
    many = pandas.concat([scores.table.assign(region=f"V{at}") for at in range(3)], ignore_index=True)
    assert "and 12 rows more: chosen()" in str(replace(scores, table=many)).splitlines()
