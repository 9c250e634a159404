"""`isomorph probe` from files to JSON."""

import json

import numpy as np
import pytest

from isomorph.cli import main


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    x = rng.normal(size=(240, 6)) + 4 * np.eye(3, 6)[np.tile(y, 2)]
    np.save(tmp_path / "x.npy", x[:120])
    np.save(tmp_path / "t.npy", x[120:])
    np.save(tmp_path / "y.npy", y)
    (tmp_path / "y.txt").write_text("\n".join(f"class {each}" for each in y))
    (tmp_path / "y.csv").write_text("label\n" + "\n".join(f"class {each}" for each in y))
    names = [f"p{row}" for row in range(120)]
    np.savez(tmp_path / "named.npz", values=x[:120], ids=np.array(names))
    rows = list(zip(names, y, strict=True))
    rng.shuffle(rows)
    (tmp_path / "named.csv").write_text("id,label\n" + "\n".join(f"{name},class {each}" for name, each in rows))
    return tmp_path


def ask(capsys, *words):
    status = main(["probe", *map(str, words), "--json"])
    captured = capsys.readouterr()
    return status, json.loads(captured.out) if status == 0 else captured.err


@pytest.mark.parametrize("labels", ["y.npy", "y.txt", "y.csv"])
def test_json(files, capsys, labels):
    status, answer = ask(capsys, files / "x.npy", files / labels, "--kind", "ridge")
    assert status == 0
    assert {"kind", "top1", "top5", "balanced_accuracy", "ece", "intervals", "chosen", "seeds", "curve"} <= set(answer)
    assert answer["top1"] > 0.8
    assert (answer["n_train"], answer["n_test"], answer["top5"], answer["ece"]) == (96, 24, None, None)


def test_a_test_set_and_options(files, capsys):
    options = ["--set", "epochs=3", "seeds=[0]", "learning_rates=[0.1]"]
    status, answer = ask(capsys, files / "x.npy", files / "y.npy", "--test", files / "t.npy", "--test-labels", files / "y.npy", *options)
    assert status == 0
    assert (answer["kind"], answer["n_train"], answer["n_test"], answer["seeds"]) == ("adamw", 120, 120, [0])
    assert answer["chosen"][0]["learning_rate"] == 0.1


def test_a_search_in_parts(files, capsys):
    words = [files / "x.npy", files / "y.npy", "--store", files / "store"]
    words += ["--set", "together=path", "epochs=2", "seeds=[0]", "learning_rates=[0.1,0.01,0.001]"]
    assert [ask(capsys, *words, "--part", part)[1] for part in ("1/2", "1/2")] == [
        {"part": "1/2", "paths": 2, "walked": walked} for walked in (2, 0)
    ]
    status, answer = ask(capsys, *words)
    assert status == 0
    assert len({each["learning_rate"] for each in answer["curve"]}) == 3
    assert answer == ask(capsys, *words)[1]
    assert main(["probe", str(files / "x.npy"), str(files / "y.npy"), "--part", "1/2"]) == 2
    assert "--part needs --set together=path: only paths whose fits share no products can be walked apart." in capsys.readouterr().err


def test_labels_meet_by_id(files, capsys):
    status, answer = ask(capsys, files / "named.npz#values", files / "named.csv", "--kind", "ridge")
    assert status == 0, answer
    assert answer["top1"] > 0.8


def test_a_table_for_people(files, capsys):
    assert main(["probe", str(files / "x.npy"), str(files / "y.npy"), "--kind", "logistic"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["kind", "logistic"]
    assert any(line.startswith("top1_low_high") for line in lines)


def test_what_is_wrong_is_said(files, capsys):
    (files / "bad.csv").write_text("name\na\n")
    (files / "twice.csv").write_text("id,label\na,1\na,2\n")
    for words, said in [
        (["x.npy", "bad.csv"], "needs a column 'label'; it has 'name'."),
        (["x.npy", "twice.csv"], "has 1 ids that stand more than once."),
        (["x.npy", "x.mat"], "labels are read from .csv, .txt or .npy; got 'x.mat'."),
        (["x.npy", "gone.txt"], "cannot be read: [Errno 2]"),
        (["x.npy", "named.csv"], "120 of the 120 stimuli of the training set have no label; the first is '0'."),
    ]:
        status, error = ask(capsys, *(files / each for each in words), "--kind", "ridge")
        assert status == 1
        assert said in error
    status, error = ask(capsys, files / "x.npy", files / "y.npy", "--kind", "svm")
    assert status == 1
    assert "Probe.kind must be one of 'adamw', 'ridge', 'logistic'; got 'svm'." in error
    assert main(["probe", str(files / "x.npy"), str(files / "y.npy"), "--test-labels", "y.npy"]) == 2
