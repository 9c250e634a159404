"""`isomorph triplets embed|dimensions`, `isomorph align held-out|teacher`: from a file of choices to what they are based on."""

import json

import numpy as np
import pytest

from isomorph.alignment import FittedTransform, Global, OddOneOutEmbedding, UncertaintyDistillation, held_out_gain
from isomorph.cli import main
from isomorph.features import Features
from isomorph.judgments import Triplets

QUICK = ["--set", "dimensions=6", "learning_rate=0.05", "epochs=30", "burn_in=10", "window=10"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three kinds of things; people keep two of a kind together. The last name stands in no trial."""
    folder = tmp_path_factory.mktemp("trials")
    rng = np.random.default_rng(0)
    kind = np.arange(24) % 3
    items = []
    for _ in range(3000):
        a, b = rng.choice(np.flatnonzero(kind == rng.integers(3)), 2, replace=False)
        items.append((a, b, rng.choice(np.flatnonzero(kind != kind[a]))))
    np.savetxt(folder / "trials.txt", np.array(items), fmt="%d")
    (folder / "names.txt").write_text("".join(f"thing-{each}\n" for each in range(25)))
    values = np.eye(3)[kind] + rng.normal(size=(24, 3)) * 0.8
    np.savez(folder / "x.npz", features=values, ids=np.array([f"thing-{each}" for each in range(24)]))
    return folder, np.array(items), kind, values


def ask(capsys, *words):
    status = main(list(map(str, words)))
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.fixture(scope="module")
def embedding(folder):
    out = folder[0] / "people.safetensors"
    words = ["triplets", "embed", folder[0] / "trials.txt", "--objects", folder[0] / "names.txt", "--out", out, "--seeds", 0, 1, *QUICK]
    assert main([*map(str, words), "--json"]) == 0
    return out


def test_embed_writes_all_runs_and_says_what_it_found(folder, capsys):
    out = folder[0] / "again.safetensors"
    words = ["--objects", folder[0] / "names.txt", "--out", out, "--seeds", 0, 1, *QUICK, "--json"]
    status, said, err = ask(capsys, "triplets", "embed", folder[0] / "trials.txt", *words)
    assert status == 0, err
    facts, found = json.loads(said), OddOneOutEmbedding.load(out)
    assert (facts["method"], facts["objects"], facts["dimensions"], facts["runs"]) == ("VICE", 24, found.width, 2)
    assert facts["held_out"] == pytest.approx(found.held_out)
    assert facts["held_out"] < 0.7 < np.log(3)
    assert "1 of 25 objects stand in no trial and are left out." in err
    assert "embedding" in err  # progress


def test_spose_takes_its_own_options(folder, capsys):
    out = folder[0] / "spose.safetensors"
    words = ["--method", "spose", "--out", out, *QUICK, "--set", "penalty=0.05", "--json"]
    status, said, err = ask(capsys, "triplets", "embed", folder[0] / "trials.txt", *words)
    assert status == 0, err
    assert OddOneOutEmbedding.load(out).options["penalty"] == 0.05
    assert json.loads(said)["reproducible"] is None
    status, _, err = ask(capsys, "triplets", "embed", folder[0] / "trials.txt", "--out", out, "--set", "dimension=3")
    assert status == 1
    assert "no option is called 'dimension'. Did you mean 'dimensions'?" in err


def test_dimensions_are_named_by_their_objects(folder, embedding, capsys):
    status, said, _ = ask(capsys, "triplets", "dimensions", embedding, "--top", 4, "--json")
    assert status == 0
    rows = [json.loads(line) for line in said.splitlines()]
    assert len(rows) == OddOneOutEmbedding.load(embedding).width
    for row in rows[:3]:
        of = {int(name.split("-")[1]) % 3 for name, _ in row["top"]}
        assert len(of) == 1  # each dimension is one kind of thing
        assert row["share"] is None
        assert row["reproducibility"] > 0.5


def test_trials_say_what_a_dimension_explains(folder, embedding, capsys):
    words = [embedding, folder[0] / "trials.txt", "--objects", folder[0] / "names.txt"]
    rows = [json.loads(line) for line in ask(capsys, "triplets", "dimensions", *words, "--json")[1].splitlines()]
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert rows[0]["gain"] > 0.05
    status, said, err = ask(capsys, "triplets", "dimensions", *words)
    assert status == 0
    assert said.splitlines()[0].split() == ["index", "share", "gain", "reproducibility", "objects", "total", "top"]
    assert err.startswith("VICE: ")


def test_dimensions_of_a_published_matrix(folder, embedding, capsys):
    np.save(folder[0] / "weights.npy", OddOneOutEmbedding.load(embedding).weights)
    (folder[0] / "rows.txt").write_text("".join(f"thing-{each}\n" for each in range(24)))
    words = ["triplets", "dimensions", folder[0] / "weights.npy", "--json"]
    status, said, _ = ask(capsys, *words, "--objects", folder[0] / "rows.txt")
    assert status == 0
    assert json.loads(said.splitlines()[0])["top"][0][0].startswith("thing-")
    status, _, err = ask(capsys, *words)
    assert status == 1
    assert "does not say which object stands in which row" in err


def test_held_out(folder, capsys):
    path, items, _, values = folder
    words = [path / "x.npz#features", path / "trials.txt", "--objects", path / "names.txt", "--by", "objects", "--folds", 3]
    words += ["--set", "epochs=5", "--search", "strength=[0.01,1]", "--search-folds", 2, "--replicates", 50]
    status, said, err = ask(capsys, "align", "held-out", *words, "--json")
    assert status == 0, err
    facts = json.loads(said)
    names = tuple(f"thing-{each}" for each in range(25))
    expected = held_out_gain(
        Global(epochs=5), Features(values, names[:24]), Triplets(items=items, objects=names).restrict(names[:24]),
        grid={"strength": [0.01, 1]}, folds=3, by="objects", search_folds=2, replicates=50,
    )  # fmt: skip
    assert facts["after"] == pytest.approx(expected.after)
    assert facts["difference_low"] == pytest.approx(expected.difference.low)
    assert [each["strength"] for each in facts["chosen"]] == [each["strength"] for each in expected.chosen]
    status, said, err = ask(capsys, "align", "held-out", *words)
    assert "accuracy on held-out objects: 0." in err
    assert said.startswith("method")


def test_teacher(folder, embedding, capsys):
    path, items, _, values = folder
    words = [path / "x.npz#features", path / "trials.txt", "--objects", path / "names.txt", "--embedding", embedding]
    words += ["--out", path / "teacher.safetensors", "--set", "epochs=10", "strength=0.001", "--draws", 10, "--json"]
    status, said, err = ask(capsys, "align", "teacher", *words)
    assert status == 0, err
    facts, fitted = json.loads(said), FittedTransform.load(path / "teacher.safetensors")
    assert (fitted.method, len(fitted.seen), facts["held_out"]) == ("uncertainty distillation", 18, 6)
    people, names = OddOneOutEmbedding.load(embedding), tuple(f"thing-{each}" for each in range(24))
    made = UncertaintyDistillation(map=Global(epochs=10, strength=0.001), draws=10).fit(
        Features(values, names), Triplets(items=items, objects=names), people
    )
    assert facts["divergence"] == pytest.approx(made.divergence)
    assert facts["divergence"] < facts["untransformed"]


def test_fit_takes_the_names_of_numbered_trials(folder, capsys):
    path = folder[0]
    words = [path / "x.npz#features", path / "trials.txt", "--method", "global", "--set", "epochs=2", "--out", path / "map.safetensors"]
    assert ask(capsys, "align", "fit", *words, "--objects", path / "names.txt")[0] == 0
    assert FittedTransform.load(path / "map.safetensors").seen[0] == "thing-0"
    status, _, err = ask(capsys, "align", "fit", *words)
    assert status == 1
    assert "'0'" in err
