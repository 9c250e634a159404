"""`isomorph behavior` and `isomorph perception` from files to JSON."""

import json
import pickle

import numpy as np
import pytest

from isomorph import data
from isomorph.cli import main
from isomorph.errors import FetchError
from isomorph.perception import (
    VISALIGN_OUTCOMES,
    Answers,
    behaviour_table,
    compare_answers,
    load_model_vs_human,
    read_answers,
    read_submission,
    write_trials,
)


def ask(capsys, *words):
    status = main([*words, "--json"])
    captured = capsys.readouterr()
    assert status == 0, captured.err
    return [json.loads(line) for line in captured.out.splitlines()]


@pytest.fixture
def folder(tmp_path):
    try:
        trials = load_model_vs_human(datasets=["cue-conflict", "edge"])
    except FetchError as error:
        pytest.skip(str(error))
    write_trials(trials, tmp_path / "csv")
    return tmp_path / "csv", trials


def test_behavior(folder, capsys):
    path, trials = folder
    rows = ask(capsys, "behavior", str(path), "--replicates", "50")
    expected = behaviour_table(trials, replicates=50).set_index("model")
    assert [row["model"] for row in rows] == ["bagnet33", "simclr-resnet50x1", "humans"]
    for row in rows:
        for key in ("accuracy_difference", "observed_consistency", "error_consistency", "ood_accuracy", "shape_bias"):
            assert row[key] == pytest.approx(expected.loc[row["model"], key])
            assert row[f"{key}_low"] == pytest.approx(expected.loc[row["model"], f"{key}_low"])
    assert [row["mean_rank"] for row in rows] == [2.0, 1.0, None]
    sets = ask(capsys, "behavior", str(path), "--by", "dataset", "--replicates", "0", "--datasets", "edge")
    assert [row["dataset"] for row in sets] == ["edge"] * 3
    assert main(["behavior", str(path), "--replicates", "20"]) == 0
    assert "0.051 [0." in capsys.readouterr().out


def test_the_mirror_is_such_a_folder(data_path, capsys):
    path = data_path("model-vs-human", "colour/colour_bagnet33_session-1.csv").parents[1]
    if any(not (path / each.file).is_file() for each in data.catalogue("model-vs-human")):
        pytest.skip("the mirror does not hold all of model-vs-human")
    rows = ask(capsys, "behavior", str(path), "--replicates", "0")
    assert rows[0]["error_consistency"] == pytest.approx(0.136566, abs=1e-6)


@pytest.fixture
def tables(tmp_path):
    rng = np.random.default_rng(0)
    ids, outcomes = [f"{at:03d}.png" for at in range(60)], ["cat", "dog", "abstain"]
    people = Answers.from_counts(ids, outcomes, rng.multinomial(20, [0.5, 0.3, 0.2], size=60), groups=[str(1 + at % 2) for at in range(60)])
    model = Answers(ids=ids[::-1], outcomes=outcomes, probabilities=rng.dirichlet(np.ones(3), size=60))
    people.save(tmp_path / "people.csv")
    model.save(tmp_path / "net.parquet")
    return tmp_path / "people.csv", tmp_path / "net.parquet"


def test_score(tables, capsys):
    people, net = map(str, tables)
    (found,) = ask(capsys, "perception", "score", people, net, "--replicates", "100")
    assert found["n"] == 60
    assert found["by"] == "groups"
    metrics = ["hellinger", "jsd", "total_variation", "cross_entropy", "ece"]
    expected = compare_answers(read_answers(net), read_answers(people), metric=metrics, replicates=100).set_index(["metric", "group"])
    for metric in metrics:
        assert found[metric]["overall"] == pytest.approx(expected.loc[(metric, "all"), "value"])
        assert found[metric]["low"] == pytest.approx(expected.loc[(metric, "all"), "low"])
        assert found[metric]["per_category"] == pytest.approx({each: expected.loc[(metric, each), "value"] for each in "12"})
    (by,) = ask(capsys, "perception", "score", people, net, "--by", "majority", "--replicates", "0")
    assert set(by["jsd"]["per_category"]) <= {"cat", "dog", "abstain"}
    assert main(["perception", "score", people, net]) == 0
    assert "hellinger" in capsys.readouterr().out


def test_reliability(tmp_path, capsys):
    facts = {"abstain": "abstain", "truth": ["cat", "abstain"]}
    Answers.from_decisions(["a", "b"], ["cat", "dog", "abstain"], ["cat", "dog"], **facts).save(tmp_path / "m.csv")
    rows = ask(capsys, "perception", "reliability", str(tmp_path / "m.csv"), "--replicates", "0")
    assert [(row["c"], row["score"], row["right"], row["wrong"]) for row in rows] == [(0, 1, 1, 1), (450, -449, 1, 1), (900, -899, 1, 1)]


def test_convert_from_a_pickle_to_a_submission(tmp_path, capsys):
    rows = {"a.jpg": np.arange(11.0), "b.jpg": np.eye(11)[10]}
    (tmp_path / "labels.pk").write_bytes(pickle.dumps(rows))
    out = tmp_path / "net.submission.json"
    (facts,) = ask(capsys, "perception", "convert", str(tmp_path / "labels.pk"), str(out))
    assert facts["outcomes"] == list(VISALIGN_OUTCOMES)
    assert json.loads(out.read_text()) == {name: row.tolist() for name, row in rows.items()}
    ask(capsys, "perception", "convert", str(out), str(tmp_path / "net.csv"))
    assert read_answers(tmp_path / "net.csv").probabilities == pytest.approx(read_submission(out).probabilities)


def test_plan(capsys):
    (found,) = ask(capsys, "perception", "plan", "--error", "0.0847")
    assert found["n"] == 134
    (found,) = ask(capsys, "perception", "plan", "--n", "134")
    assert found["error"] == pytest.approx(0.0847, abs=5e-5)
    assert main(["perception", "plan"]) == 1
    assert capsys.readouterr().err == "isomorph perception: a plan takes error or n, and gives the other.\n"
