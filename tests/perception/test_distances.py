"""Distances between distributions: the table of checks, and independent formulas."""

import numpy as np
import pytest
from scipy import special
from scipy.spatial.distance import jensenshannon

from isomorph.errors import FetchError, InputError
from isomorph.perception import (
    Answers,
    brier,
    compare_answers,
    hellinger,
    item_distances,
    jensen_shannon,
    kullback_leibler,
    load_cifar_10_classifier,
    load_cifar_10h,
    paired_difference,
    paired_differences,
    soft_cross_entropy,
    split_half_ceiling,
    split_half_reliability,
    total_variation,
)

ONE = np.eye(11)
UNIFORM = np.full(11, 1 / 11)
CLASSES = np.append(np.full(10, 0.1), 0)


@pytest.mark.parametrize(
    ("p", "q", "value"),
    [
        (ONE[3], UNIFORM, 0.835756),
        (ONE[3], CLASSES, 0.826905),
        ([0.7, 0.2, 0.1], [0.5, 0.5, 0], 0.303586),
        (ONE[10], CLASSES, 1),
        (ONE[10], ONE[4], 1),
        (ONE[10], ONE[10], 0),
    ],
)
def test_hellinger(p, q, value):
    assert hellinger(p, q)[0] == pytest.approx(value, abs=1e-6)
    assert hellinger(q, p)[0] == pytest.approx(value, abs=1e-6)


def test_hellinger_of_a_one_hot_row_and_of_close_rows():
    p = np.random.default_rng(0).dirichlet(np.ones(5), size=20)
    assert hellinger(np.tile(np.eye(5)[2], (20, 1)), p) == pytest.approx(np.sqrt(1 - np.sqrt(p[:, 2])))
    near = [[0.5 + 1e-9, 0.5 - 1e-9]]
    assert hellinger(near, [[0.5, 0.5]])[0] == pytest.approx(1e-9 / np.sqrt(2), rel=1e-6)


def test_the_others_against_plain_formulas():
    rng = np.random.default_rng(1)
    p, q = rng.dirichlet(np.ones(6), size=(2, 30))
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, axis=1) ** 2)
    assert total_variation(p, q) == pytest.approx(np.maximum(p - q, 0).sum(axis=1))
    assert kullback_leibler(p, q) == pytest.approx((p * np.log(p / q)).sum(axis=1))
    assert soft_cross_entropy(p, q) == pytest.approx(-(p * np.log(q)).sum(axis=1))
    assert brier(p, q) == pytest.approx(((p - q) ** 2).sum(axis=1))


def test_an_answer_that_the_model_rules_out():
    assert kullback_leibler([0.5, 0.5], [1, 0])[0] == np.inf
    assert soft_cross_entropy([0.5, 0.5], [1, 0])[0] == np.inf
    assert soft_cross_entropy([0.5, 0.5], [1, 0], floor=1e-3)[0] == pytest.approx(-0.5 * np.log(1e-3) + np.log(1.001))
    assert soft_cross_entropy([1, 0], [1, 0])[0] == 0


@pytest.mark.parametrize("floor", [0.0, 1e-6, 0.01, 0.3, 0.9])
def test_a_floor_leaves_a_distribution(floor):
    """Without dividing by the sum again, a model that is as the people are is better than perfect: KL below 0."""
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.full(5, 0.3), size=200), rng.dirichlet(np.full(5, 0.3), size=200)
    raised = np.maximum(q, floor) / np.maximum(q, floor).sum(axis=1, keepdims=True)
    assert kullback_leibler(p, q, floor=floor) == pytest.approx(special.rel_entr(p, raised).sum(axis=1), abs=1e-12)
    assert (kullback_leibler(p, p, floor=floor) >= -1e-12).all()
    entropy = special.entr(p).sum(axis=1)
    assert (soft_cross_entropy(p, p, floor=floor) >= entropy - 1e-12).all()
    assert special.rel_entr(p, np.maximum(p, 0.3)).sum(axis=1).min() < -0.1  # what a floor alone would give


@pytest.mark.parametrize("floor", [-0.1, 1.0, np.nan])
def test_a_floor_is_a_probability(floor):
    with pytest.raises(InputError, match="the least probability of a model, from 0 to below 1"):
        kullback_leibler([0.5, 0.5], [1, 0], floor=floor)


def crowd(n=400, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(4), size=n)
    counts = np.array([rng.multinomial(40, each) for each in p])
    ids = [f"i{at}" for at in range(n)]
    people = Answers.from_counts(ids, "abcd", counts, groups=["1" if at % 2 else "10" for at in range(n)], subject="people")
    return people, Answers(ids=ids[::-1], outcomes=tuple("abcd"), probabilities=p[::-1], subject="oracle")


def test_models_meet_people_by_item_and_group():
    people, oracle = crowd()
    blind = Answers(ids=oracle.ids, outcomes=oracle.outcomes, probabilities=np.full((400, 4), 0.25), subject="blind")
    table = compare_answers([oracle, blind], people, metric=["hellinger", "cross_entropy", "ece"], replicates=300)
    assert table["group"][:3].tolist() == ["all", "1", "10"]
    assert len(table) == 2 * 3 * 3
    near, far = (table[(table["model"] == name) & (table["metric"] == "hellinger")] for name in ("oracle", "blind"))
    assert (near["value"].to_numpy() < near["ceiling"].to_numpy()).all()  # the law itself is closer than half a crowd
    assert (far["low"].to_numpy() > near["high"].to_numpy()).all()
    assert far["value"].iloc[0] == pytest.approx(item_distances(blind, people).mean())
    spread = item_distances(blind, people).std() / 20
    assert far["high"].iloc[0] - far["low"].iloc[0] == pytest.approx(3.92 * spread, rel=0.15)
    assert table[table["metric"] == "ece"]["ceiling"].isna().all()


def test_an_infinite_distance_has_no_interval():
    people, _ = crowd(20)
    sure = Answers(ids=people.ids, outcomes=people.outcomes, probabilities=np.eye(4)[people.decisions()], subject="sure")
    row = compare_answers(sure, people, metric="cross_entropy", by=None, replicates=50, splits=0).iloc[0]
    assert row["value"] == np.inf
    assert np.isnan(row["low"])


def test_the_ceiling_from_votes():
    people, _ = crowd()
    found = split_half_ceiling(people.counts, splits=30)
    rng = np.random.default_rng(5)
    by_hand = []
    for row in people.counts[:100]:
        votes = np.repeat(np.arange(4), row)
        rng.shuffle(votes)
        first, second = (np.bincount(half, minlength=4) / 20 for half in (votes[:20], votes[20:]))
        by_hand.append(hellinger(first, second)[0])
    assert found.value == pytest.approx(np.mean(by_hand), abs=0.02)
    assert found.low < found.value < found.high
    assert split_half_ceiling([[1, 0], [3, 3]], replicates=0).n == 1  # one vote has no halves


def test_split_halves_of_raters():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=500)
    ratings = truth[:, None] + rng.normal(size=(500, 6))
    # six raters of reliability 1/2 each: Spearman-Brown gives 6/7
    assert split_half_reliability(ratings, splits=200) == pytest.approx(6 / 7, abs=0.02)
    ratings[rng.random(ratings.shape) < 0.1] = np.nan
    assert split_half_reliability(ratings, splits=200) == pytest.approx(0.84, abs=0.03)


def test_paired_differences():
    rng = np.random.default_rng(0)
    base = rng.random(200)
    same, worse = base + rng.normal(0, 0.1, 200), base + 0.05 + rng.normal(0, 0.1, 200)
    found = paired_difference(worse, base)
    assert found.low < found.difference < found.high
    assert found.p < 0.001
    assert found.low > 0
    table = paired_differences({"base": base, "same": same, "worse": worse})
    assert table[["first", "second"]].to_numpy().tolist() == [["base", "same"], ["base", "worse"], ["same", "worse"]]
    assert (table["p_corrected"] >= table["p"]).all()
    assert table["p"][0] > 0.05


def test_the_permutation_test_is_exact_for_few_items():
    # of the eight sign patterns of (1, 2, 3), two have a sum of 6 in size
    assert paired_difference([1, 2, 3], [0, 0, 0], permutations=40_000, replicates=0).p == pytest.approx(0.25, abs=0.01)


def test_cifar_10h_beside_a_real_classifier():
    try:
        people, classifier = load_cifar_10h(), load_cifar_10_classifier()
    except FetchError as error:
        pytest.skip(str(error))
    table = compare_answers(classifier, people, metric=["hellinger", "ece"], by="truth", replicates=100, splits=2)
    overall = table[table["group"] == "all"].set_index("metric")
    overlap = np.sqrt(people.probabilities * classifier.probabilities).sum(axis=1)
    assert overall.loc["hellinger", "value"] == pytest.approx(np.sqrt(1 - np.minimum(overlap, 1)).mean(), abs=1e-6)
    assert overall.loc["hellinger", "ceiling"] < overall.loc["hellinger", "low"]
    assert len(table) == 22
