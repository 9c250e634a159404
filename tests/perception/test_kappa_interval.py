"""The interval of error consistency holds what κ estimates, and draws need little memory."""

import tracemalloc

import numpy as np
import pytest

from isomorph.perception import Column, Trials, behaviour_table, error_consistency
from isomorph.perception._agreement import drawn_shares, pairs_of, shares, without_bias
from isomorph.perception._draws import drawn_means
from isomorph.perception._grid import grids

CONDITIONS, IMAGES = 40, 25
BOTH, FIRST, SECOND = 0.55, 0.15, 0.1  # both right, the first alone, the second alone


def observed(seed: int) -> Trials:
    """Two observers on as many images in each condition, whose κ is known."""
    n = CONDITIONS * IMAGES
    rng = np.random.default_rng(seed)
    cell = rng.choice(4, size=n, p=[BOTH, FIRST, SECOND, 1 - BOTH - FIRST - SECOND])
    right = np.concatenate([np.isin(cell, (0, 1)), np.isin(cell, (0, 2))])
    image = np.arange(n, dtype=np.int32)
    twice, names = np.concatenate([image, image]), tuple(f"{at}.png" for at in range(n))
    one = Column(np.zeros(2 * n, dtype=np.int32), ("1",))
    condition = Column((twice // IMAGES).astype(np.int32), tuple(map(str, range(CONDITIONS))))
    return Trials(
        subject=Column(np.repeat(np.arange(2, dtype=np.int32), n), ("subject-01", "net")), dataset=Column(one.codes, ("mine",)),
        condition=condition, item=Column(twice, names), image=Column(twice, names), response=Column(1 - right.astype(np.int32), ("a", "b")),
        category=Column(one.codes, ("a",)), rt=np.full(2 * n, np.nan), session=one, trial=one,
    )  # fmt: skip


def truth() -> float:
    a, b = BOTH + FIRST, BOTH + SECOND
    expected = a * b + (1 - a) * (1 - b)
    return (1 - FIRST - SECOND - expected) / (1 - expected)


def test_the_interval_covers_kappa_where_plain_percentiles_do_not() -> None:
    plain, corrected, pairs = [], [], pairs_of([0, 1])
    for seed in range(80):
        (grid,) = grids(observed(seed), "none")
        value, drawn = shares(grid, pairs).averaged(pairs)[2, :, 0], drawn_shares(grid, pairs, 200, np.random.default_rng(seed))
        drawn = drawn.averaged(pairs)[2]
        plain.append(np.quantile(drawn, [0.025, 0.975]))
        corrected.append(np.quantile(without_bias(value, drawn), [0.025, 0.975]))
    covered, missed = (((each[:, 0] <= truth()) & (truth() <= each[:, 1])).mean() for each in (np.array(corrected), np.array(plain)))
    assert covered >= 0.9
    assert missed <= 0.87
    low, high = np.array(corrected).T
    assert max((high < truth()).mean(), (low > truth()).mean()) <= 0.08  # on neither side alone


def test_the_table_and_the_pairs_have_one_interval() -> None:
    trials = observed(0)
    pair = error_consistency(trials, dropped="none", replicates=300, seed=3).iloc[0]
    table = behaviour_table(trials, dropped="none", replicates=300, seed=3).set_index("model").loc["net"]
    assert table[["error_consistency_low", "error_consistency_high"]].tolist() == pytest.approx(pair[["low", "high"]].tolist(), abs=1e-12)


def test_replicates_lie_about_the_value_less_its_bias_and_not_above_one() -> None:
    (grid,) = grids(observed(1), "none")
    pairs = pairs_of([0, 1])
    value, drawn = (each.averaged(pairs)[2] for each in (shares(grid, pairs), drawn_shares(grid, pairs, 500, np.random.default_rng(0))))
    bias = drawn.mean() - value[0, 0]
    assert -0.02 < bias < -0.004  # falls short
    moved = without_bias(value[:, 0], drawn)
    assert moved.mean() == pytest.approx(value[0, 0] - bias, abs=1e-12)
    assert np.ptp(moved) == pytest.approx(np.ptp(drawn))
    assert without_bias(np.array([1.0]), np.array([[1.0, 0.9, 1.0]])).max() == 1


def test_means_of_draws_are_those_of_one_large_table_of_counts() -> None:
    values = np.random.default_rng(0).normal(size=(700, 3))
    drawn = np.random.default_rng(5).integers(700, size=(3000, 700))  # 2.1 million: three blocks
    np.testing.assert_allclose(drawn_means(values, 3000, np.random.default_rng(5)), values[drawn].mean(axis=1), atol=1e-12)


def test_memory_is_bounded_whatever_is_drawn() -> None:
    values = np.random.default_rng(0).normal(size=(20_000, 2))
    tracemalloc.start()
    try:
        drawn_means(values, 400, np.random.default_rng(0))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 40e6  # all at once: 64 MB for each of three tables
