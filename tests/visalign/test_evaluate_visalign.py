"""Models and files of answers on a VisAlign set: from the terminal, with a page; and what they cannot do."""

import importlib.util
import json
from pathlib import Path

import pytest

from isomorph.cli import main

_SPEC = importlib.util.spec_from_file_location("visalign_example", Path(__file__).with_name("example_answers.py"))
example = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(example)
MODEL = "visalign/mlp_small.random-0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return example.example_set(tmp_path_factory.mktemp("set") / "visalign", learn=True)


def test_a_model_learns_the_set_and_a_file_is_scored_beside_it(folder, tmp_path, capsys):
    example.run("mine").save(tmp_path / "mine.npz")
    words = ["evaluate", MODEL, str(tmp_path / "mine.npz"), "--benchmarks", "visalign", "--folder", str(folder), "--replicates", "10"]
    words += ["--store", str(tmp_path / "store")]
    assert main([*words, "--out", str(tmp_path / "out"), "--report", str(tmp_path / "page"), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {each["model"] for each in rows} == {
        "mine", "humans", *(f"{MODEL}/{method}" for method in ("msp", "mcdropout", "deepensemble", "knn")),
    }  # fmt: skip
    seeds = {each["model"]: each["seeds"] for each in rows if (each["target"], each["measure"]) == ("category 8", "hellinger")}
    assert (seeds[f"{MODEL}/msp"], seeds[f"{MODEL}/deepensemble"], seeds["mine"]) == (3, 1, 1)
    columns = {"model", "target", "measure", "value", "low", "high", "ceiling", "n", "subjects", "seed", "replicates", "sd", "seeds"}
    assert set(rows[0]) == columns
    text = (tmp_path / "page" / "index.html").read_text()
    for part in ("comes closest to people", "abstain, other things", "mcdropout", "data:image/jpeg;base64,", "two halves of the people"):
        assert part in text
    assert {path.stem for path in (tmp_path / "page" / "figures").glob("*.svg")} == {"categories", "reliability", "severity"}
    kept = {each: each.stat().st_mtime_ns for each in (tmp_path / "store" / "visalign").rglob("*") if each.is_file()}
    assert main(words) == 0
    assert "knn" in capsys.readouterr().out
    assert {each: each.stat().st_mtime_ns for each in kept} == kept


def test_names_are_never_html(folder, tmp_path):
    from isomorph.benchmarks import load_benchmark
    from isomorph.report import visalign_report
    from isomorph.visalign import visalign_results

    name = "<img src=x onerror=alert(1)>"
    results = visalign_results([example.run(name)], load_benchmark("visalign", folder=folder), notes=[name], replicates=0)
    assert name not in visalign_report(results).save(tmp_path, figures=False).read_text()


def test_what_cannot_answer_is_said_before_anything_is_done(folder, tmp_path, capsys):
    bare = example.example_set(tmp_path / "bare")

    def said(*words):
        assert main(["evaluate", *words, "--store", str(tmp_path / "store")]) != 0
        return capsys.readouterr().err

    assert (
        f"{MODEL} answers with classes of its own, and {bare} holds no pictures from which a classifier of cat, dog could learn "
        "(train_split_filenames/final_train and final_eval). Give files of answers instead, or add those pictures."
    ) in said(MODEL, "--benchmarks", "visalign", "--folder", str(bare))
    text = "bundled/glove_6b_50d"
    assert f"{text} takes texts, and visalign shows pictures." in said(text, "--benchmarks", "visalign", "--folder", str(folder))
    assert "visalign is scored on a folder of yours" in said(MODEL, "--benchmarks", "visalign")
    assert "--folder is the data set of visalign, given alone" in said(MODEL, "--benchmarks", "kriegeskorte-92", "--folder", str(folder))
    mixed = said(MODEL, "--benchmarks", "visalign", "kriegeskorte-92")
    assert "visalign trains a classifier of each model's features on a set's own pictures" in mixed
    assert not (tmp_path / "store").exists()
