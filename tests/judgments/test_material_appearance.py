"""Votes on which of two materials looks more like a third, as the study's JSON files hold them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from isomorph import Features
from isomorph.errors import FileError, IdError, InputError
from isomorph.judgments import Triplets, read_material_appearance, score_triplets, triplet_ceilings

ANSWERS = [[84, 94, 12], [12, 18, 62], [9, 90, 13], [93, 98, 88], [0, 99, 5]]
AGREEMENT = [[3, 0], [2, 1], [2, 2], [1, 4], [1, 0]]


def written(folder, **changes):
    """The layout of the published files; `_diff` are the answers with a majority, `_equal` those without."""
    parts = {"": [0, 1, 2, 3, 4], "_diff": [0, 1, 3, 4], "_equal": [2]}
    lists = {"agreement": AGREEMENT, "answers": ANSWERS}
    content = {name + part: [each[row] for row in rows] for name, each in lists.items() for part, rows in parts.items()} | changes
    path = folder / "answers_processed_test.json"
    path.write_text(json.dumps({name: each for name, each in content.items() if each is not ...}, indent=2))
    return path


def test_the_majoritys_choice_stands_second_and_votes_are_shares(tmp_path):
    triplets = Triplets.load(written(tmp_path))
    assert triplets.task == "two-alternative"
    assert triplets.objects == tuple(map(str, range(100)))
    assert triplets.items.tolist() == [[84, 94, 12], [12, 18, 62], [9, 90, 13], [93, 88, 98], [0, 99, 5]]
    assert np.allclose(triplets.soft, [[1, 0, 0], [2 / 3, 1 / 3, 0], [0.5, 0.5, 0], [0.8, 0.2, 0], [1, 0, 0]])


def test_draws_can_be_left_out_as_the_authors_do(tmp_path):
    path = written(tmp_path)
    triplets = read_material_appearance(path, draws=False)
    assert len(triplets) == 4
    decided = json.loads(path.read_text())["answers_diff"]
    assert {frozenset(map(int, row)) for row in triplets.items} == {frozenset(row) for row in decided}


def test_every_vote_can_be_a_trial(tmp_path):
    triplets = read_material_appearance(written(tmp_path), votes="rows")
    assert len(triplets) == sum(map(sum, AGREEMENT))
    rows = [tuple(map(int, row)) for row in triplets.items]
    assert rows.count((84, 94, 12)) == 3
    assert rows.count((12, 18, 62)) == 2
    assert rows.count((12, 62, 18)) == 1
    assert rows.count((93, 88, 98)) == 4
    assert rows.count((93, 98, 88)) == 1
    ceilings = triplet_ceilings(triplets, replicates=0)
    assert ceilings.repeated == 4  # one triplet has a single vote
    assert ceilings.majority.value == pytest.approx((3 + 2 + 2 + 4) / (3 + 3 + 4 + 5))


def test_materials_have_names_and_scores_are_shares_of_votes(tmp_path):
    names = [f"material-{row:02d}" for row in range(100)]
    triplets = Triplets.load(written(tmp_path), "material-appearance", objects=names)
    assert triplets.objects[triplets.items[0, 1]] == "material-94"
    x = np.zeros((100, 2))
    x[[84, 94, 12, 18, 9, 90, 93, 88, 0, 99], 0] = 1  # the reference and the majority's choice are alike
    x[[12, 18], 1] = 1
    x[[62, 13, 98, 5], 1] = 2
    score = score_triplets(Features(x, names), triplets, similarity="euclidean", replicates=0)
    assert score.accuracy == pytest.approx(np.mean([1, 2 / 3, 0.5, 0.8, 1]))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"answers": ...}, FileError),
        ({"answers": []}, FileError),
        ({"answers": {}}, FileError),
        ({"answers": "abc"}, FileError),
        ({"answers": None}, FileError),
        ({"answers": [[1, 2]] * 5}, FileError),
        ({"answers": [[1, 2, 3], [1, 2]]}, FileError),
        ({"answers": [[1, 2, 3.5]] * 5}, FileError),
        ({"answers": [[1, 2, "3"]] * 5}, FileError),
        ({"answers": [[True, False, True]] * 5}, FileError),
        ({"answers": [[1, 2, 10**30]] * 5}, FileError),
        ({"answers": [[1, 2, None]] * 5}, FileError),
        ({"answers": [[1, 2, {"a": 1}]] * 5}, FileError),
        ({"answers": ANSWERS[:4]}, FileError),
        ({"agreement": [[3, 0]] * 4 + [[0, 0]]}, FileError),
        ({"agreement": [[3, 0]] * 4 + [[3, -1]]}, FileError),
        ({"agreement": [[float("nan"), 0]] * 5}, FileError),
        ({"answers": [[0, 1, 100]] * 5}, IdError),
        ({"answers": [[0, 1, -1]] * 5}, IdError),
        ({"answers": [[0, 1, 1]] * 5}, InputError),
    ],
)
def test_hostile_files(tmp_path, changes, error):
    with pytest.raises(error):
        read_material_appearance(written(tmp_path, **changes))


@pytest.mark.parametrize("content", ["", "[]", "3", "{", "[" * 100_000, '{"answers": [[1, 2, NaN]], "agreement": [[1, 0]]}'])
def test_what_is_not_such_a_file_at_all(tmp_path, content):
    path = tmp_path / "answers.json"
    path.write_text(content)
    with pytest.raises(FileError):
        Triplets.load(path)


def test_options_are_checked(tmp_path):
    with pytest.raises(InputError):
        read_material_appearance(written(tmp_path), votes="counts")
    with pytest.raises(FileError):
        Triplets.load(tmp_path / "absent.json", "material-appearance")
    with pytest.raises(FileError):  # without draws nothing is left
        read_material_appearance(written(tmp_path, agreement=[[1, 1]] * 5), draws=False)
