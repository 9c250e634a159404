"""Ratings of pairs and arrangements of many things."""

import json

import numpy as np
import pytest
from scipy.io import savemat
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from isomorph.errors import FileError, IdError, InputError, NonFiniteError, ShapeError
from isomorph.features import Features
from isomorph.geometry import RDM
from isomorph.judgments import Ratings, read_meadows, read_ratings, score_ratings


@pytest.fixture
def ratings():
    rng = np.random.default_rng(0)
    pairs = np.array([rng.choice(12, 2, replace=False) for _ in range(600)])
    return Ratings(pairs=pairs, values=rng.integers(0, 10, size=600), objects=tuple("abcdefghijkl"), scale="similarity")


def test_means_against_a_loop(ratings):
    pairs, values = ratings.means()
    for (i, j), value in zip(pairs, values, strict=True):
        of_pair = [v for (a, b), v in zip(ratings.pairs, ratings.values, strict=True) if {a, b} == {i, j}]
        assert value == pytest.approx(np.mean(of_pair), abs=1e-12)


def test_score_is_spearman_over_rated_pairs(ratings):
    x = Features(np.random.default_rng(1).normal(size=(13, 5)), (*ratings.objects[::-1], "unrated"))
    pairs, values = ratings.means()
    of_model = dict(zip(x.ids, x.values, strict=True))
    found = [
        np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b)
        for a, b in ((of_model[ratings.objects[i]], of_model[ratings.objects[j]]) for i, j in pairs)
    ]
    score = score_ratings(x, ratings)
    assert score.value == pytest.approx(spearmanr(found, values).statistic, abs=1e-12)
    assert score.low < score.value < score.high
    distances = Ratings(pairs=ratings.pairs, values=ratings.values, objects=ratings.objects, scale="dissimilarity")
    assert score_ratings(x, distances).value == pytest.approx(-score.value, abs=1e-12)
    with pytest.raises(IdError):
        score_ratings(x.take(x.ids[3:]), ratings)


def test_an_rdm_needs_every_pair(ratings):
    pairs, values = ratings.means()
    rdm = ratings.rdm()
    i, j = pairs[5]
    assert rdm.square()[i, j] == pytest.approx(values.max() - values[5])
    some = Ratings(pairs=pairs[:5], values=values[:5], objects=ratings.objects, scale="similarity")
    with pytest.raises(InputError, match="needs all 66 pairs of 12 objects, but 5 were rated"):
        some.rdm()


def test_tables(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("word1,word2,score,who\ncup,mug,9.5,x\nmug,cup,8.5,y\ncup,dog,1,x\n")
    found = read_ratings(path, scale="similarity", columns=("word1", "word2", "score"), participant_column="who")
    assert found.objects == ("cup", "dog", "mug")
    assert found.means()[1].tolist() == [1, 9]
    assert found.participants == ("x", "y", "x")
    with pytest.raises(FileError, match="no column 'first'"):
        read_ratings(path, scale="similarity")


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ({"pairs": np.array([[0, 0]])}, InputError),
        ({"pairs": np.array([[0, 9]])}, IdError),
        ({"pairs": np.array([[0, 1, 2]])}, ShapeError),
        ({"values": np.array([np.nan])}, NonFiniteError),
        ({"scale": "distance"}, InputError),
    ],
)
def test_bad_ratings(parts, kind):
    with pytest.raises(kind):
        Ratings(**{"pairs": np.array([[0, 1]]), "values": np.array([1.0]), "objects": ("a", "b"), "scale": "similarity"} | parts)


def test_meadows_mat_files(tmp_path):
    rng = np.random.default_rng(0)
    utv = pdist(rng.normal(size=(5, 2)))
    stimuli = np.array(["ant.png", "bee.png", "cup.png", "dog.png", "elk.png"])
    savemat(tmp_path / "one.mat", {"rdmutv": utv, "stimuli": stimuli})
    one = read_meadows(tmp_path / "one.mat")
    assert list(one) == ["one"]
    np.testing.assert_array_equal(one["one"].values, utv)
    assert one["one"].ids == ("ant", "bee", "cup", "dog", "elk")
    savemat(
        tmp_path / "two.mat",
        {"rdmutv_able_fly": utv, "stimuli_able_fly": stimuli, "rdmutv_big_ant": utv[::-1], "stimuli_big_ant": stimuli[::-1].copy()},
    )
    two = read_meadows(tmp_path / "two.mat")
    assert list(two) == ["able-fly", "big-ant"]
    assert two["big-ant"].ids[0] == "elk"


def test_meadows_json_files(tmp_path):
    task = {
        "task": {"task_type": "multiarrange", "name": "arrange"},
        "rdm": [1, 2, 3],
        "stimuli": [{"name": "a.png"}, {"name": "b.png"}, {"name": "c.png"}],
    }
    content = {"tasks": [{"task": {"task_type": "info"}}, task, task]}
    path = tmp_path / "m.json"
    path.write_text(json.dumps(content))
    found = read_meadows(path)
    assert list(found) == ["arrange", "arrange (2)"]
    assert found["arrange"].values.tolist() == [1, 2, 3]
    for bad, said in [
        ({"tasks": []}, "no multi-arrangement"),
        ({"tasks": 3}, "no list of tasks"),
        ({"tasks": [task | {"rdm": [1, 2]}]}, "2 pairs, but 3 stimuli"),
        ({"tasks": [{"task": task["task"], "rdm": [1]}]}, "lacks its 'rdm' or the names"),
    ]:
        path.write_text(json.dumps(bad))
        with pytest.raises(FileError, match=said):
            read_meadows(path)
    path.write_text("{")
    with pytest.raises(FileError, match="cannot be read as JSON"):
        read_meadows(path)


def test_sixteen_people_who_arranged_92_pictures(data_path):
    from isomorph.data import read_mat

    content = read_mat(data_path("kriegeskorte-92", "92_behavRDMs.mat"))["rdms_behav_92"]
    people = [RDM.from_square(each["RDM"], tuple(map(str, range(92))), distance="multi-arrangement") for each in content]
    mean = sum(each.values for each in people)
    ceiling = np.mean([spearmanr(each.values, mean - each.values).statistic for each in people])
    assert ceiling == pytest.approx(0.478, abs=0.0006)
    pairs = np.stack(np.triu_indices(92, 1), axis=1)
    others = Ratings(
        pairs=np.tile(pairs, (15, 1)),
        values=np.concatenate([each.values for each in people[1:]]),
        objects=people[0].ids,
        scale="dissimilarity",
    )
    score = score_ratings(people[0], others, replicates=100)
    assert score.value == pytest.approx(spearmanr(people[0].values, mean - people[0].values).statistic, abs=1e-9)
