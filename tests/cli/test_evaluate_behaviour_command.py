"""`isomorph evaluate` on benchmarks of behaviour."""

import json

import pytest

from isomorph.benchmarks import load_benchmark
from isomorph.cli import main
from isomorph.cli._evaluate_behaviour import deliver_answers
from isomorph.errors import FetchError
from isomorph.results import evaluate_behaviour


@pytest.fixture(autouse=True)
def published():
    try:
        load_benchmark("shape-bias")
    except FetchError as error:
        pytest.skip(f"the trials are not at hand: {error}")


def test_what_is_published_alone(tmp_path, capsys):
    results = evaluate_behaviour([], "shape-bias", replicates=0)
    deliver_answers(results, out=tmp_path / "out", report=None, json=True)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {each["model"]: round(each["value"], 6) for each in rows} == {
        "bagnet33": 0.051073, "simclr-resnet50x1": 0.387850, "humans": 0.958688,
    }  # fmt: skip
    assert (tmp_path / "out" / "leaderboard.csv").is_file()
    deliver_answers(results, out=None, report=None, json=False)
    assert "simclr-resnet50x1" in capsys.readouterr().out


def test_a_model_without_classes_is_a_sentence(capsys):
    assert main(["evaluate", "bundled/pixels", "--benchmarks", "shape-bias"]) != 0
    assert "it has no class outputs" in capsys.readouterr().err
