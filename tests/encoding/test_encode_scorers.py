"""Scores of units against scipy and scikit-learn, their influences against weights that are moved a little, and shares of ceilings."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import explained_variance_score, r2_score

from isomorph.encoding import normalise, score_units
from isomorph.encoding._aggregator import unit_weights
from isomorph.encoding._encode_replicates import permuted_scores, replicate_scores
from isomorph.encoding._scorer import SCORERS


def data(n=50, units=7, dtype=np.float64):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(n, units)) * np.arange(1, units + 1)
    made = truth * 0.6 + rng.normal(size=(n, units)) * 3 + 2
    return made.astype(dtype), truth.astype(dtype)


def concordance(x, y):
    return 2 * np.cov(x, y, ddof=0)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)


PEERS = {
    "pearson": lambda x, y: stats.pearsonr(x, y)[0],
    "spearman": lambda x, y: stats.spearmanr(x, y)[0],
    "r2": lambda x, y: r2_score(y, x),
    "explained_variance": lambda x, y: explained_variance_score(y, x),
    "concordance": concordance,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scorer", SCORERS)
def test_scores_are_those_of_peers(scorer, dtype):
    made, truth = data(dtype=dtype)
    expected = [PEERS[scorer](*pair) for pair in zip(made.T.astype(float), truth.T.astype(float), strict=True)]
    np.testing.assert_allclose(score_units(made, truth, scorer).values, expected, atol=2e-6 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("scorer", ["pearson", "r2", "explained_variance", "concordance"])
def test_influence_is_the_change_of_the_score_with_a_stimulus_weight(scorer):
    """A stimulus that stands twice among thousands moves the score by its influence over their number."""
    made, truth = data(n=4000)
    scored = score_units(made, truth, scorer)
    influence = scored.influence(slice(None))
    np.testing.assert_allclose(influence.mean(axis=0), 0, atol=1e-10)
    for row in (0, 17, 999):
        more = score_units(np.vstack([made, made[row : row + 1]]), np.vstack([truth, truth[row : row + 1]]), scorer).values
        np.testing.assert_allclose((more - scored.values) * 4001, influence[row], rtol=0.02, atol=0.02)


def test_influence_of_ranks_counts_the_stimuli_that_are_pushed_up():
    """The jackknife of Spearman's rho, in which every rank is made anew."""
    made, truth = data(n=300, units=3)
    scored = score_units(made, truth, "spearman")
    left = np.array([score_units(np.delete(made, row, 0), np.delete(truth, row, 0), "spearman").values for row in range(300)])
    jackknife = 299 * (scored.values - left)
    influence = scored.influence(slice(None))
    assert min(np.corrcoef(a, b)[0, 1] for a, b in zip(jackknife.T, influence.T, strict=True)) > 0.999
    np.testing.assert_allclose(influence.std(axis=0), jackknife.std(axis=0), rtol=0.02)


def test_a_constant_prediction_scores_nothing():
    made, truth = data()
    made[:, 2] = 0.7
    assert score_units(made, truth, "pearson").values[2] == 0
    assert score_units(made, truth, "spearman").values[2] == 0


@pytest.mark.parametrize("scorer", SCORERS)
def test_replicates_are_scores_of_stimuli_that_were_drawn(scorer):
    made, truth = data(dtype=np.float32)
    draws = np.random.default_rng(1).integers(50, size=(5, 50))
    weights = np.stack([np.bincount(row, minlength=50) for row in draws])
    found = replicate_scores(score_units(made, truth, scorer), weights, scorer, [np.arange(3), np.arange(2, 7)], "mean")
    if scorer == "spearman":  # ranks stay those of all stimuli
        made, truth = (stats.rankdata(each, axis=0) for each in (made, truth))
    again = [score_units(made[row], truth[row], "pearson" if scorer == "spearman" else scorer).values for row in draws]
    np.testing.assert_allclose(found, [[each[:3].mean(), each[2:].mean()] for each in again], atol=2e-5)


@pytest.mark.parametrize("aggregator", ["mean", "median"])
@pytest.mark.parametrize("scorer", SCORERS)
def test_permuted_scores_are_scores_of_permuted_responses(scorer, aggregator):
    made, truth = data()
    scored, rng = score_units(made, truth, scorer), np.random.default_rng(2)
    orders = np.stack([rng.permutation(50) for _ in range(4)])
    columns = [np.arange(4), np.arange(3, 7)]
    weights = np.zeros((7, 2))
    for place, units in enumerate(columns):
        weights[units, place] = unit_weights(scored.values[units], "mean")
    combine = getattr(np, aggregator)
    scores = np.array([combine(scored.values[units]) for units in columns])
    found = permuted_scores(scored, scores, weights, orders, columns, aggregator)
    expected = [[combine(score_units(made, truth[row], scorer).values[units]) for units in columns] for row in orders]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_normalisers_by_hand():
    r, ceiling = np.array([0.4, -0.3, 0.5]), np.array([0.8, 0.6, 0.0])
    np.testing.assert_allclose(normalise(r, ceiling, "r/ceiling"), [0.5, -0.5, np.nan])
    np.testing.assert_allclose(normalise(r, ceiling, "r2/ceiling2"), [0.25, -0.25, np.nan])
    np.testing.assert_allclose(normalise(r, ceiling, "r2/ceiling4"), [0.16 / 0.4096, -0.09 / 0.1296, np.nan])
    np.testing.assert_allclose(normalise(0.32, 0.8, "r2/ceiling2", scorer="r2"), 0.5)
    assert np.isnan(normalise(r, ceiling, "none")).all()


def test_the_readme_of_brain_score_before_its_convention_changed():
    """0.2255 of a reliability of 0.8158 was printed as 0.0764."""
    assert round(float(normalise(0.2255, np.sqrt(0.8158), "r2/ceiling4")), 4) == 0.0764
