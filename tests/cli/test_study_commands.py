"""evaluate, run, report, extract and demo, on small things."""

import json

import numpy as np
import pytest

from isomorph.cli import main


@pytest.fixture
def photos(tmp_path):
    from PIL import Image

    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(8):
        array = np.random.default_rng(index).integers(0, 255, size=(24, 24, 3), dtype=np.uint8)
        Image.fromarray(array).save(folder / f"{index}.png")
    return folder


@pytest.fixture
def pictures():
    import isomorph as iso
    from isomorph.errors import FetchError

    try:
        iso.load_benchmark("kriegeskorte-92")
    except FetchError as error:
        pytest.skip(f"the 92 photographs are not at hand: {error}")


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_extract_keeps_features_and_compare_reads_them_from_the_store(photos, tmp_path, capsys):
    out = tmp_path / "x.npz"
    assert main(["extract", "bundled/pixels", "--stimuli", str(photos), "--out", str(out), "--json"]) == 0
    (answer,) = lines(capsys)
    assert answer["n"] == 8
    layer = answer["layers"][0]["layer"]
    assert main(["compare", f"{answer['fingerprint'][:8]}#{layer}", str(out), "--replicates", "10", "--json"]) == 0
    assert lines(capsys)[0]["value"] == pytest.approx(1)


def test_extract_plans_without_doing(photos, capsys):
    assert main(["extract", "bundled/pixels", "--stimuli", str(photos), "--dry-run", "--json"]) == 0
    assert main(["extract", "bundled/pixels", "--stimuli", str(photos), "--dry-run"]) == 0
    assert main(["store", "ls", "--json"]) == 0
    assert '"kind": "extraction"' not in capsys.readouterr().out


def test_evaluate_saves_results_that_report_reads(pictures, tmp_path, capsys):
    words = ["evaluate", "bundled/pixels", "--benchmarks", "kriegeskorte-92", "--replicates", "20", "--permutations", "0"]
    assert main([*words, "--out", str(tmp_path / "results"), "--json"]) == 0
    rows = lines(capsys)
    assert {row["target"] for row in rows} == {"human IT", "monkey IT", "human judgments"}
    monkey = next(row for row in rows if row["target"] == "monkey IT")
    assert monkey["ceiling_lower"] is None
    assert main(["report", str(tmp_path / "results"), "--out", str(tmp_path / "report"), "--json"]) == 0
    (answer,) = lines(capsys)
    assert answer["models"] == ["bundled/pixels"]
    assert (tmp_path / "report" / "index.html").stat().st_size > 1000
    assert main(words) == 0
    assert "human judgments" in capsys.readouterr().out


@pytest.fixture
def study(tmp_path, photos):
    path = tmp_path / "study.toml"
    path.write_text(
        """
        models = ["bundled/pixels", "bundled/*random*"]
        stimuli = "photos"
        layers = [0.0, -1]
        measures = ["rsa-pearson", "rsa-spearman"]
        replicates = 10
        permutations = 10
        report = "out"
        """
    )
    return path


def test_a_study_is_planned_run_and_not_run_twice(study, tmp_path, capsys):
    assert main(["run", str(study), "--dry-run", "--json"]) == 0
    plan = lines(capsys)
    assert len(plan) >= 2
    assert not any(row["finished"] for row in plan)
    assert main(["run", str(study), "--json"]) == 0
    (answer,) = lines(capsys)
    assert answer["name"] == "study"
    assert answer["rows"] > 0
    assert (tmp_path / "out" / "index.html").is_file()
    assert main(["run", str(study), "--dry-run", "--json"]) == 0
    assert all(row["finished"] for row in lines(capsys))
    assert main(["run", str(study), "--dry-run"]) == 0
    assert f"0 of {len(plan)} units to do" in capsys.readouterr().err


FEW = ["demo", "--replicates", "20", "--permutations", "20", "--json", "--models", "bundled/pixels"]


def test_the_demo_ends_with_a_report(pictures, tmp_path, capsys):
    assert main([*FEW, "bundled/glove*", "--out", str(tmp_path / "demo")]) == 0
    (answer,) = lines(capsys)
    assert {"report", "headline", "rows", "models", "missing", "benchmarks", "best", "remarks", "seconds"} <= set(answer)
    assert "kriegeskorte-92" in answer["benchmarks"]
    assert {"human IT", "monkey IT", "human judgments"} <= {each["target"] for each in answer["best"]}
    assert (tmp_path / "demo" / "index.html").is_file()


def test_without_the_92_photographs_the_demo_says_so_and_still_ends_with_a_report(tmp_path, monkeypatch, capsys):
    from isomorph.benchmarks import packaged_photographs
    from isomorph.errors import MissingDependencyError

    try:
        count = len(packaged_photographs())
    except MissingDependencyError as error:
        pytest.skip(str(error))
    monkeypatch.setenv("ISOMORPH_DATA_MIRROR", str(tmp_path / "nothing"))
    monkeypatch.setenv("ISOMORPH_DATA", str(tmp_path / "cache"))
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there: no network
    assert main([*FEW, "bundled/mobilenet*random-0", "--out", str(tmp_path / "demo")]) == 0
    (answer,) = lines(capsys)
    assert "packaged-photographs" in answer["benchmarks"]
    assert f"saw {count} photographs that ship in packages" in answer["remarks"][0]
    assert "no brains, no people" in (tmp_path / "demo" / "index.html").read_text()
