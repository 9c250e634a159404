"""Ties, blocks, chance and order, for the measures of neighbours; draws, digits and descriptions for the others."""

import itertools
import tracemalloc

import numpy as np
import pytest

from isomorph.geometry import RDM, Gram
from isomorph.measures import (
    IMD,
    RTD,
    Concentricity,
    CycleKNN,
    JaccardKNN,
    Magnitude,
    MutualKNN,
    RankSimilarity,
    RSMNorm,
    SecondOrderCosine,
    Uniformity,
    compare,
    compare_all,
)

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 6)), RNG.normal(size=(40, 9))
pytestmark = pytest.mark.filterwarnings("ignore:.*of unrelated features")
COARSE = RNG.integers(1, 4, size=(40, 3)), RNG.integers(1, 4, size=(40, 3))  # few directions: ties everywhere
NEIGHBOURS = [
    MutualKNN(k=5),
    JaccardKNN(k=5),
    JaccardKNN(k=5, centre=True),
    CycleKNN(k=3),
    RankSimilarity(k=5),
    SecondOrderCosine(k=5),
    SecondOrderCosine(k=8, profile="distance"),
]
CLOUDS = [IMD(), Magnitude(), Concentricity(), Uniformity(), Uniformity(normalise=False)]


@pytest.mark.parametrize("measure", [*NEIGHBOURS, IMD()], ids=repr)
def test_ties_make_no_difference_to_the_order_of_stimuli_or_features(measure):
    if measure == JaccardKNN(k=5, centre=True) or "distance" in repr(measure):
        x, y = COARSE[0] + np.arange(40)[:, None] % 7, COARSE[1] * 1.0  # no stimulus is the mean, or only among copies of itself
    else:
        x, y = COARSE
    value = measure(x, y)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        order, columns = rng.permutation(40), rng.permutation(3)
        assert measure(x[order][:, columns], y[order]) == pytest.approx(value, abs=1e-9)
        assert measure(Gram.from_features(x[order]), y[order]) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("measure", [MutualKNN(k=5), JaccardKNN(k=5), RankSimilarity(k=5), SecondOrderCosine(k=5)], ids=repr)
def test_a_thing_with_ties_is_wholly_like_itself(measure):
    assert measure(COARSE[0], COARSE[0]) == pytest.approx(1, abs=1e-12)
    assert measure(COARSE[0], 2.5 * COARSE[0][:, ::-1]) == pytest.approx(1, abs=1e-12)


def test_tied_stimuli_share_the_last_places():
    # on a circle, in degrees: 0 has a neighbour at 10, and two that tie at 20
    def circle(*degrees):
        return np.stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], axis=1)

    x = circle(0, 10, 20, -20, 170, 180, 190)
    # members of k=2: {1: 1, 2: ½, 3: ½}, {0, 2}, {1, 0}, {0, 1}, {5, 6}, {4: 1, 6: 1}, {5, 4}
    y = circle(0, 10, 20, -25, 170, 180, 190)
    # the same but {1, 2} for the first stimulus
    assert MutualKNN(k=2)(x, y) == pytest.approx((0.75 + 6) / 7)
    assert JaccardKNN(k=2)(x, y) == pytest.approx((1.5 / 2.5 + 6) / 7)
    # half of a neighbour at rank 2 in common, beside a whole one at rank 1, is all that 1.5 common neighbours can reach: H(1.5) = 1.25
    assert RankSimilarity(k=2)(x, y) == pytest.approx((1.25 / 1.25 + 6) / 7)
    # the stimulus at 10 degrees has two neighbours that tie, at 4/3, the harmonic mean of ranks 1 and 2; at 11 they stand at 1 and 2
    z = circle(0, 11, 20, -25, 170, 180, 190)
    expected = [1.0, (2 * 0.5 / ((1 + 1 / 3) * (1 + 4 / 3)) * 2 + 2 * 0.5 / ((1 + 2 / 3) * (2 + 4 / 3)) * 2) / 1.5]
    assert RankSimilarity(k=2)(y, z) == pytest.approx((sum(expected) + 5) / 7)


@pytest.mark.parametrize("measure", [*NEIGHBOURS, IMD(), Uniformity()], ids=repr)
def test_blocks_and_forms_make_no_difference(measure, monkeypatch):
    value = measure(X, Y)
    monkeypatch.setattr("isomorph.measures._neighbours._BLOCK_VALUES", 40 * 7)
    assert measure(X, Y) == pytest.approx(value, abs=1e-9)
    monkeypatch.setattr("isomorph.measures._neighbours.GRAM_STIMULI", 10)
    assert measure(X, Y) == pytest.approx(value, abs=1e-9)
    assert measure(X, Gram.from_features(Y)) == pytest.approx(value, abs=1e-9)


def test_many_stimuli_take_the_memory_of_a_block():
    x = np.random.default_rng(0).normal(size=(4500, 4))
    tracemalloc.start()
    assert MutualKNN()(x, x @ np.diag([1, 1, 1, 1.01])) > 0.9
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4500**2 * 8 / 2


@pytest.mark.parametrize("measure", [MutualKNN(k=4), JaccardKNN(k=4), CycleKNN(k=3), RankSimilarity(k=4)], ids=repr)
def test_chance_is_what_unrelated_features_score(measure):
    rng = np.random.default_rng(1)
    drawn = [measure(*rng.normal(size=(2, 30, 12))) for _ in range(150)]
    error = np.std(drawn) / np.sqrt(len(drawn))
    slack = 0.05 if isinstance(measure, CycleKNN) else 0.0  # hubs lower it
    assert np.mean(drawn) == pytest.approx(measure.chance(30, 12, 12), abs=4 * error + slack)
    assert measure.chance(30, 12, 12) > 0.05


def test_what_is_not_known_of_chance_is_not_said():
    assert SecondOrderCosine().chance(100, 5, 5) is None
    assert IMD().chance(100, 5, 5) is None


@pytest.mark.parametrize("measure", [MutualKNN(k=5), JaccardKNN(k=5, centre=True)], ids=repr)
def test_permutations_of_neighbours_that_tie(measure):
    x, y = COARSE[0] + np.arange(40)[:, None] % 7, COARSE[1] + np.arange(40)[:, None] % 5
    orders = np.stack([RNG.permutation(40) for _ in range(4)])
    expected = [measure(x, y[order]) for order in orders]
    np.testing.assert_allclose(measure.permuted(*measure.meet(x, y), orders), expected, atol=1e-12)


def test_small_k_and_every_other_stimulus():
    assert RankSimilarity(k=4)(X[:5], Y[:5]) < 1  # all are neighbours, their ranks still differ
    assert MutualKNN(k=3)(X[:5], X[:5]) == 1
    assert CycleKNN(k=1)(X, Y) == CycleKNN(k=1)(Y, X)
    assert MutualKNN(k=1).traits.minimum_stimuli == 3


def test_integers_are_numbers():
    assert MutualKNN(k=5)(COARSE[0].astype(np.uint8), COARSE[1]) == MutualKNN(k=5)(COARSE[0].astype(float), COARSE[1].astype(float))
    assert RSMNorm()(COARSE[0].astype(np.uint8), COARSE[1]) == RSMNorm()(COARSE[0].astype(float), COARSE[1].astype(float))


@pytest.mark.parametrize("measure", [*NEIGHBOURS, *CLOUDS, RTD(), RSMNorm()], ids=repr)
def test_intervals_hold_the_value_and_all_pairs_hold_each(measure):
    score = compare(X, X + 0.3 * X[::-1], measure=measure, replicates=20)
    assert score.low <= score.high
    names, matrix = compare_all({"x": X, "near": X + 0.1 * RNG.normal(size=X.shape), "y": Y}, measure)
    assert matrix[0, 2] == pytest.approx(measure(X, Y), abs=1e-9)
    sign = 1 if measure.traits.higher_is_closer else -1
    assert sign * matrix[0, 1] > sign * matrix[0, 2], names


@pytest.mark.parametrize("measure", CLOUDS, ids=repr)
def test_clouds_do_not_know_their_stimuli(measure):
    assert measure(X, Y[::-1]) == pytest.approx(measure(X, Y), abs=1e-8)


def test_uniformity_of_wide_features_does_not_underflow():
    x, y = 30 * RNG.normal(size=(2, 20, 500))
    own = Uniformity(normalise=False, own_pairs=True)
    assert own(x, 3 * y) == pytest.approx(0, abs=1e-12)  # pairs of a stimulus with itself are all that is left
    assert Uniformity(normalise=False)(x, 3 * y) > 1e5


def test_divergence_draws_do_not_depend_on_the_order_of_rows():
    measure = RTD(batch_size=20, batches=3)
    value, order = measure(X, Y), RNG.permutation(40)
    rotation = np.linalg.qr(RNG.normal(size=(6, 6)))[0]
    assert measure(X[order], Y[order]) == pytest.approx(value, rel=1e-9)
    assert measure(X @ rotation, 3 * Y) == pytest.approx(value, rel=1e-6)
    assert measure(Gram.from_features(X), Gram.from_features(Y)) == pytest.approx(value, rel=1e-6)
    assert RTD(batch_size=20, batches=3, seed=1)(X, Y) != value
    everything = RTD()(X, Y)
    assert value < everything  # half the stimuli, shorter bars in all
    assert RTD(seed=5)(X[order], Y[order]) == pytest.approx(everything, rel=1e-12)


def test_divergence_keeps_digits_that_float32_has_not():
    x = np.arange(12.0)[:, None] ** 1.5
    near = x.copy()
    near[5] += 1e-9
    assert 0 < RTD()(x, near) < 1e-8


def test_divergence_of_stored_distances():
    x, y = (RDM.from_features(each, "euclidean") for each in (X, Y))
    assert RTD()(x, y) == RTD()(X, Y)


def test_a_square_and_a_line_differ_by_what_they_join():
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    pairs = np.array([[0, 0], [1, 0], [9, 0], [10, 0]])
    for one, other in itertools.permutations((square, pairs)):
        assert RTD()(one, other) > 0.1
