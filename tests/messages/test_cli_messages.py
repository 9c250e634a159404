"""What the command line says when something is wrong: one sentence on stderr, nothing on stdout, status 1."""

import numpy as np
import pytest

from isomorph.cli import main


@pytest.fixture
def features(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.random.default_rng(0).normal(size=(6, 4)))
    return str(path)


def failing(words, capsys):
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return err.strip()


def test_one_source(features, capsys):
    assert failing(["compare", features], capsys) == "isomorph compare: compare needs at least two sets of features; got 1."


def test_an_unknown_measure(features, capsys):
    assert failing(["compare", features, features, "--measure", "ckaa"], capsys) == (
        "isomorph compare: no measure is called 'ckaa'. Did you mean 'cka'?"
    )


def test_a_setting_without_a_value(features, capsys):
    assert failing(["compare", features, features, "--set", "debiased"], capsys) == (
        "isomorph compare: --set takes option=value; got 'debiased'."
    )


def test_no_such_file(features, capsys):
    err = failing(["compare", features, "nowhere.npy"], capsys)
    assert err.startswith("isomorph compare: 'nowhere.npy' is neither a file nor an object in the store ")
    assert err.endswith("`isomorph store ls` lists what is there.")


def test_an_rdm_in_an_unknown_format(features, tmp_path, capsys):
    assert failing(["rdm", features, "--out", str(tmp_path / "rdm.xyz")], capsys) == (
        "isomorph rdm: an RDM is written as .npy, .npz or .csv; got 'rdm.xyz'."
    )


def test_an_unknown_thing_to_show(capsys):
    assert failing(["show", "kriegeskorte"], capsys) == (
        "isomorph show: no benchmark is called 'kriegeskorte'. Did you mean 'kriegeskorte-92'?"
    )


def test_no_stimuli(tmp_path, capsys):
    missing = tmp_path / "photos"
    assert failing(["extract", "bundled/pixels", "--stimuli", str(missing)], capsys) == (
        f"isomorph extract: there is no folder or file {missing} to take stimuli from."
    )


def test_features_in_an_unknown_format(tmp_path, capsys):
    from PIL import Image

    Image.new("RGB", (8, 8), (10, 200, 30)).save(tmp_path / "a.png")
    assert failing(["extract", "bundled/pixels", "--stimuli", str(tmp_path), "--out", "x.doc"], capsys) == (
        "isomorph extract: features are written as .npz or .safetensors; got 'x.doc'."
    )


def test_a_folder_without_results(tmp_path, capsys):
    assert failing(["report", str(tmp_path), "--out", str(tmp_path / "r")], capsys) == (
        f"isomorph report: {tmp_path} is not a folder of saved results: "
        "scores.parquet and results.json and geometry.safetensors are missing."
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("models = [", "is not TOML"),
        ('models = ["bundled/pixels"]\nbenchmark = ["kriegeskorte-92"]', "no option is called 'benchmark'. Did you mean 'benchmarks'?"),
        ('benchmarks = ["kriegeskorte-92"]', "study.toml needs the option 'models'."),
        ('models = []\nbenchmarks = ["kriegeskorte-92"]', "the study 'study' names no models."),
        ('models = ["bundled/pixels"]', "the study 'study' needs either benchmarks or stimuli, and not both."),
        ('models = ["bundled/pixels"]\nbenchmarks = ["kriegeskorte-92"]\nseed = "zero"', "study.toml.seed must be int; got 'zero'."),
        (
            'models = ["bundled/nothing*"]\nbenchmarks = ["kriegeskorte-92"]',
            "the study 'study' asks for the models 'bundled/nothing*', and none match. `isomorph list models` shows all.",
        ),
    ],
)
def test_a_study_that_cannot_be_read(content, message, tmp_path, capsys):
    path = tmp_path / "study.toml"
    path.write_text(content)
    assert message in failing(["run", str(path)], capsys)


def test_no_study(tmp_path, capsys):
    path = tmp_path / "study.toml"
    assert failing(["run", str(path)], capsys) == f"isomorph run: the study {path} cannot be read: No such file or directory."


def test_a_model_of_another_modality(capsys):
    err = failing(["evaluate", "bundled/pixels", "--benchmarks", "lancaster-words"], capsys)
    assert err == (
        "isomorph evaluate: bundled/pixels takes image stimuli, but none of the benchmarks (lancaster-words) shows such. "
        "Leave the model out, or add a benchmark of image stimuli."
    )


def test_a_warning_is_a_line_without_code(features, capsys):
    words = ["compare", features, features, "--measure", "cka", "--set", "debiased=false", "--replicates", "0", "--json"]
    assert main(words) == 0
    assert capsys.readouterr().err == (
        "isomorph compare: warning: biased CKA of unrelated features of widths 4 and 4 is about 0.40 with 6 stimuli. Use debiased=True.\n"
    )
