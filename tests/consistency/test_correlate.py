"""Correlations of all replicates at once, against slow loops over copies of pairs."""

import numpy as np
import pytest
from scipy import stats

from isomorph.consistency._bootstrap import medians, model_weights, of_pairs
from isomorph.consistency._correlate import correlations, weighted_correlations
from isomorph.consistency._model_set import ModelSet
from isomorph.consistency._pairs import model_pairs

SCIPY = {"pearson": stats.pearsonr, "spearman": stats.spearmanr}


def slow_replicate(matrix_d, matrix_e, copies, in_a, in_b, method):
    """Every pair of drawn copies, one from each set, unless both are copies of one model."""
    xs, ys = [], []
    drawn = [model for model, count in enumerate(copies) for _ in range(int(count))]
    for at, f in enumerate(drawn):
        for g in drawn[at + 1 :]:
            if f != g and ((in_a[f] and in_b[g]) or (in_a[g] and in_b[f])):
                xs.append(matrix_d[f, g])
                ys.append(matrix_e[f, g])
    return SCIPY[method](xs, ys).statistic


@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize(("kind_a", "kind_b"), [("red", "red"), ("red", "blue"), ("*", "red")])
def test_replicates_equal_a_loop_over_copies(similarities, method, kind_a, kind_b):
    table, values = similarities.table, similarities.values[:, 0].round(1)
    set_a, set_b = ModelSet("a", include={"kind": kind_a}), ModelSet("b", include={"kind": kind_b})
    in_a, in_b = (table.index.isin(each.members(table)) for each in (set_a, set_b))
    pairs = model_pairs(table, set_a, set_b)
    weights = model_weights(pairs, similarities.models, 6, seed=1)
    rows = values[:, pairs.first, pairs.second]
    a, b = np.triu_indices(4, 1)
    fast = weighted_correlations(rows, a, b, of_pairs(weights, pairs), 6, method=method)
    for replicate in range(6):
        for k in range(len(a)):
            slow = slow_replicate(values[a[k]], values[b[k]], weights[replicate], in_a, in_b, method)
            assert fast[replicate, k] == pytest.approx(slow, abs=1e-10)


def test_draws_keep_the_size_of_each_set(similarities):
    table = similarities.table
    pairs = model_pairs(table, ModelSet("a", include={"kind": "red"}), ModelSet("b", include={"kind": ("red", "blue")}))
    weights = model_weights(pairs, similarities.models, 50, seed=0)
    assert np.array_equal(weights[:, pairs.both].sum(axis=1), np.full(50, 6))
    assert np.array_equal(weights[:, pairs.only_b].sum(axis=1), np.full(50, 5))
    assert not weights[:, 11:].any()
    anchor = model_pairs(table, ModelSet.of("m03"), ModelSet("b", include={"kind": "red"}))
    assert (model_weights(anchor, similarities.models, 50, seed=0)[:, 3] == 1).all()


def test_other_sets_never_change_a_draw(similarities):
    red = ModelSet("red", include={"kind": "red"})
    alone = model_weights(model_pairs(similarities.table, red, red), similarities.models, 5, seed=3)
    fewer = similarities.take(models=similarities.models[:8])
    among = model_weights(model_pairs(fewer.table, red, red), fewer.models, 5, seed=3)
    assert np.array_equal(alone[:, :8], among)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_plain_correlations_equal_scipy(method):
    rows = np.random.default_rng(0).normal(size=(3, 200)).round(1)
    found = correlations(rows, np.array([0, 1]), np.array([2, 1]), method=method)
    assert found == pytest.approx([SCIPY[method](rows[0], rows[2]).statistic, 1], abs=1e-12)


def test_a_row_that_does_not_vary_has_no_correlation():
    rows = np.stack([np.full(20, 0.3), np.arange(20.0)])
    assert np.isnan(correlations(rows, np.array([0]), np.array([1]), method="pearson")).all()


def test_large_offsets_cost_no_digits():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2, 300))
    weights = np.ones((1, 300))
    a, b = np.array([0]), np.array([1])
    plain = weighted_correlations(rows, a, b, lambda r, p: weights[r, p], 1, method="pearson")
    far = weighted_correlations(rows * 1e-3 + 1e4, a, b, lambda r, p: weights[r, p], 1, method="pearson")
    assert far == pytest.approx(plain, abs=1e-7)


def test_weighted_medians_are_medians_of_copies():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 7)).round(1)
    values[:, 2] = np.nan
    weights = rng.integers(0, 4, size=(40, 7)).astype(float)
    slow = [np.median(np.repeat(v, w.astype(int))[~np.isnan(np.repeat(v, w.astype(int)))]) for v, w in zip(values, weights, strict=True)]
    assert medians(values, weights) == pytest.approx(slow)
    assert medians(values) == pytest.approx(np.nanmedian(values, axis=1))
    assert np.isnan(medians(values, np.zeros_like(values))).all()
