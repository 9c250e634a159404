"""All pairs by the engine against each measure by itself, against brute force, and against itself cut into parts."""

import itertools
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from isomorph.features import Features
from isomorph.geometry import Gram
from isomorph.inference import compare_rdms
from isomorph.measures import CKA, CKNNA, HSIC, RBFCKA, RSA, AngularCKA, JaccardKNN, MutualKNN, compare_all
from isomorph.pairwise import AllPairs, PairState, all_pairs
from isomorph.pairwise import _sum_tree as sum_tree

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

MEASURES = [
    CKA(),
    CKA(debiased=False),
    CKA(estimator="lange"),
    AngularCKA(),
    HSIC(),
    HSIC(estimator="biased"),
    HSIC(estimator="lange"),
    RBFCKA(),
    RBFCKA(sigma=1.0, sigma_unit="root-median", debiased=False),
    RBFCKA(sigma=6.0),
    RBFCKA(sigma=0.8, estimator="lange"),
    RBFCKA(sigma=900.0, sigma_unit="absolute", debiased=False),
    RSA(),
    RSA(distance="cosine"),
    RSA(distance="euclidean"),
    RSA(distance="sqeuclidean"),
    RSA(comparison="cosine"),
    RSA(distance="euclidean", comparison="cosine"),
    RSA(comparison="spearman"),
    RSA(distance="euclidean", comparison="spearman"),
    RSA(distance="cosine", comparison="rho-a"),
    MutualKNN(),
    JaccardKNN(k=4),
    JaccardKNN(k=6, centre=True),
    CKNNA(k=12),
    CKNNA(k=12, mask="mutual", similarity="centred"),
    CKNNA(k=12, similarity="dot"),
]
JACKKNIFED = [
    CKA(),
    CKA(debiased=False),
    AngularCKA(),
    HSIC(),
    HSIC(estimator="biased"),
    RBFCKA(sigma=7, sigma_unit="absolute"),
    RBFCKA(sigma=9, sigma_unit="absolute", debiased=False),
    RSA(),
    RSA(distance="euclidean"),
    RSA(distance="cosine", comparison="cosine"),
]


def make_items(n: int = 130, seed: int = 0) -> dict[str, np.ndarray]:
    """Things that share something, of other widths, noise, offsets and scales."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 6))
    kinds = [(10, 1.0, 0.0, 1.0), (300, 1.0, 5.0, 1e3), (40, 2.0, -1.0, 1e-3), (7, 0.5, 0.0, 1.0)]
    return {
        f"model{index}": (shared @ rng.normal(size=(6, p)) + noise * rng.normal(size=(n, p)) + offset) * scale
        for index, (p, noise, offset, scale) in enumerate(kinds)
    }


ITEMS = make_items()


def by_measure(measure: object, items: dict) -> np.ndarray:
    return compare_all(items, measure)[1]


@pytest.fixture(scope="module")
def streamed() -> AllPairs:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return all_pairs(ITEMS, MEASURES, form="stream")


@pytest.mark.parametrize("place", range(len(MEASURES)), ids=lambda place: repr(MEASURES[place]))
def test_every_streaming_form_is_the_measure(streamed, place):
    expected = by_measure(MEASURES[place], ITEMS)
    np.testing.assert_allclose(streamed.values[place], expected, rtol=1e-10, atol=1e-10)
    assert streamed.form[repr(MEASURES[place])] == "stream"


@pytest.mark.parametrize("place", range(len(MEASURES)), ids=lambda place: repr(MEASURES[place]))
def test_float32_products_keep_six_digits(streamed, place):
    result = all_pairs(ITEMS, [MEASURES[place]], form="stream", products="float32")
    # Near 0 an angle has half the digits; a mutual mask lets a neighbour in or out as a whole.
    tolerance = 1e-3 if isinstance(MEASURES[place], AngularCKA) else 2e-6
    np.testing.assert_allclose(result.values[0], streamed.values[place], rtol=tolerance, atol=tolerance)
    assert result.precision == "float32"


@pytest.mark.parametrize("measure", MEASURES[:7], ids=repr)
def test_cross_covariances_give_the_same(streamed, measure):
    result = all_pairs(ITEMS, [measure], form="features")
    np.testing.assert_allclose(result.values[0], streamed.values[MEASURES.index(measure)], rtol=1e-10, atol=1e-10)
    assert result.form == {repr(measure): "features"}


def test_the_cheaper_form_is_chosen():
    rng = np.random.default_rng(0)
    narrow = {name: rng.normal(size=(200, 4)) for name in "abc"}
    wide = {name: rng.normal(size=(50, 400)) for name in "abc"}
    assert all_pairs(narrow).form == {"cka": "features"}
    assert all_pairs(wide).form == {"cka": "stream"}
    assert all_pairs(narrow, ["cka", "rbf-cka"]).form == {"cka": "features", "rbf-cka": "stream"}


@pytest.mark.parametrize("measure", JACKKNIFED, ids=repr)
def test_the_jackknife_is_exact(measure):
    n = 24
    items = {name: each / np.abs(each).max() * 9 for name, each in make_items(n, seed=3).items() if name != "model3"}
    result = all_pairs(items, [measure], standard_errors=True)
    np.testing.assert_allclose(result.values[0], by_measure(measure, items), rtol=1e-9, atol=1e-7)
    without = np.array([by_measure(measure, {name: np.delete(each, row, 0) for name, each in items.items()}) for row in range(n)])
    expected = np.sqrt((n - 1) / n * np.square(without - without.mean(axis=0)).sum(axis=0))
    np.testing.assert_allclose(result.standard_errors[0], expected, rtol=1e-7, atol=2e-7)  # 2e-7: angles of things with themselves


def test_measures_without_a_jackknife_say_nan():
    result = all_pairs(ITEMS, [CKA(), RSA(comparison="spearman"), MutualKNN()], standard_errors=True)
    assert np.isfinite(result.standard_errors[0]).all()
    assert np.isnan(result.standard_errors[1:]).all()
    assert all_pairs(ITEMS).standard_errors is None


@pytest.fixture
def many_groups(monkeypatch):
    """Stripes so low that a few stimuli fall into many groups."""
    monkeypatch.setattr(sum_tree, "_LEAST_ROWS", 2)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("standard_errors", [False, True])
def test_parts_merge_in_any_order(tmp_path, many_groups, streamed, count, standard_errors):
    rng = np.random.default_rng(count)
    files = []
    for index in range(1, count + 1):
        state = all_pairs(ITEMS, MEASURES, form="stream", part=(index, count), standard_errors=standard_errors)
        files.append(state.save(tmp_path / f"{index}.state"))
    states = [PairState.load(files[index]) for index in rng.permutation(count)]
    whole = states[0]
    for each in states[1:]:
        whole = whole.merge(each)
    result = whole.finish()
    np.testing.assert_allclose(result.values, streamed.values, rtol=1e-10, atol=1e-10)
    direct = all_pairs(ITEMS, MEASURES, form="stream", standard_errors=standard_errors)
    np.testing.assert_array_equal(result.values, direct.values)  # to the last bit, whoever added up what
    if standard_errors:
        np.testing.assert_array_equal(result.standard_errors, direct.standard_errors)


def test_groups_of_rows_cover_all_rows_once_whatever_the_parts():
    for n in (1, 2, 12, 255, 256, 511, 5000, 20_000):
        for parts in (1, 2, 3, 7, 100):
            groups = [group for index in range(parts) for group in sum_tree.share(n, (index, parts))]
            assert groups == list(range(sum_tree.group_count(n)))
            ranges = [each for index in range(parts) for each in sum_tree.rows_of(n, sum_tree.share(n, (index, parts)))]
            assert sorted(row for low, high in ranges for row in range(low, high)) == list(range(n))


def test_more_parts_than_rows(many_groups):
    items = {name: each[:14] for name, each in ITEMS.items()}
    measures = [CKA(), RSA(comparison="spearman"), MutualKNN(k=3), RBFCKA()]
    parts = [all_pairs(items, measures, form="stream", part=(index, 20)) for index in range(1, 21)]
    whole = parts[0]
    for each in parts[1:]:
        whole = whole.merge(each)
    np.testing.assert_array_equal(whole.finish().values, all_pairs(items, measures, form="stream").values)


def test_parts_of_cross_covariances_merge():
    parts = [all_pairs(ITEMS, part=(index, 4), form="features") for index in (3, 1, 4, 2)]
    whole = parts[0].merge(parts[1]).merge(parts[2].merge(parts[3]))
    np.testing.assert_allclose(whole.finish().values, all_pairs(ITEMS, form="features").values, atol=1e-14)


def test_the_height_of_stripes_does_not_matter(monkeypatch, streamed):
    import isomorph.pairwise._plan as plan

    for height in (1, 7, 130):
        monkeypatch.setattr(plan, "HEIGHT", height)
        monkeypatch.setattr(plan, "_LEAST_HEIGHT", height)
        result = all_pairs(ITEMS, MEASURES, form="stream")
        np.testing.assert_allclose(result.values, streamed.values, rtol=1e-10, atol=1e-10)


def test_the_size_of_blocks_does_not_matter(monkeypatch, streamed):
    import isomorph.pairwise._arithmetic as arithmetic

    monkeypatch.setattr(arithmetic, "CACHED_VALUES", 300)
    monkeypatch.setattr(arithmetic, "BLOCK_TERMS", 70)
    for standard_errors in (False, True):
        result = all_pairs(ITEMS, MEASURES, form="stream", standard_errors=standard_errors)
        np.testing.assert_allclose(result.values, streamed.values, rtol=1e-10, atol=1e-10)


def test_the_number_of_threads_does_not_matter():
    code = (
        "import numpy as np; from isomorph.pairwise import all_pairs; rng = np.random.default_rng(0)\n"
        "items = {name: rng.normal(size=(300, 500)) for name in 'abc'}\n"
        "print(*all_pairs(items, ['cka', 'rbf-cka', 'rsa'], standard_errors=True).values.ravel().tolist())"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "OMP_NUM_THREADS": threads}, capture_output=True, check=True)
        for threads in "12"
    ]
    first, second = (np.array(run.stdout.split(), dtype=float) for run in runs)
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-12)


def test_torch_gives_the_same_as_numpy(monkeypatch, streamed):
    import isomorph.pairwise._all_pairs as room
    from isomorph.pairwise._arithmetic import Arithmetic

    monkeypatch.setattr(room, "Arithmetic", lambda device, dtype: Arithmetic(device, dtype, library="torch"))
    result = all_pairs(ITEMS, MEASURES, form="stream")
    np.testing.assert_allclose(result.values, streamed.values, rtol=1e-10, atol=1e-10)
    monkeypatch.setattr("isomorph.pairwise._arithmetic.BLOCK_TERMS", 100)
    single = all_pairs(ITEMS, [CKA(), RBFCKA()], form="stream", products="float32", standard_errors=True)
    np.testing.assert_allclose(single.values, streamed.values[[0, 7]], atol=2e-6)
    np.testing.assert_allclose(all_pairs(ITEMS, [CKA(), RBFCKA()], form="stream").values, streamed.values[[0, 7]], atol=1e-10)


def test_named_stimuli_meet_by_id():
    ids = tuple(f"s{row}" for row in range(130))
    order = np.random.default_rng(1).permutation(130)
    items = {name: Features(each, ids) for name, each in ITEMS.items()}
    items["model2"] = items["model2"].take([ids[row] for row in order])
    np.testing.assert_allclose(all_pairs(items).values, all_pairs(ITEMS).values, atol=1e-14)


def test_other_measures_go_pair_by_pair_and_say_so():
    result = all_pairs(ITEMS, ["procrustes", "cka"])
    assert result.form == {"procrustes": "pairwise", "cka": "stream"}
    assert result.measures == ("procrustes", "cka")
    np.testing.assert_allclose(result.matrix("procrustes"), compare_all(ITEMS, "procrustes")[1])
    grams = {name: Gram.from_features(each) for name, each in ITEMS.items()}
    assert all_pairs(grams).form == {"cka": "pairwise"}
    np.testing.assert_allclose(all_pairs(grams).values, all_pairs(ITEMS).values, atol=1e-10)


def test_whole_numbers_do_not_overflow():
    rng = np.random.default_rng(0)
    small = {name: rng.integers(0, 255, size=(60, 9), dtype=np.uint8) for name in "abc"}
    wide = {name: each.astype(float) for name, each in small.items()}
    np.testing.assert_array_equal(all_pairs(small, ["cka", "rsa"]).values, all_pairs(wide, ["cka", "rsa"]).values)


def test_huge_and_tiny_float32_features_neither_overflow_nor_vanish():
    base = make_items(60)
    for scale in (1e30, 1e-30):
        items = {name: (each * scale).astype(np.float32) for name, each in base.items()}
        result = all_pairs(items, ["cka", "rbf-cka", "rsa"], form="stream")
        np.testing.assert_allclose(result.values, all_pairs(base, ["cka", "rbf-cka", "rsa"]).values, atol=5e-6)


def test_a_large_common_offset_costs_no_digits():
    base = make_items(100)
    items = {name: each / np.abs(each).max() + 300.0 for name, each in base.items()}
    expected = all_pairs(items, ["cka", RSA(distance="cosine"), "rsa"]).values
    result = all_pairs(items, ["cka", RSA(distance="cosine"), "rsa"], products="float32", form="stream")
    np.testing.assert_allclose(result.values, expected, atol=5e-6)


def test_neighbours_that_tie_share_their_places():
    rng = np.random.default_rng(0)
    items = {name: rng.integers(0, 2, size=(40, 5)).astype(float) + np.eye(5)[4] for name in "abc"}
    for measure in (MutualKNN(k=7), JaccardKNN(k=3), CKNNA(k=9, similarity="dot")):
        np.testing.assert_allclose(all_pairs(items, [measure]).values[0], by_measure(measure, items), atol=1e-10)


def test_equal_distances_share_a_rank():
    rng = np.random.default_rng(0)
    items = {name: rng.integers(0, 2, size=(40, 5)).astype(float) for name in "abc"}
    rdms = np.stack([np.square(each[:, None] - each).sum(axis=2)[np.triu_indices(40, 1)] for each in items.values()])
    for comparison in ("spearman", "rho-a"):
        result = all_pairs(items, [RSA(distance="sqeuclidean", comparison=comparison)])
        np.testing.assert_allclose(result.values[0], compare_rdms(rdms, rdms, comparison=comparison), atol=1e-10)


def test_pairs_of_things_are_symmetric_and_ones_on_the_diagonal(streamed):
    for place, measure in itertools.islice(enumerate(MEASURES), 24):
        np.testing.assert_allclose(
            streamed.values[place], streamed.values[place].T, rtol=0, atol=1e-15 * np.abs(streamed.values[place]).max()
        )
        if not isinstance(measure, HSIC | AngularCKA) and getattr(measure, "comparison", "") != "rho-a":
            np.testing.assert_allclose(np.diagonal(streamed.values[place]), 1.0, atol=1e-12)
