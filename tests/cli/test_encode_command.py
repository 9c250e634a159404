"""`isomorph encode`: from files to scores, and everything that goes wrong on the way: one sentence, status 1."""

from __future__ import annotations

import json

import numpy as np
import pandas
import pytest

from isomorph.cli import main
from isomorph.encoding import BrainScores

N, UNITS = 48, 14


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A layer that explains the units, one that does not, the responses, and a table of units, in the current folder."""
    rng = np.random.default_rng(0)
    causes = rng.normal(size=(N, 4))
    np.save(tmp_path / "late.npy", causes @ rng.normal(size=(4, 30)) + 0.3 * rng.normal(size=(N, 30)))
    np.save(tmp_path / "early.npy", rng.normal(size=(N, 30)))
    responses = causes @ rng.normal(size=(4, UNITS)) + 0.5 * rng.normal(size=(N, UNITS))
    np.save(tmp_path / "y.npy", responses)
    table = {"subject": ["anna"] * 7 + ["ben"] * 7, "V1": [1] * 9 + [0] * 5, "IT": [0] * 5 + [1] * 9, "ncsnr": [1.5] * UNITS}
    pandas.DataFrame(table).to_csv(tmp_path / "units.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return responses


def run(capsys, *words: str):
    status = main(["encode", *map(str, words)])
    said = capsys.readouterr()
    return status, said.out, said.err


def answer(capsys, *words: str):
    status, out, err = run(capsys, *words, "--json")
    assert status == 0, err
    return json.loads(out)


def test_json_has_a_score_and_a_penalty_for_each_unit(files, capsys):
    found = answer(capsys, "early.npy", "late.npy", "y.npy", "--alphas", 0.1, 10, 1000, "--cv", "loo")
    assert (found["layer"], found["metric"], found["region"]) == ("late", "eReg", "all")
    assert len(found["scores"]) == len(found["alphas"]) == UNITS
    assert set(found["alphas"]) <= {0.1, 10, 1000}
    assert found["mean"] == pytest.approx(np.mean(found["scores"]), abs=1e-5)
    assert found["low"] < found["mean"] < found["high"]
    assert {(row["layer"], row["metric"], row["split"]) for row in found["table"]} >= {("early", "cRSA", "train"), ("late", "eRSA", "test")}
    best = next(row for row in found["table"] if (row["layer"], row["metric"], row["split"]) == ("late", "eReg", "test"))
    assert best["score"] == found["mean"]
    assert "loo-pearson" in best["regression"]
    assert found["headline"].endswith(".")


def test_scores_are_those_of_the_library(files, capsys):
    from isomorph.brains import Recording
    from isomorph.encoding import encode
    from isomorph.features import load_features

    found = answer(capsys, "late.npy", "y.npy", "--metrics", "eReg")
    x = load_features("late.npy")
    ours = encode(x, Recording(ids=x.ids, responses=files), metrics=("eReg",))
    np.testing.assert_allclose(found["scores"], next(iter(ours.units.values())), atol=1e-6)
    assert found["protocol"] == "conwell2024, changed"


def test_folds_choose_penalties_where_asked(files, capsys):
    found = answer(capsys, "late.npy", "y.npy", "--cv", 4, "--metrics", "eReg")
    assert "cv-pearson" in found["table"][0]["regression"]
    status, _, err = run(capsys, "late.npy", "y.npy", "--cv", "half")
    assert (status, err.strip()) == (1, "isomorph encode: cv is 'loo' or a number of folds, at least 2; got 'half'.")


def test_regions_and_subjects_of_the_table_of_units(files, capsys):
    words = ("late.npy", "y.npy", "--units", "units.csv", "--small-rois", "keep", "--min-units", 2, "--repeats", 3)
    found = answer(capsys, *words)
    assert {(row["region"], row["subject"]) for row in found["chosen"]} == {(r, s) for r in ("V1", "IT") for s in ("anna", "ben")}
    assert all(row["ceiling"] == pytest.approx(np.sqrt(1.5**2 / (1.5**2 + 1 / 3))) for row in found["chosen"] if row["metric"] == "eReg")
    found = answer(capsys, *words, "--roi", "IT", "--subject", "ben")
    assert {(row["region"], row["subject"]) for row in found["chosen"]} == {("IT", "ben")}
    status, _, err = run(capsys, *words, "--roi", "V3")
    assert status == 1
    assert "no region is called 'V3'" in err


def test_rdms_are_recordings_too(files, capsys):
    assert main(["rdm", "y.npy", "--out", "brain.npz"]) == 0
    assert main(["rdm", "y.npy", "--out", "brain.csv"]) == 0
    capsys.readouterr()
    for name in ("brain.npz", "brain.csv"):
        found = answer(capsys, "early.npy", "late.npy", name)
        assert (found["layer"], found["metric"]) == ("late", "cRSA")
        assert found["scores"] == found["alphas"] == []
        assert found["low"] < found["mean"] < found["high"]
        assert "the recording is of RDMs: eReg and eRSA need units and are left out." in found["notes"]


def test_all_layers_of_a_stored_extraction(tmp_path, capsys, monkeypatch):
    from PIL import Image

    from isomorph.brains import Recording

    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(12):
        Image.fromarray(rng.integers(0, 255, size=(24, 24, 3), dtype=np.uint8)).save(folder / f"{index}.png")
    words = ["extract", "bundled/mobilenet_v2.random-0", "--stimuli", str(folder), "--layers", "0.0", "-1", "--reduce", "gram", "--json"]
    assert main(words) == 0
    extracted = json.loads(capsys.readouterr().out.splitlines()[-1])
    ids = [f"{index}.png" for index in range(12)]
    Recording(ids=ids, responses=rng.normal(size=(12, 20)), name="ours").save(tmp_path / "ours")
    found = answer(capsys, extracted["fingerprint"], str(tmp_path / "ours"), "--metrics", "cRSA", "eReg")
    assert len({row["layer"] for row in found["table"]}) == 2
    assert found["recording"]["name"] == "ours"


def test_out_and_report_are_written(files, capsys):
    status, out, err = run(capsys, "late.npy", "y.npy", "--metrics", "eReg", "--out", "scores", "--report", "page")
    assert status == 0
    assert out.startswith("# conwell2024, changed, layers chosen on train, scored on test")
    assert "late (layer late) predicts all: eReg = " in err
    assert len(BrainScores.load("scores").table) == 2
    from pathlib import Path

    assert "late" in Path("page/index.html").read_text()
    assert run(capsys, "late.npy", "y.npy", "--out", "scores")[0] == 1  # never overwritten


def nan(y):
    y[3, 5] = np.nan


def constant(y):
    y[:, 2] = 1


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (nan, "y.npy: 1 of 14 units are NaN for some stimulus; the first is unit 5. Mask them out, or drop them with --bad-units drop."),
        (constant, "y.npy: 1 of 14 units are constant; the first is unit 2. Mask them out, or drop them with --bad-units drop."),
    ],
)
def test_units_that_cannot_be_used(files, capsys, spoil, sentence):
    spoil(files)
    np.save("y.npy", files)
    status, _, err = run(capsys, "late.npy", "y.npy")
    assert (status, err) == (1, f"isomorph encode: {sentence}\n")
    found = answer(capsys, "late.npy", "y.npy", "--bad-units", "drop", "--metrics", "eReg")
    assert len(found["scores"]) == UNITS - 1
    assert any(note.startswith("1 of 14 units dropped") for note in found["notes"])


def test_transposed_responses_are_told_of(files, capsys):
    np.save("t.npy", files.T)
    status, _, err = run(capsys, "late.npy", "t.npy")
    assert status == 1
    assert err == (
        "isomorph encode: late.npy has 48 rows, but the responses have 14 rows and 48 columns: they look transposed. "
        "If their rows are units, say --axes unit stimulus.\n"
    )
    right = answer(capsys, "late.npy", "t.npy", "--axes", "unit", "stimulus", "--metrics", "eReg")
    assert right["scores"] == answer(capsys, "late.npy", "y.npy", "--metrics", "eReg")["scores"]


def test_stimuli_that_differ_or_stand_twice(files, capsys):
    np.save("short.npy", np.load("late.npy")[:-1])
    status, _, err = run(capsys, "short.npy", "y.npy")
    assert status == 1
    assert "short.npy has 47 rows, but the responses are to 48 stimuli." in err
    ids = [f"picture{index}" for index in range(N)]
    np.savez("named.npz", responses=files, ids=np.array(ids))
    np.savez("other.npz", x=np.load("late.npy"), ids=np.array([*ids[:-1], "stranger"]))
    status, _, err = run(capsys, "other.npz", "named.npz")
    assert (status, err) == (1, "isomorph encode: other.npz lacks 1 of the 48 stimuli of the responses; the first is 'picture47'.\n")
    np.savez("twice.npz", responses=files, ids=np.array([*ids[:-1], ids[0]]))
    status, _, err = run(capsys, "late.npy", "twice.npz")
    assert status == 1
    assert "1 ids that stand more than once; the first is 'picture0'" in err


def test_rows_without_names_are_taken_in_order_and_that_is_said(files, capsys):
    np.savez("named.npz", responses=files, ids=np.array([f"picture{index}" for index in range(N)]))
    status, _, err = run(capsys, "late.npy", "named.npz", "--metrics", "eReg")
    assert status == 0
    assert "late.npy does not name its stimuli: its rows are taken in the order of the responses." in err


def test_a_grid_of_one_is_warned_of(files, capsys):
    status, _, err = run(capsys, "late.npy", "y.npy", "--alphas", 10, "--metrics", "eReg")
    assert status == 0
    assert "isomorph encode: warning: the grid has one alpha, 10: none is chosen. Give several: --alphas 0.1 1 10 100 1000." in err


def test_wrong_usage(files, capsys):
    assert run(capsys, "late.npy")[0] == 2
    assert run(capsys, "late.npy", "y.npy", "--time", 1, 2, 3)[0] == 2
    status, _, err = run(capsys, "late.npy", "y.npy", "--protocol", "conwel2024")
    assert (status, "Did you mean 'conwell2024'?" in err) == (1, True)
    status, _, err = run(capsys, "late.npy", "late.npy", "y.npy")
    assert (status, "the layer 'late' is given twice" in err) == (1, True)
    status, _, err = run(capsys, "late.npy", "y.npy", "--protocol", "brainscore", "--alphas", 1, 2)
    assert (status, "'brainscore' fits PLS, which has no penalties to choose" in err) == (1, True)


def test_saved_scores_of_recordings_with_one_name_stay_apart_in_a_report(files, capsys):
    """A recording that changed keeps its name: its regions may not take the place of the first one's."""
    assert run(capsys, "late.npy", "y.npy", "--metrics", "eReg", "--out", "first")[0] == 0
    np.save("y.npy", files[::-1])
    assert run(capsys, "late.npy", "y.npy", "--metrics", "eReg", "--out", "second")[0] == 0
    assert run(capsys, "early.npy", "y.npy", "--metrics", "eReg", "--out", "third")[0] == 0
    names = [BrainScores.load(each).recording for each in ("first", "second", "third")]
    assert names[0]["name"] == names[1]["name"]
    assert names[0]["digest"] != names[1]["digest"] == names[2]["digest"]
    assert main(["report", "first", "second", "third", "--out", "page", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 6
