"""Consistency itself: definition, intervals, null, confounds, missing models."""

from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from isomorph.consistency import Consistency, ModelSet, Similarities
from isomorph.consistency._bootstrap import generator
from isomorph.errors import InputError, ShapeError

QUICK = {"replicates": 0, "permutations": 0}
SCIPY = {"pearson": stats.pearsonr, "spearman": stats.spearmanr}


def slow_rho(similarities, row, method):
    """The definition, with sets and loops."""
    kinds = dict(zip(similarities.models, similarities.table["kind"], strict=True))
    d, e = (similarities.datasets.index(row[name]) for name in ("dataset_a", "dataset_b"))
    k = similarities.measures.index(row["measure"])
    everything = row["set_a"] == "all models"
    xs, ys = [], []
    for f, g in combinations(range(len(similarities.models)), 2):
        if everything or sorted((kinds[similarities.models[f]], kinds[similarities.models[g]])) == sorted((row["set_a"], row["set_b"])):
            xs.append(similarities.values[d, k, f, g])
            ys.append(similarities.values[e, k, f, g])
    return SCIPY[method](xs, ys).statistic, len(xs)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_rho_is_its_definition(similarities, method):
    result = Consistency(method=method, **QUICK)(similarities, by="kind")
    assert len(result.pairs) == 2 * 7 * 6
    for _, row in result.pairs.iterrows():
        rho, count = slow_rho(similarities, row, method)
        assert row["r"] == pytest.approx(rho, abs=1e-12)
        assert row["model_pairs"] == count
    for _, row in result.summary.iterrows():
        own = result.pairs[(result.pairs[["measure", "set_a", "set_b"]] == row[["measure", "set_a", "set_b"]]).all(axis=1)]
        assert row["median"] == pytest.approx(np.median(own["r"]))


def test_a_matrix_is_consistent_with_itself(similarities):
    same = Similarities(np.repeat(similarities.values[:1], 3, axis=0), ("a", "b", "c"), similarities.measures, similarities.models)
    for method in ("pearson", "spearman"):
        result = Consistency(method=method, replicates=20, permutations=19)(same)
        assert result.pairs[["r", "low", "high"]].to_numpy() == pytest.approx(1)
        assert result.summary[["median", "size_matched_median", "fisher_z_mean"]].to_numpy() == pytest.approx(1)
        assert result.summary["p"].tolist() == [0.05, 0.05]


def test_permuted_labels_have_mean_zero(similarities):
    rng = np.random.default_rng(0)
    base = similarities.values[0, 0]
    orders = [rng.permutation(16) for _ in range(60)]
    values = np.stack([base, *(base[np.ix_(order, order)] for order in orders)])[:, None]
    result = Consistency(**QUICK)(Similarities(values, tuple(f"d{at}" for at in range(61)), ("cka",), similarities.models))
    found = result.pairs[result.pairs["dataset_a"] == "d0"]["r"]
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(60)
    assert found.std() > 0.02


def test_every_replicate_of_the_null_is_a_relabelling(make):
    """The p-value over random permutations meets the one over all 120 of them."""
    tiny = make(datasets=2, measures=1, kinds=("a",) * 5)
    found = Consistency(replicates=0, permutations=400, minimum_pairs=3)(tiny)
    observed = found.pairs["r"].item()
    x, y = (tiny.values[d, 0][np.triu_indices(5, 1)] for d in range(2))
    exact = []
    for order in permutations(range(5)):
        again = tiny.values[0, 0][np.ix_(order, order)][np.triu_indices(5, 1)]
        exact.append(np.corrcoef(again, y)[0, 1])
    share = np.mean(np.array(exact) >= observed - 1e-12)
    assert np.corrcoef(x, y)[0, 1] == pytest.approx(observed)
    assert found.pairs["p"].item() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 400) + 1 / 401)


def test_the_null_keeps_its_rate_and_sees_what_is_there(make):
    p = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(2, 1, 12, 3))
        unrelated = Similarities(x @ x.swapaxes(2, 3), ("a", "b"), ("cka",), tuple("abcdefghijkl"))
        p.append(Consistency(replicates=0, permutations=99, seed=seed)(unrelated).summary["p"].item())
    assert np.mean(np.array(p) <= 0.1) < 0.1 + 3 * np.sqrt(0.1 * 0.9 / 60)
    assert 0.3 < np.mean(p) < 0.7
    assert Consistency(replicates=0, permutations=99)(make()).summary["p"].max() == 0.01


def test_intervals_of_a_factor_model_cover_the_truth():
    """Models are draws, each data set adds noise of its own; 95 % intervals hold the value of very many models."""

    def world(models, seed):
        rng = np.random.default_rng(seed)
        x = np.sqrt(0.7) * rng.normal(size=(models, 5)) + np.sqrt(0.3) * rng.normal(size=(2, models, 5))
        return (x @ x.swapaxes(1, 2))[:, None]

    big = world(1500, 10_000)[:, 0][:, *np.triu_indices(1500, 1)]
    truth = np.corrcoef(big)[0, 1]
    analysis = Consistency(replicates=200, permutations=0)
    rows = [analysis(Similarities(world(20, seed), ("a", "b"), ("x",), tuple("abcdefghijklmnopqrst"))).pairs.iloc[0] for seed in range(60)]
    covered = np.mean([row["low"] <= truth <= row["high"] for row in rows])
    assert 0.88 <= covered <= 1.0
    assert np.mean([row["high"] - row["low"] for row in rows]) < 0.6


def test_drawing_data_sets_and_both_widen_what_they_should(similarities):
    options = {"replicates": 200, "permutations": 0}
    models, datasets, both = (Consistency(resample=kind, **options)(similarities) for kind in ("models", "datasets", "both"))
    width = {name: (each.summary["high"] - each.summary["low"]).mean() for name, each in (("m", models), ("d", datasets), ("b", both))}
    assert width["b"] > width["m"] * 0.9
    assert width["b"] > width["d"] > 0
    assert datasets.pairs["low"].isna().all()
    assert np.array_equal(both.pairs["low"], models.pairs["low"])


def test_drawing_data_sets_is_a_median_over_pairs_of_copies(similarities):
    result = Consistency(replicates=40, permutations=0, resample="datasets", seed=5)(similarities)
    square = result.matrix(measure="cka").to_numpy()
    drawn = generator(5, "datasets", *similarities.datasets).multinomial(4, np.full(4, 0.25), size=40)
    medians = []
    for copies in drawn:
        names = np.repeat(np.arange(4), copies)
        found = [square[d, e] for d, e in combinations(names, 2) if d != e]
        medians.append(np.median(found) if found else np.nan)
    expected = np.nanquantile(medians, [0.025, 0.975])
    assert result.summary.loc[0, ["low", "high"]].tolist() == pytest.approx(expected.tolist())


def test_leave_one_data_set_out(similarities):
    result = Consistency(**QUICK)(similarities)
    pairs = result.pairs[result.pairs["measure"] == "cka"]
    without = [np.median(pairs[(pairs["dataset_a"] != d) & (pairs["dataset_b"] != d)]["r"]) for d in similarities.datasets]
    row = result.summary.iloc[0]
    assert (row["leave_one_out_low"], row["leave_one_out_high"]) == pytest.approx((min(without), max(without)))


def test_a_missing_model_is_an_error_or_is_dropped_pair_by_pair(similarities):
    values = similarities.values.copy()
    values[1, :, 3] = values[1, :, :, 3] = np.nan
    gaps = Similarities(values, similarities.datasets, similarities.measures, similarities.models, metadata=similarities.metadata)
    with pytest.raises(InputError, match=r"'m03' is missing on 'd1'.*missing='drop'"):
        Consistency(**QUICK)(gaps)
    Consistency(**QUICK)(gaps, pairs=[(ModelSet("blue", {"kind": "blue"}),) * 2])
    dropped = Consistency(missing="drop", replicates=50, permutations=20)(gaps)
    kept = [name for name in similarities.models if name != "m03"]
    fewer = Consistency(replicates=0, permutations=0)(similarities.take(models=kept))
    full = Consistency(replicates=50, permutations=20)(similarities)
    touched = (dropped.pairs[["dataset_a", "dataset_b"]] == "d1").any(axis=1)
    assert dropped.pairs["model_pairs"].tolist() == [105 if each else 120 for each in touched]
    assert dropped.pairs["models_a"].tolist() == [15 if each else 16 for each in touched]
    assert dropped.pairs["r"][touched].tolist() == pytest.approx(fewer.pairs["r"][touched].tolist())
    assert dropped.pairs["r"][~touched].tolist() == pytest.approx(full.pairs["r"][~touched].tolist())
    assert dropped.pairs["low"][~touched].tolist() == pytest.approx(full.pairs["low"][~touched].tolist())
    assert dropped.pairs["p"][~touched].tolist() == full.pairs["p"][~touched].tolist()
    assert dropped.summary["model_pairs"].tolist() == [105, 105]


def test_specific_pairs_within_and_anchors(similarities):
    analysis = Consistency(**QUICK)
    red, rest = ModelSet("red", {"kind": "red"}), ModelSet("rest", exclude={"kind": "red"})
    specific = analysis(similarities, pairs=[(red, rest)])
    assert specific.summary["model_pairs"].tolist() == [60, 60]
    within = analysis.within(similarities, by="kind")
    assert within.summary["set_a"].tolist() == ["blue", "green", "red"] * 2
    assert (within.summary["set_a"] == within.summary["set_b"]).all()
    anchored = Consistency(minimum_pairs=4, **QUICK).anchors(similarities, ["m03"], by="kind")
    assert anchored.summary["model_pairs"].tolist()[:3] == [5, 5, 5]
    values = similarities.values
    expected = np.corrcoef(values[0, 0, 3, [0, 1, 2, 4, 5]], values[1, 0, 3, [0, 1, 2, 4, 5]])[0, 1]
    row = anchored.pairs[anchored.pairs["set_b"] == "red"].iloc[0]
    assert row["r"] == pytest.approx(expected)
    assert row["set_a"] == "m03"


def test_small_sets_are_skipped_aloud_and_none_left_is_an_error(similarities):
    pairs = [(ModelSet("red", {"kind": "red"}),) * 2, (ModelSet("few", {"model": "m0[0-3]"}),) * 2]
    with pytest.warns(UserWarning, match="'few' with 'few' was skipped: 4 and 4 models make 6 pairs"):
        result = Consistency(**QUICK)(similarities, pairs=pairs)
    assert result.summary["set_a"].unique().tolist() == ["red"]
    assert len(result.options["skipped"]) == 1
    with pytest.raises(ShapeError, match="no pair of sets has 10 pairs"):
        Consistency(**QUICK)(similarities, pairs=pairs[1:])


def test_draws_do_not_depend_on_what_else_is_asked(similarities):
    options = {"replicates": 60, "permutations": 30}
    alone = Consistency(**options)(similarities, pairs=[(ModelSet("red", {"kind": "red"}),) * 2]).pairs
    among = Consistency(**options)(similarities, by="kind").pairs
    among = among[(among["set_a"] == "red") & (among["set_b"] == "red")].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, among)


def test_a_constant_data_set_gives_no_number_and_says_so(similarities):
    values = similarities.values.copy()
    values[2] = 0.5
    flat = Similarities(values, similarities.datasets, similarities.measures, similarities.models)
    result = Consistency(replicates=20, permutations=20)(flat)
    touched = (result.pairs[["dataset_a", "dataset_b"]] == "d2").any(axis=1)
    assert result.pairs["r"].isna().equals(touched)
    assert result.pairs["p"].isna().equals(touched)
    assert result.summary["dataset_pairs"].tolist() == [3, 3]
    assert any("all similarities on 'd2' are equal" in note for note in result.options["notes"])


@pytest.mark.parametrize(
    "options",
    [
        {"method": "kendall"},
        {"resample": "pairs"},
        {"missing": "ignore"},
        {"minimum_pairs": 2},
        {"replicates": -1},
        {"level": 1.0},
        {"seed": -1},
    ],
)
def test_options_out_of_range(options):
    with pytest.raises(InputError):
        Consistency(**options)


def test_one_data_set_and_two_for_a_bootstrap_over_data_sets(similarities):
    with pytest.raises(ShapeError, match="between data sets"):
        Consistency()(similarities.take(datasets=["d0"]))
    with pytest.raises(ShapeError, match="at least 3"):
        Consistency(resample="datasets")(similarities.take(datasets=["d0", "d1"]))
    with pytest.raises(InputError, match="not both"):
        Consistency()(similarities, pairs=[], by="kind")


def test_fdr_and_largest_statistic(make):
    pairs = Consistency(replicates=0, permutations=200)(make(noise=4.0)).pairs
    assert (pairs["p_max"] >= pairs["p"] - 1e-12).all()
    assert (pairs["p_fdr"] >= pairs["p"] - 1e-12).all()
