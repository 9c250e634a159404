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
    assert main(["compare", features]) == 2
    assert capsys.readouterr().err == (
        "isomorph compare: at least two sets of features are needed; got 1. `isomorph compare --help` explains the options.\n"
    )


def test_nothing_to_evaluate_or_to_report(capsys):
    assert main(["evaluate", "--benchmarks", "kriegeskorte-92"]) == main(["report"]) == 2
    assert capsys.readouterr().err == (
        "isomorph evaluate: at least one model is needed; `isomorph list models` shows them. "
        "`isomorph evaluate --help` explains the options.\n"
        "isomorph report: at least one folder of results is needed. `isomorph report --help` explains the options.\n"
    )


def test_an_unknown_measure(features, capsys):
    assert failing(["compare", features, features, "--measure", "ckaa"], capsys) == (
        "isomorph compare: no measure is called 'ckaa'. Did you mean 'cka' or 'cknna'?"
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
        "isomorph show: no benchmark, measure or protocol is called 'kriegeskorte'. Did you mean 'kriegeskorte-92'?"
    )


def test_no_stimuli(tmp_path, capsys):
    missing = tmp_path / "photos"
    assert failing(["extract", "bundled/pixels", "--stimuli", str(missing)], capsys) == (
        f"isomorph extract: there is no folder or file {missing} to take stimuli from, nor a set of that name in `isomorph list stimuli`."
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
        "isomorph compare: warning: biased CKA of unrelated features of widths 4 and 4 is about 0.40 with 6 stimuli. "
        "Use --set debiased=true.\n"
    )


def test_advice_names_options_of_the_command(features, tmp_path, capsys):
    photos = tmp_path / "on_error"  # a name of the person's own is left alone
    photos.mkdir()
    (photos / "a.png").write_text("no picture")
    err = failing(["extract", "bundled/pixels", "--stimuli", str(photos)], capsys)
    assert f"({photos}/a.png)" in err
    assert err.endswith("Replace it, or leave out what cannot be decoded with --on-error skip.")

    study = tmp_path / "study.toml"
    study.write_text('models = ["bundled/pixels", "bundled/mobilenet_v2.random-0"]\nstimuli = "on_error"')
    assert failing(["run", str(study), "--store", str(tmp_path / "store")], capsys).endswith("it begins with b'no picture'. Replace it.")

    flat, two = tmp_path / "flat.npy", tmp_path / "two.npz"
    np.save(flat, np.ones((6, 4)))
    assert failing(["rdm", str(flat), "--out", "r.npy"], capsys).endswith("Leave them out, or use --distance euclidean.")
    assert failing(["compare", features, str(flat), "--measure", "rsa"], capsys).endswith(
        "Leave them out, or use --set distance=euclidean."
    )
    np.savez(two, a=np.ones((6, 4)), b=np.ones((6, 5)))
    assert "name what to read as FILE#KEY. It holds" in failing(["compare", features, str(two)], capsys)
    np.save(tmp_path / "five.npy", np.ones((5, 4)))
    assert failing(["compare", features, str(tmp_path / "five.npy")], capsys).endswith(
        "CKA compares the same stimuli: leave the others out of the files."
    )


@pytest.mark.parametrize("name", ["layers.npz", "layers.safetensors"])
def test_an_output_that_cannot_be_written(name, tmp_path, capsys):
    from PIL import Image

    photos, out = tmp_path / "photos", tmp_path / "nowhere" / name
    photos.mkdir()
    Image.new("RGB", (8, 8), (10, 200, 30)).save(photos / "a.png")
    err = failing(["extract", "bundled/pixels", "--stimuli", str(photos), "--out", str(out), "--store", str(tmp_path / "store")], capsys)
    assert f"isomorph extract: {out} cannot be written: " in err
    assert err.endswith("The extraction itself is in the store.")
