"""compare, rdm, list and show: their JSON keys are promises."""

import csv
import json

import numpy as np
import pytest

from isomorph.benchmarks import list_benchmarks
from isomorph.cli import main


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 8))
    arrays = {"x": x, "same": x @ np.linalg.qr(rng.normal(size=(8, 8)))[0], "other": rng.normal(size=(20, 5))}
    paths = []
    for name, array in arrays.items():
        paths.append(str(tmp_path / f"{name}.npy"))
        np.save(paths[-1], array)
    return paths


def json_of(capsys):
    return json.loads(capsys.readouterr().out)


def test_compare_two_files(files, capsys):
    assert main(["compare", *files[:2], "--measure", "cka", "--replicates", "20", "--json"]) == 0
    answer = json_of(capsys)
    assert {"measure", "options", "value", "low", "high", "n"} <= set(answer)
    assert answer["value"] == pytest.approx(1)
    assert answer["n"] == 20
    assert answer["options"]["debiased"] is True


def test_compare_takes_options_of_the_measure(files, capsys):
    words = ["compare", files[0], files[2], "--measure", "cka", "--set", "debiased=false", "--replicates", "20", "--json"]
    assert main(words) == 0
    biased = json_of(capsys)
    assert biased["options"] == {"estimator": "biased", "debiased": False}
    assert main([each for each in words if each not in ("--set", "debiased=false")]) == 0
    assert json_of(capsys)["value"] < biased["value"]


@pytest.mark.parametrize("settings", [["--set", "a=1", "b=x"], ["--set", "a=1", "--set", "b=x"]])
def test_settings_may_stand_together_or_apart(settings, files, capsys):
    assert main(["compare", *files[:2], "--measure", "cka", *settings]) == 1
    assert "'a'" in capsys.readouterr().err


def test_compare_many_files(files, capsys):
    assert main(["compare", *files, "--measure", "cka", "--json"]) == 0
    answer = json_of(capsys)
    assert answer["names"] == files
    matrix = np.array(answer["matrix"])
    assert matrix.shape == (3, 3)
    assert np.allclose(np.diag(matrix), 1)
    assert np.allclose(matrix, matrix.T)


def test_compare_prints_text_for_people(files, capsys):
    assert main(["compare", *files[:2], "--replicates", "20"]) == 0
    assert "value" in capsys.readouterr().out


def test_rdm_writes_the_upper_triangle_row_by_row(files, tmp_path, capsys):
    out = tmp_path / "rdm.npy"
    assert main(["rdm", files[0], "--distance", "correlation", "--out", str(out), "--json"]) == 0
    answer = json_of(capsys)
    assert answer["distance"] == "correlation"
    assert answer["n"] == 20
    expected = (1 - np.corrcoef(np.load(files[0])))[np.triu_indices(20, 1)]
    assert np.allclose(np.load(out), expected)


def test_rdm_as_csv_names_both_stimuli(files, tmp_path):
    out = tmp_path / "rdm.csv"
    assert main(["rdm", files[0], "--distance", "euclidean", "--out", str(out)]) == 0
    lines = out.read_text().splitlines()
    assert lines[0] == "first,second,dissimilarity"
    assert len(lines) == 191


def test_an_rdm_as_csv_keeps_ids_with_commas_whole(files, tmp_path):
    named, out = tmp_path / "named.csv", tmp_path / "rdm.csv"
    named.write_text('id,a,b\n"cat, black",1,2\ndog,3,4\n')
    assert main(["rdm", str(named), "--distance", "euclidean", "--out", str(out)]) == 0
    with out.open(newline="") as file:
        assert list(csv.reader(file))[1] == ["cat, black", "dog", "2.8284271247461903"]


def test_one_array_of_several_in_a_file(files, tmp_path, capsys):
    archive = tmp_path / "many.npz"
    np.savez(archive, a=np.load(files[0]), b=np.load(files[2]))
    assert main(["compare", f"{archive}#a", f"{archive}#a", "--replicates", "20", "--json"]) == 0
    assert json_of(capsys)["value"] == pytest.approx(1)


@pytest.mark.parametrize("kind", ["benchmarks", "measures", "data", "models"])
def test_list_is_one_object_a_line(kind, capsys):
    pattern = ["bundled/*"] if kind == "models" else []
    assert main(["list", kind, *pattern, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) >= 3
    assert all({"name", "summary"} <= set(row) for row in rows)


def test_list_as_text_keeps_stdout_for_the_rows(capsys):
    assert main(["list", "benchmarks"]) == 0
    out, err = capsys.readouterr()
    assert "kriegeskorte-92" in out
    assert f"{len(list_benchmarks())} benchmarks" in err


@pytest.mark.parametrize("name", ["cka", "kriegeskorte-92", "bundled/pixels"])
def test_show_one_thing(name, capsys):
    assert main(["show", name, "--json"]) == 0
    assert json_of(capsys)["name"] == name


def test_store_is_empty_sound_and_clean(capsys):
    assert main(["store", "ls", "--json"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["store", "verify"]) == 0
    assert main(["store", "gc", "--dry-run", "--json"]) == 0


def test_data_list_names_files_with_their_digests(capsys):
    assert main(["data", "list", "kriegeskorte-92", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 4
    assert all(len(row["sha256"]) == 64 for row in rows)
