"""`isomorph rdm` on repeated measurements, and what it says about options that do not go together."""

import numpy as np
import pytest

from isomorph.cli import main
from isomorph.geometry import RDM, noise_precision, repeat_residuals

RNG = np.random.default_rng(4)
X = RNG.normal(size=(5, 3, 8)) + RNG.normal(size=(5, 1, 8))


@pytest.fixture
def measured(tmp_path):
    """15 measurements of 5 stimuli in 3 runs: the features' file and the two files of labels."""
    paths = [tmp_path / name for name in ("rows.npy", "stimuli.txt", "runs.txt")]
    np.save(paths[0], X.reshape(15, 8))
    paths[1].write_text("\n".join(np.repeat(list("abcde"), 3)) + "\n")
    paths[2].write_text("\n".join(["one", "two", "three"] * 5))
    return [str(path) for path in paths]


def test_crossnobis_and_mahalanobis_from_files(measured, tmp_path):
    rows, stimuli, runs = measured
    out = tmp_path / "rdm.npz"
    residuals, degrees = repeat_residuals(X)
    precision = noise_precision(residuals, degrees=degrees)
    words = ["rdm", rows, "--stimuli", stimuli, "--noise", "diagonal", "--per-feature", "--out", str(out)]
    assert main([*words, "--distance", "crossnobis", "--folds", runs]) == 0
    with np.load(out, allow_pickle=False) as file:
        assert file["ids"].tolist() == list("abcde")
        np.testing.assert_allclose(file["rdm"], RDM.from_repeats(X, precision=precision, per_feature=True).values, rtol=1e-9)
    assert main([*words, "--distance", "mahalanobis"]) == 0
    expected = RDM.from_features(X, "mahalanobis", precision=precision, per_feature=True).values
    np.testing.assert_allclose(np.load(out, allow_pickle=False)["rdm"], expected, rtol=1e-9)


def test_a_gaussian_of_plain_features(measured, tmp_path):
    out = tmp_path / "rdm.npy"
    words = ["rdm", measured[0], "--distance", "gaussian", "--sigma", "2", "--sigma-unit", "absolute", "--out", str(out)]
    assert main(words) == 0
    expected = RDM.from_features(X.reshape(15, 8), "gaussian", sigma=2.0, sigma_unit="absolute").values
    np.testing.assert_allclose(np.load(out, allow_pickle=False), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--noise", "diagonal"], "say with --stimuli which stimulus each row measured"),
        (["--distance", "crossnobis"], "a crossnobis distance needs repeats"),
        (["--distance", "crossnobis", "--stimuli", "STIMULI"], "say with --folds to which fold each row belongs"),
        (["--distance", "crossnobis", "--stimuli", "STIMULI", "--folds", "nowhere.txt"], "nowhere.txt cannot be read as one label a line"),
        (["--distance", "manhattan"], "no distance is called 'manhattan'"),
    ],
)
def test_options_that_do_not_go_together(measured, tmp_path, capsys, words, sentence):
    words = [measured[1] if word == "STIMULI" else word for word in words]
    assert main(["rdm", measured[0], *words, "--out", str(tmp_path / "rdm.npy")]) == 1
    assert sentence in capsys.readouterr().err
