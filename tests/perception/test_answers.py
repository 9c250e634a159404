"""Answers as values, and in files."""

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest

from isomorph.errors import FetchError, FileError, IdError, InputError, ShapeError
from isomorph.perception import (
    VISALIGN_OUTCOMES,
    Answers,
    compare_answers,
    load_cifar_10_classifier,
    load_cifar_10h,
    over_seeds,
    read_answers,
    read_class_map,
    read_submission,
    write_submission,
)


def votes():
    return Answers.from_counts(
        ["a.png", "b, c.png", "d.png"], ["cat", "dog", "abstain"], [[7, 2, 1], [0, 0, 3], [1, 1, 0]], abstain="abstain",
        truth=["cat", "abstain", ""], groups=["1", "4", "8"], conditions=["fog", "", "0.5"], subject="people", provenance="a survey",
    )  # fmt: skip


def same(first, second):
    for field in dataclasses.fields(Answers):
        one, other = getattr(first, field.name), getattr(second, field.name)
        equal = np.array_equal(one, other, equal_nan=one.dtype.kind == "f") if isinstance(one, np.ndarray) else one == other
        assert equal, (field.name, one, other)


@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_whole_formats_keep_everything(tmp_path, suffix):
    path = tmp_path / f"people.{suffix}"
    smoothed = Answers.from_counts(votes().ids, votes().outcomes, votes().counts, smoothing=0.5, subject="smoothed")
    given = Answers.from_weights(votes().ids, votes().outcomes, [[1, 2, 3], [0.1, 0, 0], [0, 5e-324, 0]], subject="given")
    for answers in (votes(), smoothed, given):
        answers.save(path)
        same(Answers.load(path), answers)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tables_keep_votes_or_shares(tmp_path, suffix):
    path = tmp_path / f"people.{suffix}"
    votes().save(path)
    same(dataclasses.replace(votes(), provenance=path.name), read_answers(path))
    shares = dataclasses.replace(votes(), counts=None, subject="people", provenance=path.name)
    shares.save(path)
    again = read_answers(path)
    assert again.counts is None
    assert again.probabilities == pytest.approx(shares.probabilities, abs=1e-15)


def test_a_plain_table_is_read_for_what_it_is(tmp_path):
    path = tmp_path / "model.csv"
    path.write_text("image,category,cat,dog\n01.png,cat,0.9,0.1\n02.png,dog,0.5,0.5\n")
    found = read_answers(path)
    assert (found.ids, found.truth, found.groups, found.subject) == (("01.png", "02.png"), ("cat", "dog"), None, "model")
    path.write_text("image,category,cat,dog\n01.png,1,0.9,0.1\n02.png,8,0.5,0.5\n")
    assert read_answers(path).groups == ("1", "8")
    assert read_answers(path).truth is None


def test_names_that_look_like_numbers_or_nothing_stay_names(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("id,cat,NA\n001,1,0\nNA,0.5,0.5\n")
    assert read_answers(path).ids == ("001", "NA")


def test_decisions_and_their_ties():
    assert votes().decisions().tolist() == [0, 2, 0]
    assert votes().decisions(ties="abstain").tolist() == [0, 2, 2]
    assert votes().entropy()[1] == 0
    assert votes().entropy()[2] == pytest.approx(np.log(2))


def test_take_goes_by_id():
    part = votes().take(["d.png", "a.png"])
    assert part.counts.tolist() == [[1, 1, 0], [7, 2, 1]]
    assert part.groups == ("8", "1")
    with pytest.raises(IdError, match=r"'e\.png'"):
        votes().take(["e.png"])


def test_categories_take_the_mean_of_their_members():
    p = [[0.2, 0.25, 0.1, 0.45]]
    fine = Answers(ids=["a"], outcomes=["wren", "owl", "jay", "dog"], probabilities=p, truth=["owl"])
    birds = {"bird": ["wren", "owl", "jay"], "dog": [3]}
    mean, total = fine.mapped(birds), fine.mapped(birds, how="sum")
    assert mean.probabilities[0] == pytest.approx(np.array([0.55 / 3, 0.45]) / (0.55 / 3 + 0.45))
    assert total.probabilities[0] == pytest.approx([0.55, 0.45])
    assert (mean.decisions()[0], total.decisions()[0]) == (1, 0)
    assert mean.truth == ("bird",)
    counted = Answers.from_counts(["a"], fine.outcomes, [[1, 2, 3, 4]]).mapped(birds, how="sum")
    assert counted.counts.tolist() == [[6, 4]]


def test_the_outcome_that_abstains_survives_a_class_map():
    mapped = votes().mapped({"pet": ["cat", "dog"]}, how="sum")
    assert mapped.outcomes == ("pet", "abstain")
    assert mapped.abstain == "abstain"
    assert mapped.counts.tolist() == [[9, 1], [0, 3], [2, 0]]


def test_the_sixteen_categories():
    file = Path(os.environ.get("ISOMORPH_DATA_MIRROR", "")) / "model-vs-human" / "categories16.json"
    if not file.is_file():
        pytest.skip("the mirror of public data has no model-vs-human/categories16.json, and no catalogue row names it")
    members = read_class_map(file)
    assert (len(members["dog"]), len(members["bird"]), len(members["oven"])) == (109, 49, 1)
    p = np.zeros((2, 1000))
    p[0, members["dog"]] = 0.6 / 109  # the sum would say dog
    p[0, members["oven"]] = 0.4
    p[1, members["clock"][0]] = 1
    imagenet = Answers.from_weights(["x", "y"], [f"n{at}" for at in range(1000)], p)
    coarse = imagenet.mapped(members)
    assert [coarse.outcomes[at] for at in coarse.decisions()] == ["oven", "clock"]


def test_cifar_10h():
    try:
        people, classifier = load_cifar_10h(), load_cifar_10_classifier()
    except FetchError as error:
        pytest.skip(str(error))
    assert people.truth_columns[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    assert (people.decisions() == people.truth_columns).mean() == 0.9921
    votes_each = people.counts.sum(axis=1)
    assert (votes_each.sum(), votes_each.min(), votes_each.max()) == (511_000, 47, 63)
    assert classifier.ids == people.ids


def submission(tmp_path, rows):
    path = tmp_path / "submission.json"
    path.write_text(json.dumps(rows))
    return path


def test_a_submission_survives_a_round_trip(tmp_path):
    rng = np.random.default_rng(0)
    rows = {f"zebra{at}.jpg": (rng.random(11) * 10.0 ** rng.integers(-9, 9)).tolist() for at in range(50)}
    rows |= {"another.jpg": None, "ünï.jpg": [0.01, 0.9, 0, 0, 0, 0, 0, 0, 0, 0, 0.09]}
    path = submission(tmp_path, rows)
    found = read_submission(path, names=list(rows))
    out = tmp_path / "again.json"
    write_submission(found, out, names=list(rows))
    assert json.loads(out.read_text(encoding="utf-8")) == rows
    assert list(json.loads(out.read_text(encoding="utf-8"))) == list(rows)
    assert found.probabilities.sum(axis=1) == pytest.approx(1)
    assert found.take(["another.jpg"]).probabilities[0].tolist() == [0] * 10 + [1]
    assert found.outcomes == VISALIGN_OUTCOMES
    same(read_answers(path), read_submission(path))
    found.save(tmp_path / "kept.npz")
    write_submission(Answers.load(tmp_path / "kept.npz"), out)
    assert json.loads(out.read_text(encoding="utf-8")) == rows


def test_answers_without_given_numbers_are_submitted_as_shares(tmp_path):
    answers = Answers.from_decisions(["a.jpg"], VISALIGN_OUTCOMES, ["zebra"])
    write_submission(answers, tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == {"a.jpg": np.eye(11)[1].tolist()}


def test_rounded_rows_are_divided_out_and_others_refused():
    kept = Answers(ids=["a"], outcomes=["x", "y", "z"], probabilities=[[0.3333, 0.3333, 0.3333]])
    assert kept.probabilities[0].sum() == pytest.approx(1, abs=1e-15)
    with pytest.raises(InputError, match=r"sums to 0\.9 for 'a'"):
        Answers(ids=["a"], outcomes=["x", "y"], probabilities=[[0.3, 0.6]])


def test_a_garbled_file_of_answers(tmp_path):
    path = tmp_path / "people.json"
    path.write_text('{"format": "isomorph-answers", "ids": ["a"], "outcomes": ["x", "y"]}')
    with pytest.raises(FileError, match="lacks or garbles them: 'probabilities'"):
        read_answers(path)
    path.write_text('{"format": "isomorph-answers", "ids": ["a"], "outcomes": ["x", "y"], "probabilities": [["p", 1]]}')
    with pytest.raises(FileError, match="lacks or garbles them"):
        read_answers(path)
    with pytest.raises(ShapeError, match=r"counts of the shape \(1, 3\)"):
        Answers(ids=["a"], outcomes=["x", "y"], probabilities=[[0.5, 0.5]], counts=np.ones((1, 3), dtype=int))


def test_tables_without_names(tmp_path):
    path = tmp_path / "net.csv"
    path.write_text("cat,dog,owl\n0.5,0.25,0.25\n1,0,0\n")
    found = read_answers(path)
    assert (found.ids, found.outcomes) == (("0", "1"), ("cat", "dog", "owl"))
    path.write_text("item,dog,owl\n0,0.75,0.25\n")
    assert (read_answers(path).ids, read_answers(path).outcomes) == (("0",), ("dog", "owl"))
    np.save(tmp_path / "votes.npy", [[3, 1], [0, 2]])
    assert read_answers(tmp_path / "votes.npy").counts.tolist() == [[3, 1], [0, 2]]
    np.save(tmp_path / "net.npy", np.array([[0.5, 0.5]], dtype=np.float32))
    assert read_answers(tmp_path / "net.npy").outcomes == ("0", "1")


def test_runs_over_seeds():
    people = votes()
    rng = np.random.default_rng(0)
    facts = {"ids": people.ids, "outcomes": people.outcomes, "abstain": "abstain"}
    runs = [Answers(**facts, probabilities=rng.dirichlet(np.ones(3), size=3), subject=f"{net}/{at}") for net in "ab" for at in (45, 46, 47)]
    table = compare_answers(runs, people, replicates=0)
    found = over_seeds(table)
    assert len(found) == 2 * 4
    values = table[(table["model"].str.startswith("a/")) & (table["group"] == "4")]["value"]
    row = found.set_index(["model", "group"]).loc[("a", "4")]
    assert (row["mean"], row["sd"], row["seeds"]) == (pytest.approx(values.mean()), pytest.approx(values.std()), 3)
    with pytest.raises(InputError, match="'people' does not say its seed"):
        over_seeds(compare_answers(people, people, replicates=0))
