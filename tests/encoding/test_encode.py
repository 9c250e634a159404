"""`encode` on made-up models and brains: rows, regions, certainty, and what is said beside the numbers."""

import numpy as np
import pandas
import pytest

import isomorph
from isomorph.brains import RDMRecording, Recording
from isomorph.encoding import Halves, KFold, Ridge, Shuffled, SparseProjection, encode, score_units
from isomorph.encoding._brain_scores import COLUMNS
from isomorph.engine import Progress
from isomorph.features import Features
from isomorph.geometry import Gram

N = 80
IDS = tuple(f"p{row}" for row in range(N))
KEYS = ["layer", "metric", "region", "subject", "split"]


def simulated(seed=0, times=0):
    """Three layers; two subjects' units follow the second; V1 and V2 share units, and IT has six units of one subject alone."""
    rng = np.random.default_rng(seed)
    layers = {f"conv{at}": Features(rng.normal(size=(N, 40)).astype(np.float32), IDS, f"conv{at}", "net") for at in range(3)}
    signal = layers["conv1"].values @ rng.normal(size=(40, 60))
    trials = (signal / signal.std(axis=0))[:, None] + rng.normal(size=(N, 3, 60))
    place = np.arange(60) % 30
    units = pandas.DataFrame(
        {
            "subject": np.repeat(["ann", "bob"], 30),
            "V1": place < 16,
            "V2": (place >= 12) & (place < 28),
            "IT": (place >= 24) & (np.arange(60) < 30),
        }
    )
    if times:
        trials = trials[..., None] * np.linspace(0, 1, times) + rng.normal(size=(N, 3, 60, times)) * 0.1
    when = np.arange(times) / 100 if times else None
    return layers, Recording(ids=IDS, trials=trials, units=units, times=when, name="sim", small_rois="keep")


@pytest.fixture(scope="module")
def scores():
    layers, brain = simulated()
    return encode(layers, brain, min_units=2)


def test_one_row_for_every_combination(scores):
    assert tuple(scores.table.columns) == COLUMNS
    groups = {("V1", "ann"), ("V1", "bob"), ("V2", "ann"), ("V2", "bob"), ("IT", "ann")}
    assert len(scores.table) == 3 * 3 * len(groups) * 2
    assert not scores.table.duplicated(KEYS).any()
    assert set(map(tuple, scores.table[["region", "subject"]].to_numpy())) == groups
    assert set(scores.table["n_stimuli"]) == {40}
    assert scores.table.groupby(["region", "subject"])["n_units"].first().to_dict() == {
        ("V1", "ann"): 16, ("V1", "bob"): 16, ("V2", "ann"): 16, ("V2", "bob"): 16, ("IT", "ann"): 6,
    }  # fmt: skip
    assert scores.table.set_index("layer")["depth"].to_dict() == {"conv0": 0.0, "conv1": 0.5, "conv2": 1.0}
    assert scores.recording == {
        "name": "sim", "digest": simulated()[1].digest, "regions": ["V1", "V2", "IT"], "subjects": ["ann", "bob"], "stimuli": N,
    }  # fmt: skip


def test_the_layer_that_drives_the_brain_is_chosen(scores):
    chosen = scores.chosen()
    assert set(chosen["layer"]) == {"conv1"}
    assert set(chosen["split"]) == {"test"}
    assert len(chosen) == 3 * 5
    best = scores.table[scores.table["best_on_train"]]
    assert set(best["layer"]) == {"conv1"}
    assert len(best) == 3 * 5 * 2


def test_a_region_has_the_mean_of_its_units(scores):
    units = scores.units["net", "conv1", "eReg"]
    _, brain = simulated()
    for (region, subject), rows in scores.table[scores.table["metric"] == "eReg"].groupby(["region", "subject"]):
        inside = (brain.units[region].to_numpy() == 1) & (brain.units["subject"].to_numpy() == subject)
        found = rows[(rows["layer"] == "conv1") & (rows["split"] == "test")]["score"].item()
        assert found == pytest.approx(units[inside].mean(), abs=1e-6)
    assert np.isnan(units[58:]).all()  # in no region
    alphas = scores.alphas["net", "conv1"]
    row = scores.table.query("layer == 'conv1' and metric == 'eReg' and region == 'IT' and split == 'test'").iloc[0]
    inside = brain.units["IT"].to_numpy() == 1
    assert (row["alpha_low"], row["alpha_high"]) == pytest.approx((alphas[inside].min(), alphas[inside].max()))
    assert np.isfinite(units[:58]).sum() == 58


def test_rows_meet_by_id(scores):
    layers, brain = simulated()
    rng = np.random.default_rng(3)
    more = {}
    for name, each in layers.items():
        order = rng.permutation(N + 5)
        values = np.vstack([each.values, rng.normal(size=(5, 40)).astype(np.float32)])[order]
        more[name] = Features(values, tuple(np.array([*IDS, "a", "b", "c", "d", "e"])[order]), name, "net")
    again = encode(more, brain, min_units=2)
    np.testing.assert_allclose(again.table["score"], scores.table["score"], atol=1e-5)


def test_ceilings_come_from_trials_and_intervals_hold_the_score(scores):
    table = scores.table
    unit = table[table["metric"] == "eReg"]
    assert unit["ceiling"].between(0.7, 1).all()
    assert unit["ceiling_upper"].isna().all()
    geometry = table[table["metric"] != "eReg"]
    assert (geometry["ceiling"] == geometry["ceiling_upper"]).all()
    assert (geometry["ceiling_lower"] < geometry["ceiling_upper"]).all()
    assert table["low"].lt(table["score"]).all()
    assert table["high"].gt(table["score"]).all()
    assert table["p"].isna().all()
    assert set(table["replicates"]) == {0}


def test_the_bootstrap_agrees_with_influences(scores):
    layers, brain = simulated()
    drawn = encode(layers, brain, min_units=2, intervals="bootstrap", replicates=400)
    assert set(drawn.table["replicates"]) == {400}
    np.testing.assert_allclose(drawn.table["score"], scores.table["score"], atol=1e-12)
    width = (drawn.table["high"] - drawn.table["low"]) / (scores.table["high"] - scores.table["low"])
    assert 0.9 < width.median() < 1.15
    assert width.between(0.7, 1.8).all()


def test_units_and_both_make_wider_intervals():
    layers, brain = simulated()
    width = {}
    for resample in ("stimuli", "units", "both"):
        table = encode(layers["conv1"], brain, metrics=("eReg",), resample=resample).table
        width[resample] = (table["high"] - table["low"]).to_numpy()
    np.testing.assert_allclose(width["both"] ** 2, width["stimuli"] ** 2 + width["units"] ** 2, rtol=1e-9)
    table = encode(layers["conv1"], brain, metrics=("eReg",), regions=["V1"], resample="units")
    inside = brain.units["V1"].to_numpy() & (brain.units["subject"] == "ann").to_numpy()
    error = table.units["net", "conv1", "eReg"][inside].std(ddof=1) / 4
    row = table.table[(table.table["subject"] == "ann") & (table.table["split"] == "test")].iloc[0]
    assert row["high"] - row["score"] == pytest.approx(2.0227 * error, rel=1e-3)  # t with 39 degrees
    folds = encode(layers["conv1"], brain, metrics=("eReg",), regions=["V1"], resample="units", split=KFold(folds=3))
    error = folds.units["net", "conv1", "eReg"][inside].std(ddof=1) / 4  # of means over folds
    row = folds.table[(folds.table["subject"] == "ann") & (folds.table["split"] == "test")].iloc[0]
    assert row["high"] - row["score"] == pytest.approx(1.9905 * error, rel=1e-3)


def test_permutations_tell_the_layer_from_the_others():
    layers, brain = simulated()
    table = encode(layers, brain, permutations=199, min_units=2).table
    test = table[table["split"] == "test"]
    assert table[table["split"] == "train"]["p"].isna().all()
    assert (test[test["layer"] == "conv1"]["p"] == 1 / 200).all()
    others = test[test["layer"] != "conv1"]["p"]
    assert others.between(1 / 200, 1).all()
    assert others.median() > 0.1


def test_several_folds_are_averaged():
    layers, brain = simulated()
    split = Shuffled(splits=3, test=0.25)
    table = encode(layers["conv1"], brain, split=split, metrics=("cRSA", "eReg"), regions="V1").table
    expected = {"cRSA": [], "eReg": []}
    for train, test in split.of(IDS):
        half = Halves(train=tuple(IDS[row] for row in train), test=tuple(IDS[row] for row in test))
        one = encode(layers["conv1"], brain, split=half, metrics=("cRSA", "eReg"), regions="V1").table
        for metric, found in expected.items():
            found.append(one[(one["metric"] == metric) & (one["split"] == "test")]["score"].to_numpy())
    for metric, found in expected.items():
        rows = table[(table["metric"] == metric) & (table["split"] == "test")]
        np.testing.assert_allclose(rows["score"], np.mean(found, axis=0), atol=1e-6)


def test_every_scorer_scores_predictions_in_the_units_of_responses():
    layers, brain = simulated()
    brain = Recording(ids=IDS, responses=brain.responses * 3 + 100, units=brain.units, small_rois="keep")
    options = {"metrics": ("eReg",), "regions": "V1", "regression": Ridge(standardise=True)}
    fitted = Ridge().fit(layers["conv1"].take(IDS[::2]), Features(brain.responses[::2], IDS[::2]))
    made = fitted.predict(layers["conv1"].take(IDS[1::2])).values
    for scorer in ("r2", "explained_variance", "concordance"):
        found = encode(layers["conv1"], brain, scorer=scorer, **options).units["net", "conv1", "eReg"]
        inside = np.isfinite(found)
        np.testing.assert_allclose(found[inside], score_units(made, brain.responses[1::2], scorer).values[inside], atol=1e-4)


def test_the_ridge_of_inner_products_is_the_limit_of_wide_projections():
    rng = np.random.default_rng(0)
    layer = Features(rng.normal(size=(N, 900)).astype(np.float32) / np.sqrt(np.arange(1, 901)), IDS, "wide", "net")
    brain = Recording(ids=IDS, responses=layer.values[:, :30] * 3 + rng.normal(size=(N, 30)) * 0.1)
    limit = encode(layer, brain, metrics=("eReg",), regression=Ridge(standardise=False, width=60_000)).table
    drawn = encode(layer, brain, metrics=("eReg",), projection=SparseProjection(width=60_000, seed=1)).table
    np.testing.assert_allclose(drawn["score"], limit["score"], atol=0.01)
    for column in ("alpha_low", "alpha_median", "alpha_high"):
        np.testing.assert_array_equal(drawn[column], limit[column])
    assert set(drawn["projection"]) == {"sparse, 60000 columns, seed 1"}


def test_responses_over_time():
    layers, brain = simulated(times=4)
    late = encode(layers, brain, time=0.03, metrics=("eReg",))
    window = encode(layers, brain, time=(0.01, 0.03), metrics=("eReg",))
    assert late.table["ceiling"].notna().all()
    assert set(late.chosen()["layer"]) == set(window.chosen()["layer"]) == {"conv1"}
    early = encode(layers["conv1"], brain, time=0.0, metrics=("eReg",)).table
    assert early[early["split"] == "test"]["score"].abs().max() < 0.2


def test_rdms_alone_are_scored_by_geometry():
    layers, brain = simulated()
    rdms = RDMRecording.from_recording(brain, rois=["V1", "V2"])
    scores = encode({name: Gram.from_features(each) for name, each in layers.items()}, rdms, permutations=50)
    whole = encode(layers, brain, metrics=("cRSA",), regions=["V1", "V2"], ceiling="leave-one-subject-out")
    assert set(scores.table["metric"]) == {"cRSA"}
    assert scores.notes[0] == "the recording is of RDMs: eReg and eRSA need units and are left out."
    for column in ("score", "ceiling_lower", "ceiling_upper"):
        np.testing.assert_allclose(scores.table[column], whole.table[column], atol=1e-9)
    assert set(scores.chosen()["layer"]) == {"conv1"}
    assert scores.table["protocol"].unique().tolist() == ["conwell2024"]


def test_layers_that_tell_nothing_apart_are_named():
    layers, brain = simulated()
    layers["dead"] = Features(np.zeros((N, 3)), IDS)
    odd = layers["conv0"].values.copy()
    odd[1::2] = 0.5
    layers["half"] = Features(odd, IDS)
    scores = encode(layers, brain, metrics=("cRSA",))
    assert set(scores.table["layer"]) == {"conv0", "conv1", "conv2"}
    assert "2 layers are alike for all stimuli of one side of the split, and left out: dead, half." in scores.notes


def test_a_stimulus_without_a_pattern_leaves_the_geometry_undefined():
    layers, brain = simulated()
    layers["conv0"].values[5] = 0
    scores = encode(layers, brain, regions="V1")
    missing = scores.table[scores.table["score"].isna()]
    assert set(map(tuple, missing[["layer", "metric", "split"]].to_numpy())) == {("conv0", "cRSA", "test")}
    assert any(note.startswith("2 of 18 test scores are not defined") for note in scores.notes)
    assert set(scores.chosen()["layer"]) == {"conv1"}


def test_notes_say_what_a_reader_ought_to_know():
    layers, brain = simulated()
    scores = encode(layers, brain, min_units=7, regression=Ridge(alphas=(1e4, 1e5), standardise=False))
    assert scores.notes[0] == "left out, with fewer than 7 units: IT of ann (6)."
    assert scores.notes[1].startswith("in 3 of 3 layers more than 5% of a region's units have the smallest or largest alpha of the grid")
    few = encode(layers, brain, min_units=2, metrics=("cRSA",))
    assert few.notes[0] == "with fewer than 10 units, scores are of these few: IT of ann (6)."
    quiet = Recording(ids=IDS, responses=brain.responses, units=brain.units.assign(ncsnr=0.1), repeats=np.full(N, 3), small_rois="keep")
    above = encode(layers, quiet, metrics=("eReg",), regions="V1")
    assert above.notes[-1].startswith("2 test scores are above their ceilings, which are estimates: eReg of conv1 with V1 of")
    assert above.table["score"].max() > 0.4  # and not clipped


def test_one_region_of_a_recording_is_a_recording():
    layers, brain = simulated()
    one = brain["V2"]
    assert one.rois == {"V2": {"ann": 16, "bob": 16}}
    assert one.trials is not None
    scores = encode(layers["conv1"], one, metrics=("cRSA",))
    assert scores.table["region"].unique().tolist() == ["V2"]


def test_it_shows_progress_and_is_an_export(capsys):
    layers, brain = simulated()
    with Progress() as progress:
        isomorph.encode(layers, brain, metrics=("cRSA",), progress=progress)
    assert "encoding" in capsys.readouterr().err
    assert isomorph.load_brain is not None
