"""VisAlign as a benchmark: rows by hand, seeds, people among themselves, and a folder of the user's."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from isomorph.benchmarks import AbstentionMatch, list_benchmarks, load_benchmark
from isomorph.errors import FileError, InputError
from isomorph.perception import Answers, hellinger

_PATH = Path(__file__).parents[1] / "visalign" / "example_answers.py"
_SPEC = importlib.util.spec_from_file_location("visalign_example", _PATH)
example = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(example)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    assert "visalign" in list_benchmarks()
    return load_benchmark("visalign", folder=example.example_set(tmp_path_factory.mktemp("set") / "visalign"))


def found(rows, model, target, measure):
    (row,) = [each for each in rows if (each["model"], each["target"], each["measure"]) == (model, target, measure)]
    return row


def test_distances_by_category_over_seeds_and_over_categories(bench):
    runs = [example.run(f"net/msp/{seed}", seed) for seed in (45, 46)]
    rows = bench.score(runs, replicates=200)
    people = np.array(list(example.VOTES.values())) / 10
    far = np.array([hellinger(people, each.probabilities) for each in runs])
    assert {each["model"] for each in rows} == {"net/msp", "humans"}
    means = []
    for category, columns in (("1", [0, 1]), ("4", [2]), ("8", [3, 4, 5])):
        row = found(rows, "net/msp", f"category {category}", "hellinger")
        each = far[:, columns].mean(axis=1)
        assert (row["value"], row["sd"], row["seeds"]) == (pytest.approx(each.mean()), pytest.approx(each.std(ddof=1)), 2)
        assert row["low"] <= row["value"] <= row["high"]
        assert row["n"] == len(columns)
        assert (row["ceiling"] == 0) == (category != "8")
        assert found(rows, "humans", f"category {category}", "hellinger")["value"] == row["ceiling"]
        means.append(each.mean())
    row = found(rows, "net/msp", "all", "hellinger")
    assert (row["value"], row["seeds"], row["n"]) == (pytest.approx(np.mean(means)), 2, 6)
    assert rows[0] == row
    away = np.mean([each.probabilities[:, 2] for each in runs], axis=0)
    assert found(rows, "net/msp", "severity 9", "abstention")["value"] == pytest.approx(away[4:].mean())
    assert (rows[0]["subjects"], rows[0]["replicates"]) == (10, 200)


def test_reliability_of_models_and_of_a_person(bench):
    rows = bench.score(example.run("net"), replicates=0)
    right = {c: found(rows, "net", "all", f"rs_{c}")["value"] for c in (0, 450, 900)}
    wrong = (right[0] - right[450]) / 450
    assert wrong == int(wrong)
    assert right[900] == right[0] - 900 * wrong
    # Three pictures are sure. In the others one of ten is right with the share of the class, wrong with that of the other one.
    assert found(rows, "humans", "all", "rs_0")["value"] == pytest.approx(3 + 0.5 + 0.2 + 0.1)
    assert found(rows, "humans", "all", "rs_450")["value"] == pytest.approx(3.8 - 450 * (0.1 + 0.0 + 0.1))
    assert found(rows, "net", "all", "rs_0")["ceiling"] == pytest.approx(3.8)
    never = Answers.from_decisions(tuple(example.VOTES), example.OUTCOMES, ["abstain"] * 6, abstain="abstain", subject="never")
    assert {found(bench.score(never, replicates=0), "never", "all", f"rs_{c}")["value"] for c in (0, 450, 900)} == {1.0}


def test_the_leaderboard_is_ordered_by_distance(bench):
    from isomorph.visalign import visalign_results

    results = visalign_results([example.run("far", shift=2.0), example.run("near")], bench, replicates=0)
    assert results.models == ("near", "far")
    assert list(results.leaderboard["model"]) == ["near", "far", "humans"]


def test_labels_that_are_no_peoples_have_no_ceiling(bench):
    from dataclasses import replace

    from isomorph.benchmarks._visalign_set import STAND_IN

    people = replace(bench.people, counts=None)
    rows = AbstentionMatch(name="x", data=replace(bench.data, people=people, notes=(STAND_IN,))).score(example.run("net"), replicates=0)
    assert {each["model"] for each in rows} == {"net"}
    assert {each["ceiling"] for each in rows} == {None}


def test_what_cannot_be_used(bench, tmp_path):
    def said(call):
        with pytest.raises((InputError, FileError)) as caught:
            call()
        return str(caught.value)

    assert said(lambda: load_benchmark("visalign")) == (
        "visalign is scored on a folder of yours, VisAlign's own as its archive unpacks or one that `isomorph visalign build` made: "
        "load_benchmark('visalign', folder=…), or `isomorph evaluate MODEL --benchmarks visalign --folder FOLDER`."
    )
    assert said(lambda: load_benchmark("cifar-10h", folder=tmp_path)) == (
        "cifar-10h has its own stimuli and takes no folder; visalign does."
    )
    assert said(lambda: bench.score([example.run("a/1"), example.run("a/1")])) == (
        "two runs are called 'a/1'; seeds make names differ: 'model/method/45'."
    )
    assert said(lambda: bench.score(example.run(""))) == "answers are compared under a name; give Answers(..., subject='my-model')."
    folder = example.example_set(tmp_path / "unlabelled")
    (folder / "open_test_set" / "labels.json").unlink()
    assert "holds no labels; put labels.json or labels.pk there." in said(lambda: load_benchmark("visalign", folder=folder))
