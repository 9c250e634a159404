"""Every way of sampling obeys its definition, exactly, on a million triplets."""

import numpy as np
import pytest

from isomorph.alignet import SAMPLINGS, TripletSampler, load_groups
from isomorph.alignet._sample_kinds import sampling_kind

N = 1_000_000
SIZES = np.array([1, 1, 2, 3, 4, 10, 79])  # two groups of one image: they may only give the odd one
LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(len(SIZES)), SIZES))
NAMES = ["random", "between_class", "class_border", "within_class", "cluster_7", "cluster_border_7"]


def sampler(sampling, balance="images", seed=0):
    return TripletSampler(sampling=sampling, images=len(LABELS), groups=LABELS, balance=balance, seed=seed)


@pytest.mark.parametrize("balance", ["images", "groups"])
@pytest.mark.parametrize("sampling", NAMES)
def test_definitions_hold_exactly(sampling, balance):
    items = sampler(sampling, balance).draw(N)
    assert items.shape == (N, 3)
    assert items.dtype == np.int32
    assert items.min() == 0
    assert items.max() == len(LABELS) - 1 or sampling.startswith(("within", "cluster_7"))
    by_row = np.sort(items, axis=1)
    assert (np.diff(by_row, axis=1) > 0).all()  # three different images
    groups = np.sort(LABELS[items], axis=1)
    count = 1 + (np.diff(groups, axis=1) > 0).sum(axis=1)
    expected = {"between_class": 3, "class_border": 2, "within_class": 1, "cluster_7": 1, "cluster_border_7": 2}.get(sampling)
    assert expected is None or (count == expected).all()
    sizes = SIZES[groups]
    if expected == 1:
        assert sizes.min() == 3
        assert set(groups[:, 0]) == {3, 4, 5, 6}
    if expected == 2:
        pair = np.where(groups[:, 0] == groups[:, 1], groups[:, 0], groups[:, 2])
        odd = np.where(groups[:, 0] == groups[:, 1], groups[:, 2], groups[:, 0])
        assert set(pair) == {2, 3, 4, 5, 6}
        assert set(odd) == set(range(7))


@pytest.mark.parametrize(("sampling", "least"), [("class_border", 2), ("within_class", 3)])
def test_balance_is_over_images_or_over_groups(sampling, least):
    groups = np.flatnonzero(least <= SIZES)
    for balance, shares in (("images", SIZES[groups] / SIZES[groups].sum()), ("groups", np.full(len(groups), 1 / len(groups)))):
        of = np.sort(LABELS[sampler(sampling, balance).draw(N)], axis=1)
        pair = np.where(of[:, 0] == of[:, 1], of[:, 0], of[:, 2])
        found = np.bincount(pair, minlength=7)[groups] / N
        np.testing.assert_allclose(found, shares, atol=4 * np.sqrt(0.25 / N))


def test_the_odd_one_of_a_border_is_even_over_what_is_left():
    labels = np.array([0, 0, 1, 2, 2, 2])
    items = TripletSampler(sampling="class_border", images=6, groups=labels).draw(N)
    of = labels[items]
    with_pair_0 = ((of == 0).sum(axis=1)) == 2
    odd = items[with_pair_0][of[with_pair_0] != 0]
    np.testing.assert_allclose(np.bincount(odd, minlength=6)[2:] / len(odd), 0.25, atol=0.005)


def test_between_is_even_where_one_group_has_nearly_all():
    labels = np.array([0] * 50 + [1, 2])
    items = TripletSampler(sampling="between_class", images=52, groups=labels).draw(200_000)
    assert (np.sort(labels[items], axis=1) == [0, 1, 2]).all()
    shares = np.bincount(items.ravel(), minlength=52)[:50] / 200_000
    np.testing.assert_allclose(shares, 1 / 50, atol=0.002)


def test_the_order_within_a_triplet_is_by_chance():
    of = LABELS[sampler("class_border").draw(N)]
    for column in range(3):
        others = [each for each in range(3) if each != column]
        assert (of[:, others[0]] == of[:, others[1]]).mean() == pytest.approx(1 / 3, abs=0.003)


@pytest.mark.parametrize("sampling", NAMES)
def test_block_size_and_length_change_nothing(sampling):
    drawn = sampler(sampling).draw(150_000)
    for rows in (1000, 65_536, 100_001):
        blocks = list(sampler(sampling).blocks(150_000, rows))
        assert {len(each) for each in blocks[:-1]} <= {rows}
        assert np.array_equal(np.concatenate(blocks), drawn)
    assert np.array_equal(np.concatenate(list(sampler(sampling).blocks(150_000, 999, start=70_001))), drawn[70_001:])
    assert np.array_equal(sampler(sampling).draw(7), drawn[:7])
    assert not np.array_equal(sampler(sampling, seed=1).draw(7), drawn[:7])


def test_names_of_samplings():
    assert {sampling_kind(each)[0] for each in SAMPLINGS} == {"random", "between", "border", "within"}
    assert sampling_kind("cluster_500") == ("within", 500)


def test_groups_may_be_names_and_come_from_files(tmp_path):
    words = [f"class {each}" for each in LABELS]
    named = TripletSampler(sampling="within_class", images=len(words), groups=words)
    assert np.array_equal(named.draw(100), sampler("within_class").draw(100))
    (tmp_path / "g.txt").write_text("\n".join(words))
    (tmp_path / "g.csv").write_text("id,cluster\n" + "".join(f"{row},{each}\n" for row, each in enumerate(LABELS)))
    np.save(tmp_path / "g.npy", LABELS)
    np.savez(tmp_path / "g.npz", clusters=LABELS, filenames=np.array(words).reshape(-1, 1))
    for name in ("g.txt", "g.csv", "g.npy", "g.npz"):
        assert np.array_equal(load_groups(tmp_path / name), LABELS)


def test_statistics_count_what_was_shown():
    of = sampler("cluster_border_7")
    shown = np.bincount(of.draw(30_000).ravel(), minlength=len(LABELS))
    facts = of.statistics(shown)
    by_group = [int(shown[group == LABELS].sum()) for group in range(7)]
    assert (facts.n, facts.images, facts.groups, facts.groups_shown) == (30_000, 100, 7, 7)
    assert (facts.groups_eligible, facts.single) == (5, 2)
    assert (facts.smallest, facts.median, facts.largest) == (1, 3.0, 79)
    assert (facts.shown_fewest, facts.shown_most) == (min(by_group), max(by_group))
    assert facts.shown_median == np.median(by_group)
