"""What could explain consistency away: widths, sizes, sampling error, range."""

import numpy as np
import pytest
from scipy import stats

from isomorph.consistency import Consistency, Similarities

QUICK = {"replicates": 0, "permutations": 0}


def slow_partial(x, y, covariates):
    design = np.column_stack([np.ones(len(x)), *covariates])
    left = [each - design @ np.linalg.lstsq(design, each, rcond=None)[0] for each in (x, y)]
    return np.corrcoef(*left)[0, 1]


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_width_partial_is_a_regression_on_both_covariates(similarities, method):
    result = Consistency(method=method, **QUICK)(similarities).pairs
    first, second = np.triu_indices(16, 1)
    log = np.log(np.array(similarities.widths, dtype=float))
    covariates = [np.abs(log[first] - log[second]), log[first] + log[second]]
    for _, row in result.iterrows():
        d, e = (similarities.datasets.index(row[name]) for name in ("dataset_a", "dataset_b"))
        x, y = (similarities.values[at, similarities.measures.index(row["measure"]), first, second] for at in (d, e))
        rank = stats.rankdata if method == "spearman" else np.asarray
        expected = slow_partial(rank(x), rank(y), [rank(each) for each in covariates])
        assert row["width_partial_r"] == pytest.approx(expected, abs=1e-10)


def test_consistency_that_comes_from_widths_is_found_out():
    rng = np.random.default_rng(0)
    widths = tuple(int(each) for each in rng.choice([64, 256, 512, 1024, 2048], 20))
    log = np.log(np.array(widths, dtype=float))
    noise = rng.normal(size=(3, 1, 20, 20)) * 0.2
    values = -np.abs(log[:, None] - log[None, :]) + (noise + noise.swapaxes(2, 3)) / 2
    result = Consistency(**QUICK)(Similarities(values, ("a", "b", "c"), ("cca",), tuple("abcdefghijklmnopqrst"), widths=widths)).summary
    assert result["median"].item() > 0.95
    assert abs(result["width_partial_median"].item()) < 0.2


def test_equal_widths_change_nothing(similarities):
    equal = Similarities(similarities.values, similarities.datasets, similarities.measures, similarities.models, widths=(512,) * 16)
    pairs = Consistency(**QUICK)(equal).pairs
    assert pairs["width_partial_r"].to_numpy() == pytest.approx(pairs["r"].to_numpy())
    unknown = Similarities(similarities.values, similarities.datasets, similarities.measures, similarities.models)
    result = Consistency(**QUICK)(unknown)
    assert result.pairs["width_partial_r"].isna().all()
    assert any("feature widths" in note for note in result.options["notes"])


def test_disattenuation_gives_back_what_noise_took():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(40, 40))
    errors = np.full((2, 1, 40, 40), 0.8)
    noise = rng.normal(size=(2, 1, 40, 40)) * 0.8
    upper = np.triu(np.ones((40, 40)), 1)
    values = (truth + noise) * upper
    values = values + values.swapaxes(2, 3) + np.eye(40)
    result = Consistency(**QUICK)(Similarities(values, ("a", "b"), ("cka",), tuple(map(str, range(40))), standard_errors=errors))
    row = result.pairs.iloc[0]
    assert row["r"] == pytest.approx(1 / (1 + 0.64), abs=0.05)
    assert row["disattenuated"] == pytest.approx(1, abs=0.05)
    x, y = (values[d, 0][np.triu_indices(40, 1)] for d in range(2))
    reliability = [1 - 0.64 / each.var(ddof=1) for each in (x, y)]
    assert row["disattenuated"] == pytest.approx(row["r"] / np.sqrt(np.prod(reliability)))
    assert result.summary["disattenuated_median"].item() == row["disattenuated"]


def test_nothing_but_error_has_no_disattenuated_value(similarities):
    errors = np.full(similarities.values.shape, 10.0)
    noisy = Similarities(similarities.values, similarities.datasets, similarities.measures, similarities.models, standard_errors=errors)
    assert Consistency(**QUICK)(noisy).pairs["disattenuated"].isna().all()


def test_ranges_and_spreads_are_reported(similarities):
    row = Consistency(**QUICK)(similarities).pairs.iloc[2]
    first, second = np.triu_indices(16, 1)
    x = similarities.values[similarities.datasets.index(row["dataset_b"]), 0, first, second]
    assert row["sd_b"] == pytest.approx(x.std(ddof=1))
    assert row["range_b"] == pytest.approx(x.max() - x.min())
    assert row["fisher_z"] == pytest.approx(np.arctanh(row["r"]))


def test_size_matched_medians_are_stable_and_unbiased(make):
    kinds = ("many",) * 20 + ("few",) * 8
    similarities = make(kinds=kinds, measures=1, noise=0.5)
    results = [Consistency(seed=seed, **QUICK)(similarities, by="kind") for seed in range(4)]
    assert {result.options["matched_size"] for result in results} == {28}
    tables = [result.summary.set_index(["set_a", "set_b"]) for result in results]
    many = [table.loc[("many", "many"), "size_matched_median"] for table in tables]
    assert np.ptp(many) < 0.02
    assert np.mean(many) == pytest.approx(tables[0].loc[("many", "many"), "median"], abs=0.03)
    few = tables[0].loc[("few", "few")]
    assert few["size_matched_median"] == pytest.approx(few["median"], abs=1e-12)


def test_numbers_of_stimuli_travel_with_the_numbers(similarities):
    counted = Similarities(
        similarities.values, similarities.datasets, similarities.measures, similarities.models, n=(100, 9000, 200, 10_000)
    )
    result = Consistency(**QUICK)(counted)
    assert result.pairs.loc[1, ["n_a", "n_b"]].tolist() == [100, 200]
    assert any("from 100 (d0) to 10,000 (d3)" in note for note in result.options["notes"])
