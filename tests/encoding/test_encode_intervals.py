"""Intervals from influences hold the truth as often as they say; geometries are those of `inference`, permuted and drawn ones too."""

import numpy as np
import pytest

from isomorph.encoding import score_units
from isomorph.encoding._aggregator import aggregate, unit_variance, unit_weights, units_near
from isomorph.encoding._encode_geometry import drawn_rdms, permuted_rdms, score_rdms
from isomorph.encoding._encode_tally import t_quantile
from isomorph.encoding._encode_targets import condensed
from isomorph.geometry import RDM
from isomorph.inference import COMPARISONS, compare_rdms, rsa_scores

UNITS, CAUSES = 60, 12


def world():
    rng = np.random.default_rng(0)
    read = rng.normal(size=(CAUSES, UNITS))
    respond = read * rng.uniform(0.3, 1.2, size=UNITS) + rng.normal(size=(CAUSES, UNITS)) * 0.8
    noise = np.geomspace(1, 6, UNITS)

    def draw(n, rng):
        causes = rng.normal(size=(n, CAUSES))
        causes[:, 0] = np.abs(causes[:, 0]) ** 1.5  # skewed, and far from normal
        made, truth = causes @ read, causes @ respond + rng.normal(size=(n, UNITS)) * noise
        return made.astype(np.float32), truth.astype(np.float32)

    return draw


def covered(draw, truth, n, times, score):
    held = 0
    for seed in range(times):
        value, contributions = score(*draw(n, np.random.default_rng([1, seed])))
        held += abs(value - truth) <= t_quantile(n - 1, 0.95) * np.sqrt((contributions**2).sum())
    return held / times


@pytest.mark.parametrize(
    ("scorer", "aggregator", "least"), [("pearson", "mean", 0.91), ("spearman", "mean", 0.91), ("pearson", "median", 0.85)]
)
def test_scores_of_units(scorer, aggregator, least):
    draw = world()
    truth = aggregate(score_units(*draw(40_000, np.random.default_rng(9)), scorer).values, aggregator)

    def score(made, responses):
        scored, n = score_units(made, responses, scorer), len(made)
        errors = scored.errors(units_near(scored.values, aggregator))
        weights = unit_weights(scored.values, aggregator, errors)
        return aggregate(scored.values, aggregator), scored.contributions(weights[:, None])[:, 0] / np.sqrt(n * (n - 1))

    assert least <= covered(draw, truth, 60, 200, score) <= 0.99


def test_scores_of_geometries():
    draw = world()

    def score(made, responses):
        rdms = [condensed(each, "correlation")[None] for each in (made, responses)]
        found = score_rdms(*rdms, n=len(made), comparison="pearson")
        return found.values[0], found.contributions[:, 0]

    truth = np.mean([score(*draw(500, np.random.default_rng([2, seed])))[0] for seed in range(6)])
    assert 0.9 <= covered(draw, truth, 40, 150, score) <= 0.99


def test_the_error_over_units():
    rng = np.random.default_rng(0)
    for aggregator in ("mean", "median"):
        drawn = [aggregate(rng.gamma(2, size=300), aggregator) for _ in range(2000)]
        told = np.mean([unit_variance(rng.gamma(2, size=300), aggregator) for _ in range(50)])
        assert np.sqrt(told) == pytest.approx(np.std(drawn), rel=0.12)


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_geometries_are_compared_as_inference_does(comparison):
    rng = np.random.default_rng(0)
    n = 14
    x, y = rng.normal(size=(2, n, 30)), rng.normal(size=(3, n, 30))
    y[0] += x[0]
    models, brains = (np.stack([RDM.from_features(each, "sqeuclidean").values for each in group]) for group in (x, y))
    found = score_rdms(models[:1], brains, n=n, comparison=comparison)
    np.testing.assert_allclose(found.values, compare_rdms(models[:1], brains, comparison=comparison)[0], atol=1e-9)
    each = score_rdms(np.stack([models[0], models[1], models[0]]), brains, n=n, comparison=comparison)
    np.testing.assert_allclose(each.values[[0, 2]], found.values[[0, 2]], atol=1e-12)
    if comparison in ("pearson", "spearman", "cosine"):
        error = rsa_scores(models[:1], brains[:1], n=n, comparison=comparison, replicates=500).se[0]
        assert np.sqrt((found.contributions[:, 0] ** 2).sum()) == pytest.approx(error, rel=0.5)


@pytest.mark.parametrize("comparison", ["pearson", "spearman", "tau-a"])
def test_permuted_and_drawn_geometries(comparison):
    rng = np.random.default_rng(0)
    n = 12
    x, y = rng.normal(size=(n, 30)), rng.normal(size=(2, n, 30))
    model = condensed(x, "correlation")[None]
    brains = np.stack([condensed(each, "correlation") for each in y])
    orders = np.stack([rng.permutation(n) for _ in range(3)])
    found = permuted_rdms(model, brains, orders, comparison=comparison)
    again = [compare_rdms(condensed(x[order], "correlation")[None], brains, comparison=comparison)[0] for order in orders]
    np.testing.assert_allclose(found, again, atol=1e-6)
    whole = drawn_rdms(model, brains, np.ones((1, n), dtype=int), comparison=comparison)
    np.testing.assert_allclose(whole[0], compare_rdms(model, brains, comparison=comparison)[0], atol=1e-9)


def test_geometries_of_float32_patterns_keep_their_offset():
    rng = np.random.default_rng(0)
    patterns, offset = rng.normal(size=(20, 2500)), rng.normal(size=2500) * 5
    found = condensed(patterns.astype(np.float32), "correlation", offset=offset)
    np.testing.assert_allclose(found, RDM.from_features(patterns + offset).values, atol=2e-6)


def test_what_is_not_defined_is_nan():
    brains = np.random.default_rng(0).random((2, 10))
    brains[1, 3] = np.nan
    found = score_rdms(np.arange(10.0)[None], brains, n=5, comparison="pearson")
    assert np.isfinite(found.values).tolist() == [True, False]
    assert (found.contributions[:, 1] == 0).all()
    assert np.isnan(score_rdms(np.ones((1, 10)), brains, n=5, comparison="pearson").values).all()
