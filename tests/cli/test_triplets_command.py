"""`isomorph triplets` from files to JSON."""

import json

import numpy as np
import pytest

from isomorph.cli import main
from isomorph.features import Features
from isomorph.judgments import Triplets, score_triplets


@pytest.fixture
def files(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    items = np.array([rng.choice(30, 3, replace=False) for _ in range(200)])
    x = rng.normal(size=(30, 6))
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "named.npz", values=x, ids=np.array([f"o{row}" for row in range(30)]))
    np.savetxt(tmp_path / "t.txt", items, fmt="%d")
    (tmp_path / "names.txt").write_text("".join(f"o{row}\n" for row in range(30)))
    monkeypatch.chdir(tmp_path)
    return x, items


def ask(capsys, *words):
    status = main(["triplets", *words, "--json"])
    captured = capsys.readouterr()
    return status, json.loads(captured.out) if status == 0 else captured.err


@pytest.mark.parametrize("similarity", ["dot", "cosine", "centred-cosine", "euclidean"])
def test_score(files, capsys, similarity):
    status, answer = ask(capsys, "score", "x.npy", "t.txt", "--similarity", similarity)
    assert status == 0
    ids = tuple(map(str, range(30)))
    expected = score_triplets(Features(files[0], ids), Triplets(items=files[1], objects=ids), similarity=similarity)
    assert {"accuracy", "nll", "low", "high", "n", "ties"} <= set(answer)
    for name in ("accuracy", "nll", "low", "high"):
        assert answer[name] == pytest.approx(getattr(expected, name), abs=1e-12)
    assert (answer["n"], answer["ties"], answer["tied"]) == (200, "split", 0)


def test_names_meet(files, capsys):
    plain = ask(capsys, "score", "x.npy", "t.txt")[1]
    assert ask(capsys, "score", "named.npz#values", "t.txt", "--objects", "names.txt")[1]["accuracy"] == plain["accuracy"]
    assert ask(capsys, "score", "x.npy", "t.txt", "--objects", "names.txt", "--ids", "names.txt")[1]["accuracy"] == plain["accuracy"]
    assert ask(capsys, "score", "named.npz#values", "t.txt", "--positional")[1]["accuracy"] == plain["accuracy"]
    status, error = ask(capsys, "score", "named.npz#values", "t.txt")
    assert status == 1
    assert "objects are row numbers" in error


def test_convert_there_and_back(files, capsys):
    first = ask(capsys, "convert", "t.txt", "c.npy", "--to", "cblearn", "--objects", "30")[1]
    second = ask(capsys, "convert", "c.npy", "s.csv", "--format", "cblearn", "--to", "things-csv", "--objects", "30")[1]
    third = ask(capsys, "convert", "s.csv", "own.npz", "--objects", "30")[1]
    assert first["digest"] == second["digest"] == third["digest"]
    assert np.load("c.npy")[:, 0].tolist() == files[1][:, 2].tolist()
    assert ask(capsys, "check", "own.npz")[1]["digest"] == first["digest"]


def test_check_and_canonicalise(files, capsys):
    rng = np.random.default_rng(1)
    np.savez("a.npz", indices=files[1], similarities=rng.normal(size=(200, 3)))
    status, before = ask(capsys, "check", "a.npz")
    assert status == 0
    assert before["odd_last"] < 0.5
    assert main(["triplets", "canonicalise", "a.npz", "b.npz", "--to", "alignet"]) == 0
    assert "warning" in capsys.readouterr().err
    after = ask(capsys, "check", "b.npz")[1]
    assert (after["odd_last"], after["n"], after["shown"]) == (1, 200, before["shown"])


def test_a_table_for_people_and_help(files, capsys):
    assert main(["triplets", "score", "x.npy", "t.txt"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("accuracy")
    assert main(["triplets", "--help"]) == 0
    assert main(["triplets"]) == 2


def test_mistakes_are_sentences(files, capsys):
    np.savetxt("one.txt", files[1] + 1, fmt="%d")
    for words, said in [
        (("score", "x.npy", "one.txt", "--objects", "30"), "it counts from 1. Read it with base=1"),
        (("score", "x.npy", "t.txt", "--similarity", "rbf"), "one of 'dot', 'cosine', 'centred-cosine', 'euclidean'"),
        (("score", "x.npy", "t.txt", "--ties", "coin"), "ties are one of 'split'"),
        (("check", "gone.txt"), "there is no file gone.txt"),
        (("check", "t.txt", "--format", "spose"), "no triplet format is called 'spose'"),
        (("convert", "t.txt", "t.doc"), "written as .npy or .txt"),
    ]:
        status, error = ask(capsys, *words)
        assert status == 1
        assert said in error
