"""`isomorph cluster` and `isomorph triplets sample|label|convert` from files to JSON."""

import json

import numpy as np
import pytest

from isomorph.alignet import Clusters, TripletTable
from isomorph.alignment import FittedTransform
from isomorph.cli import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(6, 10)) * 4)[rng.integers(6, size=240)] + rng.normal(size=(240, 10))
    np.save(tmp_path / "x.npy", x.astype(np.float16))
    np.savez(tmp_path / "named.npz", values=x, ids=np.array([f"p{row}.jpg" for row in range(240)]))
    FittedTransform(weights=np.eye(10) * 0.5).save(tmp_path / "w.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(capsys, *words):
    status = main([*words, "--json"])
    said = capsys.readouterr()
    return json.loads(said.out) if status == 0 else said.err


def test_from_features_to_alignets_file(folder, capsys):
    found = ask(capsys, "cluster", "x.npy", "--clusters", "6", "--out", "c.safetensors", "--set", "epochs=20")
    assert (found["clusters"], found["images"]) == (6, 240)
    assert len(Clusters.load("c.safetensors")) == 6
    drawn = ask(
        capsys, "triplets", "sample", "x.npy", "--kind", "cluster_border_6", "--groups", "c.safetensors", "--n", "5000", "--out", "drawn"
    )
    assert (drawn["n"], drawn["groups"]) == (5000, 6)
    labels = Clusters.load("c.safetensors").assignment[TripletTable.open("drawn").items]
    assert ((np.diff(np.sort(labels, axis=1), axis=1) > 0).sum(axis=1) == 1).all()
    report = ask(capsys, "triplets", "label", "x.npy", "drawn", "--transform", "w.safetensors", "--out", "train.npz")
    assert report["n"] == 5000
    assert report["odd_last"] > 0.99
    assert report["table"] == "train.table"
    assert ask(capsys, "triplets", "check", "train.npz")["n"] == 5000
    back = ask(capsys, "triplets", "convert", "train.npz", "again", "--to", "table")
    assert back["third_smallest"] == 1.0
    assert np.array_equal(TripletTable.open("again").items, TripletTable.open("train.table").items)
    assert ask(capsys, "triplets", "convert", "again", "out.npz")["n"] == 5000
    assert ask(capsys, "triplets", "convert", "again", "ours.npz", "--to", "isomorph")["n"] == 5000
    assert ask(capsys, "triplets", "check", "ours.npz")["odd_last"] > 0.99


def test_names_come_along(folder, capsys):
    ask(capsys, "triplets", "sample", "named.npz", "--kind", "random", "--n", "100", "--out", "drawn")
    assert TripletTable.open("drawn").objects[3] == "p3.jpg"
    ask(capsys, "triplets", "label", "named.npz", "drawn", "--precision", "float16", "--out", "labelled")
    assert TripletTable.open("labelled").similarities.dtype == np.float16
    assert ask(capsys, "triplets", "label", "x.npy", "drawn", "--positional", "--out", "other")["n"] == 100


def test_any_judgments_can_be_labelled(folder, capsys):
    np.savetxt("t.txt", [[0, 1, 2], [5, 6, 7]], fmt="%d")
    assert ask(capsys, "triplets", "label", "x.npy", "t.txt", "--out", "labelled")["n"] == 2
    assert ask(capsys, "triplets", "convert", "t.txt", "as_table", "--to", "table")["n"] == 2


def test_mistakes_are_one_sentence(folder, capsys):
    said = ask(capsys, "cluster", "x.npy", "--clusters", "500", "--out", "c.safetensors")
    assert said == "isomorph cluster: there are 240 images, too few for 500 clusters. Ask for fewer clusters.\n"
    said = ask(capsys, "triplets", "sample", "240", "--kind", "class_border", "--out", "t")
    assert said.startswith("isomorph triplets: 'class_border' triplets are drawn by groups; pass ")
    said = ask(capsys, "cluster", "x.npy", "--out", "c.safetensors", "--set", "epoch=3")
    assert "option" in said
    assert "'epochs'" in said
