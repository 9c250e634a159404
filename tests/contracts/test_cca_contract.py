"""Every form of the CCA and regression measures keeps its word in both directions."""

import numpy as np
import pytest

from isomorph.measures import CCA, GULP, PWCCA, SVCCA, EigenspaceOverlap, LinearPredictivity, LinearRegression, PartialWhitening
from isomorph.testing import check_measure

VARIANTS = [
    CCA(statistic="mean-squared"),
    CCA(statistic="max"),
    SVCCA(components=3),
    SVCCA(variance=0.8, statistic="mean-squared"),
    SVCCA(variance=0.9, statistic="max"),
    PWCCA(definition="google"),
    LinearRegression(target="y"),
    LinearPredictivity(target="y", score="r2", pool="all", average="median", penalty_unit="absolute"),
    LinearPredictivity(method="pls", components=5),
    LinearPredictivity(score="r2", folds=3),
    GULP(penalty=0.0),
    GULP(squared=True),
    GULP(penalty=10.0),
    EigenspaceOverlap(centre=True),
]


@pytest.mark.parametrize("measure", VARIANTS, ids=repr)
def test_every_variant_keeps_its_word(measure):
    check_measure(measure)


CHANCES = [
    (CCA(), 0.02),
    (CCA(statistic="mean-squared"), 0.02),
    (CCA(statistic="max"), 0.12),
    (SVCCA(components=4), 0.03),
    (SVCCA(components=4, statistic="mean-squared"), 0.02),
    (LinearRegression(), 0.02),
    (LinearRegression(target="y"), 0.02),
    (EigenspaceOverlap(), 0.02),
    (EigenspaceOverlap(centre=True), 0.02),
    (PartialWhitening(alpha=0.0), 0.03),
]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("shape", [(30, 6, 9), (60, 25, 12), (40, 30, 25), (20, 5, 5)], ids=str)
@pytest.mark.parametrize(("measure", "within"), CHANCES, ids=repr)
def test_chance_is_what_unrelated_features_score(measure, within, shape):
    rng = np.random.default_rng(0)
    n, p, q = shape
    scales = np.linspace(0.3, 3, p), np.linspace(0.3, 3, q)
    drawn = [measure(rng.normal(size=(n, p)) * scales[0], rng.normal(size=(n, q)) * scales[1]) for _ in range(40)]
    assert np.mean(drawn) == pytest.approx(measure.chance(n, p, q), abs=within + 3 * np.std(drawn) / np.sqrt(40))


def test_chance_is_unknown_where_it_depends_on_more_than_the_widths():
    assert SVCCA().chance(30, 5, 5) is None
