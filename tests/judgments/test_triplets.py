"""The one form of judgments: what it refuses, and what may be done to it."""

import numpy as np
import pytest

from isomorph.errors import IdError, InputError, NonFiniteError, ShapeError
from isomorph.judgments import Triplets, canonicalise, check_triplets, order_hash, triplets_from_similarities

OBJECTS = ("ant", "bee", "cup", "dog", "elk")
ITEMS = np.array([[0, 1, 2], [3, 1, 0], [4, 3, 2], [0, 4, 1]])


def triplets(**parts):
    return Triplets(**{"items": ITEMS, "objects": OBJECTS} | parts)


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ({"items": ITEMS[:, :2]}, ShapeError),
        ({"items": ITEMS + 1}, IdError),
        ({"items": ITEMS - 1}, IdError),
        ({"items": ITEMS.astype(float)}, InputError),
        ({"items": np.array([[0, 1, 1]])}, InputError),
        ({"items": np.array([[1, 1, 0]])}, InputError),
        ({"items": np.array([[2, 2, 2]])}, InputError),
        ({"objects": ("ant", "ant", "cup", "dog", "elk")}, IdError),
        ({"similarities": np.ones((3, 3))}, ShapeError),
        ({"similarities": np.full((4, 3), np.nan)}, NonFiniteError),
        ({"soft": np.full((4, 3), 0.5)}, InputError),
        ({"response_times": np.ones(3)}, ShapeError),
        ({"participants": ("a", "b")}, ShapeError),
        ({"task": "ratings"}, InputError),
    ],
)
def test_bad_parts_are_refused(parts, kind):
    with pytest.raises(kind):
        triplets(**parts)


def test_items_are_small_and_a_memory_map_stays_one(tmp_path):
    np.save(tmp_path / "items.npy", ITEMS.astype(np.int32))
    mapped = np.load(tmp_path / "items.npy", mmap_mode="r")
    assert triplets().items.dtype == np.int32
    assert triplets(items=mapped).items is mapped


def test_order_and_digest_know_what_they_should():
    assert triplets().order == order_hash(OBJECTS) != order_hash(OBJECTS[::-1])
    one = triplets(participants=("a", "b", "a", "b"))
    assert one.digest == triplets(participants=("a", "b", "a", "b"), source="elsewhere").digest
    others = [triplets(), triplets(objects=OBJECTS[::-1]), triplets(items=ITEMS[:, [1, 0, 2]]), triplets(response_times=np.ones(4))]
    assert len({each.digest for each in (one, *others)}) == 5


def test_take_moves_everything():
    trials = triplets(
        similarities=np.arange(12.0).reshape(4, 3), soft=np.eye(3)[[0, 1, 2, 0]], response_times=np.arange(4.0), participants=tuple("abca")
    )
    taken = trials.take([2, 0])
    assert taken.items.tolist() == [[4, 3, 2], [0, 1, 2]]
    assert taken.similarities.tolist() == [[6, 7, 8], [0, 1, 2]]
    assert taken.soft.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert taken.response_times.tolist() == [2, 0]
    assert taken.participants == ("c", "a")
    assert len(trials.take(trials.items[:, 2] == 2)) == 2


def test_restrict_keeps_trials_within_and_points_into_the_new_list():
    kept = triplets().restrict(["dog", "cup", "bee", "ant"])
    assert [[kept.objects[row] for row in each] for each in kept.items] == [["ant", "bee", "cup"], ["dog", "bee", "ant"]]
    assert len(triplets().restrict(["ant"])) == 0


def test_mixed_against_a_loop():
    rng = np.random.default_rng(0)
    items = np.array([rng.choice(40, 3, replace=False) for _ in range(300)])
    trials = Triplets(items=items, objects=tuple(map(str, range(40))))
    split = rng.integers(4, size=40)
    assert trials.mixed(split).tolist() == [len({split[each] for each in row}) > 1 for row in items]
    with pytest.raises(ShapeError):
        trials.mixed(split[:5])


def test_canonicalise_restores_any_permutation():
    rng = np.random.default_rng(1)
    square = rng.normal(size=(12, 12))
    square += square.T
    sorted_trials = triplets_from_similarities(square, trials=200, seed=3)
    pair_of = {frozenset(pair): place for place, pair in enumerate([(0, 1), (0, 2), (1, 2)])}
    shuffled_items, shuffled_similarities = sorted_trials.items.copy(), sorted_trials.similarities.copy()
    for row in range(200):
        order = rng.permutation(3)
        shuffled_items[row] = sorted_trials.items[row, order]
        for pair, place in pair_of.items():
            shuffled_similarities[row, place] = sorted_trials.similarities[row, pair_of[frozenset(order[each] for each in pair)]]
    shuffled = Triplets(items=shuffled_items, objects=sorted_trials.objects, similarities=shuffled_similarities)
    assert check_triplets(shuffled).odd_last < 0.5
    again = canonicalise(shuffled)
    assert check_triplets(again).odd_last == 1
    assert np.array_equal(again.items[:, 2], sorted_trials.items[:, 2])
    assert np.array_equal(np.sort(again.items), np.sort(sorted_trials.items))
    for row, (i, j, k) in enumerate(again.items):
        assert again.similarities[row].tolist() == [square[i, j], square[i, k], square[j, k]]


def test_third_smallest_decides_nothing():
    trials = triplets(similarities=np.array([[3.0, 2, 1], [3, 1, 2], [2, 3, 1], [3, 3, 1]]))
    report = check_triplets(trials)
    assert (report.odd_last, report.third_smallest, report.tied) == (0.5, 0.75, 1)
    with pytest.raises(InputError, match="only similarities can say"):
        canonicalise(triplets())


def test_all_triplets_of_a_matrix():
    square = np.random.default_rng(0).normal(size=(6, 6))
    square += square.T
    trials = triplets_from_similarities(square, "abcdef", trials=None)
    assert len(trials) == 20
    for i, j, k in trials.items:
        assert square[i, j] >= max(square[i, k], square[j, k])
    drawn = triplets_from_similarities(square, trials=3000).items
    counts = np.unique(np.sort(drawn), axis=0, return_counts=True)[1]
    assert len(counts) == 20
    assert abs(counts - 150).max() < 60
