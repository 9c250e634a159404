"""Memory is predicted, kept to, and does not change the values; what does not fit goes to disk or is sampled."""

import tracemalloc

import numpy as np
import pytest

from isomorph.engine import Progress
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.measures import CKA, RBFCKA, RSA, MutualKNN
from isomorph.pairwise import all_pairs

MEASURES = [CKA(), RBFCKA(), RSA(), MutualKNN()]


def things(n: int, p: int, count: int = 4) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((n, 4), dtype=np.float32)
    return {
        f"m{index}": shared @ rng.standard_normal((4, p), dtype=np.float32) + rng.standard_normal((n, p), dtype=np.float32)
        for index in range(count)
    }


@pytest.fixture(scope="module")
def wide() -> dict[str, np.ndarray]:
    return things(500, 8000)


@pytest.mark.parametrize("limit", ["2GB", "150MB"])
def test_the_prediction_holds(wide, tmp_path, limit):
    measures = MEASURES[:2] if limit == "2GB" else [CKA()]
    all_pairs({name: each[:50] for name, each in wide.items()}, measures)  # imports do not count
    tracemalloc.start()
    result = all_pairs(wide, measures, memory_limit=limit, form="stream", scratch=tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= result.memory <= (2e9 if limit == "2GB" else 150e6)
    assert not list(tmp_path.iterdir())


def test_rows_on_disk_give_the_same(wide, tmp_path):
    resident = all_pairs(wide, [CKA()], form="stream")
    scratch = all_pairs(wide, [CKA()], form="stream", memory_limit="125MB", scratch=tmp_path)
    assert resident.memory > 125e6 > scratch.memory
    np.testing.assert_allclose(scratch.values, resident.values, atol=1e-6)


def test_memory_mapped_features_are_read_in_chunks(wide, tmp_path):
    mapped = {}
    for name, each in wide.items():
        np.save(tmp_path / f"{name}.npy", each)
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    expected = all_pairs(wide, form="stream").values
    tracemalloc.start()
    result = all_pairs(mapped, form="stream", memory_limit="150MB")
    assert tracemalloc.get_traced_memory()[1] < sum(each.nbytes for each in wide.values()) * 1.5
    tracemalloc.stop()
    np.testing.assert_allclose(result.values, expected, atol=1e-6)
    paths = {name: tmp_path / f"{name}.npy" for name in wide}
    np.testing.assert_allclose(all_pairs(paths, form="stream").values, expected, atol=1e-6)


def test_copies_on_write_keep_what_was_written(tmp_path):
    x = things(60, 5, 2)
    np.save(tmp_path / "x.npy", np.zeros((60, 5)))
    copy = np.load(tmp_path / "x.npy", mmap_mode="c")
    copy[:] = x["m0"]
    result = all_pairs({"copy": copy, "other": x["m1"], "same": Features(x["m0"], tuple(map(str, range(60))))})
    assert result.values[0, 0, 2] == pytest.approx(1, abs=1e-12)
    np.testing.assert_array_equal(copy, x["m0"])


def test_a_stripe_that_does_not_fit_says_how_much_it_needs():
    with pytest.raises(
        InputError, match=r"4 things with 500 stimuli need at least [\d.]+ MB for a stripe of 16 rows, but memory_limit is 50 MB"
    ):
        all_pairs(things(500, 300), memory_limit="50MB", form="stream")


def test_ranks_are_sampled_where_memory_is_short_and_the_error_is_stated():
    items = things(2300, 3, 2)
    measures = [RSA(distance="sqeuclidean", comparison="spearman"), RSA(distance="sqeuclidean")]
    exact = all_pairs(items, measures)
    sampled = all_pairs(items, measures, memory_limit="100MB")
    label = repr(measures[0])
    assert exact.sampled == {}
    assert sampled.sampled == {label: {"entries": 1_000_000, "error": 0.001}}
    difference = abs(sampled.values[0, 0, 1] - exact.values[0, 0, 1])
    assert 0 < difference < 0.004
    assert sampled.values[1, 0, 1] == pytest.approx(exact.values[1, 0, 1], abs=1e-6)


def test_sums_over_many_terms_keep_their_decimals():
    """Float32 sums over n² terms are wrong in the third decimal (with a common direction in all rows); ours are not."""
    items = {name: each + 3 for name, each in things(3000, 6, 2).items()}
    double = {name: each.astype(np.float64) for name, each in items.items()}
    measures = [CKA(), CKA(estimator="lange"), RSA(distance="cosine"), RSA(distance="sqeuclidean", comparison="cosine"), RBFCKA(sigma=2.0)]
    single = all_pairs(items, measures, form="stream")
    np.testing.assert_allclose(single.values[0], all_pairs(double, form="features").values[0], atol=1e-6)
    np.testing.assert_allclose(single.values, all_pairs(double, measures, form="stream").values, atol=2e-6)


def test_the_median_distance_from_a_histogram_is_close(monkeypatch):
    import isomorph.pairwise._sigma as sigma

    items = things(300, 6)
    exact = all_pairs(items, [RBFCKA(), RBFCKA(sigma_unit="root-median")]).values
    median = sigma.median_distance
    monkeypatch.setattr("isomorph.pairwise._pass.median_distance", lambda rows, **options: median(rows, **options | {"memory": 0}))
    np.testing.assert_allclose(all_pairs(items, [RBFCKA(), RBFCKA(sigma_unit="root-median")]).values, exact, atol=2e-5)


def test_progress_counts_rows(capsys):
    import sys

    with Progress(stream=sys.stdout) as progress:
        all_pairs(things(80, 90), progress=progress)
    assert "comparing 4 things: 80/80 rows" in capsys.readouterr().out
