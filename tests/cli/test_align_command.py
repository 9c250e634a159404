"""`isomorph align fit|apply`."""

import json

import numpy as np
import pytest

from isomorph.alignment import FittedTransform, Procrustes
from isomorph.cli import main
from isomorph.features import Features, load_features


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.normal(size=(30, 5)))
    np.save(tmp_path / "images.npy", rng.normal(size=(40, 5)))
    np.savetxt(tmp_path / "trials.txt", np.stack([rng.permutation(30)[:3] for _ in range(200)]), fmt="%d")
    np.savez(tmp_path / "map.npz", weights=rng.normal(size=(5, 5)), bias=rng.normal(size=5), mean=np.float64(0.3), std=np.float64(2))
    return tmp_path


def run(capsys, *words):
    status = main(["align", *map(str, words)])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_apply(folder, capsys):
    status, out, _ = run(capsys, "apply", folder / "x.npy", "--transform", folder / "map.npz", "--out", folder / "y.npy", "--json")
    assert status == 0
    assert json.loads(out) == {"n": 30, "width": 5, "transform": str(folder / "map.npz"), "out": str(folder / "y.npy")}
    with np.load(folder / "map.npz", allow_pickle=False) as part:
        expected = ((np.load(folder / "x.npy") - part["mean"]) / part["std"]) @ part["weights"] + part["bias"]
    np.testing.assert_allclose(np.load(folder / "y.npy"), expected, rtol=0, atol=1e-9)


def test_apply_a_published_one_by_name(folder, capsys, data_path):
    data_path("glocal-transforms", "dinov2-vit-base-p14/norm/transform.npz")
    np.save(folder / "wide.npy", np.ones((3, 768), np.float32))
    words = ["--transform", "glocal/dinov2-vit-base-p14", "--out", folder / "y.npz", "--json"]
    status, out, _ = run(capsys, "apply", folder / "wide.npy", *words)
    assert (status, json.loads(out)["width"]) == (0, 768)
    assert load_features(folder / "y.npz").values.dtype == np.float32


def test_apply_says_what_a_plain_array_loses(folder, capsys):
    np.savez(folder / "named.npz", features=np.ones((2, 5)), ids=np.array(["a", "b"]))
    _, _, err = run(capsys, "apply", folder / "named.npz", "--transform", folder / "map.npz", "--out", folder / "y.npy")
    assert "keeps the 2 ids too" in err


def test_fit_then_apply(folder, capsys):
    words = ["--preserve", folder / "images.npy", "--set", "epochs=3", "alpha=0.25", "--out", folder / "fit.safetensors", "--json"]
    status, out, err = run(capsys, "fit", folder / "x.npy", folder / "trials.txt", *words)
    assert status == 0, err
    facts = json.loads(out)
    assert (facts["method"], facts["n"], facts["width"], facts["seen"]) == ("gLocal", 30, 5, 30)
    fitted = FittedTransform.load(folder / "fit.safetensors")
    assert (fitted.options["epochs"], fitted.options["alpha"], len(fitted.history)) == (3, 0.25, 3)
    assert facts["loss"] == fitted.history[-1]["odd_one_out"]
    assert run(capsys, "apply", folder / "x.npy", "--transform", folder / "fit.safetensors", "--out", folder / "y.npy")[0] == 0


def test_fit_by_a_published_recipe(folder, capsys):
    words = ["--preserve", folder / "images.npy", "--published", "shipped", "--set", "epochs=1", "--out", folder / "fit.npz"]
    assert run(capsys, "fit", folder / "x.npy", folder / "trials.txt", *words)[0] == 0
    assert FittedTransform.load(folder / "fit.npz").width == 5


def test_fit_onto_an_embedding(folder, capsys):
    words = ["--method", "procrustes", "--out", folder / "fit.safetensors"]
    assert run(capsys, "fit", folder / "x.npy", folder / "x.npy", *words)[0] == 0
    x = Features(np.load(folder / "x.npy"), tuple(map(str, range(30))))
    np.testing.assert_allclose(FittedTransform.load(folder / "fit.safetensors").weights, Procrustes().fit(x, x).weights)


def test_wrong_usage(folder, capsys):
    words = ["--method", "ridge", "--preserve", folder / "images.npy", "--out", folder / "fit.npz"]
    status, _, err = run(capsys, "fit", folder / "x.npy", folder / "x.npy", *words)
    assert status == 2
    assert "--preserve, --validation and --published are not for ridge." in err
    assert run(capsys, "nothing")[0] == 2
