"""`isomorph compare` with more than two sets of features: the engine, in one piece or in shares."""

import json

import numpy as np
import pytest

from isomorph.cli import main
from isomorph.measures import CKA


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(40, 4))
    paths = []
    for name in "abc":
        path = tmp_path / f"{name}.npy"
        np.save(path, shared @ rng.normal(size=(4, 9)) + rng.normal(size=(40, 9)))
        paths.append(str(path))
    return paths


def test_matrix_and_standard_errors(files, capsys):
    assert main(["compare", *files, "--measure", "cka", "--standard-errors", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    x, y = np.load(files[0]), np.load(files[1])
    assert answer["names"] == files
    assert answer["matrix"][0][1] == pytest.approx(CKA()(x, y), abs=1e-10)
    without = np.array([CKA()(np.delete(x, row, 0), np.delete(y, row, 0)) for row in range(40)])
    assert answer["standard_errors"][0][1] == pytest.approx(np.sqrt(39 / 40 * np.square(without - without.mean()).sum()), abs=1e-9)
    assert (answer["n"], answer["form"], answer["options"]["estimator"]) == (40, "stream", "song")


def test_shares_merge_to_the_whole(files, capsys, tmp_path):
    words = [*files, "--measure", "rsa", "--set", "comparison=spearman"]
    assert main(["compare", *words, "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)["matrix"]
    states = [str(tmp_path / f"{index}.state") for index in (1, 2, 3)]
    for index, state in enumerate(states, 1):
        assert main(["compare", *words, "--part", f"{index}/3", "--state", state, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["state"] == state
    assert main(["compare", "--merge", *states[::-1], "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["names"] == files
    np.testing.assert_allclose(answer["matrix"], whole, atol=1e-12)
    assert main(["compare", "--merge", *states[:2]]) == 1
    assert capsys.readouterr().err.startswith("isomorph compare: the state covers ")


def test_people_get_tables(files, capsys):
    assert main(["compare", *files, "--standard-errors"]) == 0
    text = capsys.readouterr().out
    assert "standard errors" in text
    assert text.count(files[0]) == 4


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--part", "1/3"], 2, "isomorph compare: --part and --state go together."),
        (["--part", "4/3", "--state", "s"], 1, "isomorph compare: part must be (i, N) with 1 ≤ i ≤ N; got (4, 3)."),
        (["--part", "a", "--state", "s"], 2, "isomorph compare: --part takes I/N, such as 1/4; got 'a'."),
        (["--merge", "s"], 2, "isomorph compare: --merge takes states and no sources."),
        (["--memory-limit", "1MB"], 1, "isomorph compare: 3 things with 40 stimuli need at least "),
    ],
)
def test_mistakes_have_their_sentence(files, capsys, words, status, said):
    assert main(["compare", *files, *words]) == status
    assert capsys.readouterr().err.startswith(said)


def test_the_same_file_twice(files, capsys):
    assert main(["compare", *files, files[0]]) == 1
    assert "is given 2 times" in capsys.readouterr().err
