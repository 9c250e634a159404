"""`isomorph align check`."""

import json

import numpy as np
import pytest

from isomorph.alignment import AlignmentCheck, FewShot, FittedTransform, check_alignment
from isomorph.cli import main
from isomorph.features import load_features
from isomorph.judgments import Triplets


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    np.savez(
        tmp_path / "x.npz", features=rng.normal(size=(60, 6)) + 2 * np.eye(3, 6)[labels], ids=np.array([f"p{row}" for row in range(60)])
    )
    np.save(tmp_path / "objects.npy", rng.normal(size=(30, 6)))
    np.savetxt(tmp_path / "trials.txt", np.stack([rng.permutation(30)[:3] for _ in range(300)]), fmt="%d")
    rows = [f"p{row},class {each}" for row, each in enumerate(labels)]
    (tmp_path / "labels.csv").write_text("\n".join(["id,label", *rng.permutation(rows)]))
    FittedTransform(weights=2 * np.eye(6), method="gLocal", seen=tuple(map(str, range(5)))).save(tmp_path / "same.safetensors")
    np.savez(tmp_path / "low.npz", weights=rng.normal(size=(6, 1)) @ rng.normal(size=(1, 6)), mean=0.1, std=1.0)
    return tmp_path


def run(capsys, *words):
    status = main(["align", "check", *map(str, words)])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_all_questions_in_one_table(folder, capsys):
    status, out, err = run(
        capsys, folder / "x.npz", "--transform", folder / "same.safetensors", "--transform", folder / "low.npz", "--labels",
        folder / "labels.csv", "--triplets", folder / "trials.txt", "--object-features", folder / "objects.npy", "--repetitions", "2",
        "--neighbours", "5", "10", "--out", folder / "out", "--json",
    )  # fmt: skip
    assert status == 0, err
    answer = json.loads(out)
    assert list(answer) == ["transforms", "rows", "options", "notes", "files"]
    assert answer["transforms"] == ["same", "low"]
    x, o = load_features(folder / "x.npz"), load_features(folder / "objects.npy")
    named = [line.split(",") for line in (folder / "labels.csv").read_text().splitlines()[1:]]
    maps = {name: FittedTransform.load(folder / file) for name, file in (("same", "same.safetensors"), ("low", "low.npz"))}
    expected = check_alignment(
        x, maps, labels=dict(named), triplets=Triplets.load(folder / "trials.txt"), objects=o, neighbours=(5, 10),
        few_shot=FewShot(repetitions=2),
    )  # fmt: skip
    assert answer["rows"] == json.loads(json.dumps(expected.to_plain()["rows"]))
    same = [row["difference"] for row in answer["rows"] if row["transform"] == "same"]
    assert same == [0] * 8
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        "best-of-both-worlds.pdf", "best-of-both-worlds.png", "best-of-both-worlds.svg", "check.csv", "check.json",
    ]  # fmt: skip
    assert [str(folder / "out" / "check.json"), str(folder / "out" / "best-of-both-worlds.svg")] == [answer["files"][0], answer["files"][3]]
    assert AlignmentCheck.load(folder / "out" / "check.json").transforms == ("same", "low")


def test_a_table_for_people(folder, capsys):
    words = ["--transform", folder / "same.safetensors", "--triplets", folder / "trials.txt", "--object-features", folder / "objects.npy"]
    status, out, err = run(capsys, folder / "x.npz", *words, "--out", folder / "out")
    assert status == 0, err
    lines = out.splitlines()
    assert lines[0] == "# same"
    assert lines[1].split() == ["question", "before", "after", "difference", "low", "high", "change", "n", "unit"]
    assert lines[2].split() == ["neighbours", "kept", "@10", "1", "1", "0", "0", "0", "none", "shown", "60", "stimuli"]
    assert "of 300 trials left out: a map has seen what they show" in err
    assert "no plot: the check says nothing of a downstream task: pass labels to check_alignment." in err


def test_what_is_wrong_is_said(folder, capsys):
    same = folder / "same.safetensors"
    status, _, err = run(capsys, folder / "x.npz", "--transform", same, "--object-features", folder / "objects.npy")
    assert (status, "--object-features needs --triplets." in err) == (2, True)
    status, _, err = run(capsys, folder / "x.npz", "--transform", same, same)
    assert (status, f"--transform names '{same}' twice; leave one out." in err) == (1, True)
    status, _, err = run(capsys, folder / "x.npz", "--transform", "glocal/resnet181")
    assert (status, "no transform is called 'glocal/resnet181'." in err) == (1, True)
    assert run(capsys, folder / "x.npz")[0] == 2
