"""Ceilings against definitions written out as loops."""

from collections import Counter

import numpy as np
import pytest

from isomorph.errors import InputError
from isomorph.judgments import Triplets, triplet_ceilings


@pytest.fixture(scope="module")
def trials():
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(80):
        three = rng.choice(20, 3, replace=False)
        p = rng.dirichlet([0.6] * 3)
        for _ in range(rng.integers(1, 9)):
            odd = rng.choice(3, p=p)
            rest = rng.permutation(np.delete(three, odd))
            rows.append([*rest, three[odd]])
    return Triplets(items=np.array(rows)[rng.permutation(len(rows))], objects=tuple(map(str, range(20))))


def answers(trials):
    groups = {}
    for row in trials.items.tolist():
        groups.setdefault(frozenset(row), []).append(row[2])
    return [each for each in groups.values() if len(each) >= 2]


def majority_share(pool, answer):
    counts = Counter(pool)
    top = [each for each, count in counts.items() if count == max(counts.values())]
    return (answer in top) / len(top)


def test_every_ceiling_against_its_definition(trials):
    groups, found = answers(trials), triplet_ceilings(trials, replicates=0, splits=400)
    n = sum(map(len, groups))
    assert (found.repeated, found.answers, found.majority.n) == (len(groups), n, len(groups))
    assert found.majority.value == pytest.approx(sum(max(Counter(each).values()) for each in groups) / n, abs=1e-12)
    left_out = sum(majority_share(each[:at] + each[at + 1 :], each[at]) for each in groups for at in range(len(each)))
    assert found.leave_one_out.value == pytest.approx(left_out / n, abs=1e-12)
    pairs = [(a == b) for each in groups for i, a in enumerate(each) for j, b in enumerate(each) if i != j]
    assert found.agreement.value == pytest.approx(np.mean(pairs), abs=1e-12)
    entropies = [-sum(c / len(each) * np.log(c / len(each)) for c in Counter(each).values()) for each in groups]
    assert found.entropy_index.value == pytest.approx(1 - np.mean(entropies) / np.log(3), abs=1e-12)


def test_split_half_against_a_loop(trials):
    rng, agreed = np.random.default_rng(1), []
    for _ in range(300):
        for each in answers(trials):
            mixed = rng.permutation(each)
            halves = mixed[::2].tolist(), mixed[1::2].tolist()
            agreed.append(sum(majority_share(halves[0], a) * majority_share(halves[1], a) for a in set(each)))
    assert triplet_ceilings(trials, replicates=0, splits=400).split_half.value == pytest.approx(np.mean(agreed), abs=0.01)


def test_intervals_hold_the_value_and_are_repeatable(trials):
    one, other = triplet_ceilings(trials, splits=10), triplet_ceilings(trials, splits=10)
    assert one == other
    for name in ("majority", "leave_one_out", "agreement", "split_half", "entropy_index"):
        score = getattr(one, name)
        assert score.low < score.value < score.high


def test_order_of_ceilings_and_extremes():
    same = Triplets(items=np.tile([[0, 1, 2], [3, 4, 5]], (6, 1)), objects=tuple("abcdef"))
    found = triplet_ceilings(same, replicates=0)
    assert [getattr(found, each).value for each in ("majority", "leave_one_out", "agreement", "split_half", "entropy_index")] == [1] * 5
    guesses = np.random.default_rng(0).permuted(np.tile([0, 1, 2], (30_000, 1)), axis=1)
    coin = triplet_ceilings(Triplets(items=guesses, objects=tuple("abc")), replicates=0)
    assert coin.agreement.value == pytest.approx(1 / 3, abs=0.01)
    assert coin.entropy_index.value == pytest.approx(0, abs=0.01)
    few = np.random.default_rng(0).permuted(np.tile(np.arange(6000).reshape(-1, 3), (2, 1)), axis=1)
    biased = triplet_ceilings(Triplets(items=few, objects=tuple(map(str, range(6000)))), replicates=0)
    assert biased.majority.value > 0.6  # two answers each, all of them guesses: why the majority alone is no ceiling
    assert biased.leave_one_out.value == pytest.approx(1 / 3, abs=0.03)


def test_two_alternatives():
    items = np.array([[0, 1, 2], [0, 2, 1], [0, 1, 2], [1, 0, 2]])
    found = triplet_ceilings(Triplets(items=items, objects=tuple("abc"), task="two-alternative"), replicates=0)
    assert (found.repeated, found.answers) == (1, 3)
    assert found.majority.value == pytest.approx(2 / 3)
    assert found.entropy_index.value == pytest.approx(1 - (-(2 / 3) * np.log(2 / 3) - np.log(1 / 3) / 3) / np.log(2))


def test_no_repeats_is_said():
    trials = Triplets(items=np.array([[0, 1, 2], [1, 2, 3]]), objects=tuple("abcd"))
    with pytest.raises(InputError, match="no triplet of 2 trials was answered twice"):
        triplet_ceilings(trials)
