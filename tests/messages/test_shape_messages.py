"""What the alignment, CCA and regression measures say when something is wrong; each text is pinned whole."""

import warnings

import numpy as np
import pytest

from isomorph.errors import InputError
from isomorph.geometry import RDM
from isomorph.measures import (
    CCA,
    GULP,
    PWCCA,
    SVCCA,
    AngularProcrustes,
    EigenspaceOverlap,
    HardCorrelationMatch,
    LinearPredictivity,
    LinearRegression,
    PartialWhitening,
    PermutationMatch,
    Procrustes,
    SoftCorrelationMatch,
    SoftMatch,
    StochasticShape,
)

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 4))
WIDE = RNG.normal(size=(20, 30))
FLAT = np.full((20, 3), 0.1)
DEAD = X.copy()
DEAD[:, 1] = 0.3

CASES = {
    "no form of the Procrustes distance is called 'squred'. Did you mean 'squared' or 'unit-squared'?": lambda: Procrustes(form="squred"),
    "no form of the permutation match is called 'cos'. Did you mean 'cosine'?": lambda: PermutationMatch(form="cos"),
    "no form of soft matching is called 'x'. There are: correlation, distance.": lambda: SoftMatch(form="x"),
    "no unit of whitening is called 'trace'. There are: mean, relative, sum.": lambda: PartialWhitening(unit="trace"),
    "no statistic of CCA is called 'means'. Did you mean 'mean'?": lambda: CCA(statistic="means"),
    "no definition of PWCCA is called 'paper'. There are: google, textbook.": lambda: PWCCA(definition="paper"),
    "PartialWhitening needs an alpha from 0 (CCA) to 1 (Procrustes); got 1.5.": lambda: PartialWhitening(alpha=1.5),
    "x does not vary over its stimuli, so that the Procrustes distance is 0/0. Leave it out.": lambda: AngularProcrustes()(FLAT, X),
    "y does not vary over its stimuli, so that the match is 0/0. Leave it out.": lambda: PermutationMatch()(X, FLAT),
    "y does not vary over its stimuli, so that CCA is 0/0. Leave it out.": lambda: CCA()(X, FLAT),
    "x does not vary over its stimuli, so that GULP is 0/0. Leave it out.": lambda: GULP()(FLAT, X),
    "x does not vary over its stimuli, so that linear regression is 0/0. Leave it out.": lambda: LinearRegression()(FLAT, X),
    "y does not vary over its stimuli and predicts nothing. Leave it out.": lambda: LinearPredictivity()(X, FLAT),
    "1 of the 3 features of x have the same value for every stimulus and correlate with nothing; the first is feature 1. "
    "Leave them out: x[:, np.ptp(x, axis=0) > 0].": lambda: HardCorrelationMatch()(DEAD, X),
    "1 of the 3 features of y have the same value for every stimulus and correlate with nothing; the first is feature 1. "
    "Leave them out: y[:, np.ptp(y, axis=0) > 0].": lambda: SoftCorrelationMatch()(X, DEAD),
    "1 of the 3 features of x have the same value for every stimulus and can't be predicted; the first is feature 1. "
    "Leave them out: x[:, np.ptp(x, axis=0) > 0].": lambda: LinearPredictivity()(DEAD, X),
    "SVCCA was asked for 4 components, but x spans 3 directions. Use components=3 or fewer, or a share of variance.": lambda: SVCCA(
        components=4
    )(X, Y),
    "SVCCA needs at least 1 component; got 0.": lambda: SVCCA(components=0),
    "SVCCA needs a share of variance above 0 and up to 1; got 99.": lambda: SVCCA(variance=99),
    "SVCCA needs at least 11 stimuli; got 10.": lambda: SVCCA(components=10)(WIDE[:10], WIDE[:10]),
    "LinearRegression explains target='x' (from y) or target='y' (from x); got 'z'.": lambda: LinearRegression(target="z"),
    "LinearPredictivity.method must be 'ridge' or 'pls'; got 'ols'.": lambda: LinearPredictivity(method="ols"),
    "LinearPredictivity needs at least 2 folds and 1 component; got folds=1, components=25.": lambda: LinearPredictivity(folds=1),
    "LinearPredictivity needs one or more penalties, all above 0; got (0.0,).": lambda: LinearPredictivity(penalties=(0.0,)),
    "LinearPredictivity needs at least 15 stimuli; got 14.": lambda: LinearPredictivity()(X[:14], Y[:14]),
    "GULP needs a penalty of at least 0; got -1.": lambda: GULP(penalty=-1),
    "StochasticShape needs a mean_weight from 0 to 2; got 3.": lambda: StochasticShape(mean_weight=3),
    "StochasticShape.form must be 'gaussian' or 'energy'; got 'sinkhorn'.": lambda: StochasticShape(form="sinkhorn"),
    "StochasticShape needs 0 or more starts and 1 or more iterations; got starts=-1, iterations=200.": lambda: StochasticShape(starts=-1),
    "StochasticShape needs x with the axes [stimulus, feature] or [stimulus, repeat, feature]; got shape (20,).": lambda: StochasticShape()(
        X[:, 0], X
    ),
    "Procrustes needs features or a Gram, but x is an RDM.": lambda: Procrustes()(RDM.from_features(X), X),
    "SoftMatch needs features, but x is an RDM.": lambda: SoftMatch()(RDM.from_features(X), X),
}

OUTS = "Use more stimuli, fewer components (svcca), or a measure that weighs directions by their variance (cka, angular-procrustes)."
WARNINGS = {
    f"x spans all 19 directions in which 20 stimuli can differ, so that CCA is 1 whatever the other holds. {OUTS}": lambda: CCA()(WIDE, X),
    f"y spans all 19 directions in which 20 stimuli can differ, so that PWCCA is 1 whatever the other holds. {OUTS}": lambda: PWCCA()(
        X, WIDE
    ),
    f"CCA of unrelated features that span 3 and 4 directions is about 0.42 with 20 stimuli. {OUTS}": lambda: CCA()(X, Y),
    f"SVCCA of unrelated features that span 2 and 2 directions is about 0.28 with 20 stimuli. {OUTS}": lambda: SVCCA(components=2)(X, Y),
    "R² of unrelated features that span 3 and 4 directions is about 0.21 with 20 stimuli. Use more stimuli, or linear-predictivity, "
    "which predicts stimuli that it was not fitted to.": lambda: LinearRegression()(X, Y),
    "the overlap of unrelated features that span 3 and 4 directions is about 0.15 with 20 stimuli. Use more stimuli, or a measure that "
    "weighs directions by their variance (cka, angular-procrustes).": lambda: EigenspaceOverlap()(X, Y),
    "x spans all 19 directions in which 20 stimuli can differ, so that GULP without a penalty sees only how many directions the other "
    "spans. Use penalty=0.01, or more stimuli.": lambda: GULP(penalty=0.0)(WIDE, X),
    "the closeness 1 − d/(π/2) at alpha = 0 of unrelated features that span 3 and 4 directions is about 0.24 with 20 stimuli. "
    "Use more stimuli, or a larger alpha.": lambda: PartialWhitening(alpha=0.0)(X, Y),
}


@pytest.mark.parametrize("message", CASES)
def test_messages(message):
    with pytest.raises(InputError) as caught:
        CASES[message]()
    assert str(caught.value) == message


@pytest.mark.parametrize("message", WARNINGS)
def test_warnings(message):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        WARNINGS[message]()
    assert [str(each.message) for each in caught] == [message]
    assert caught[0].filename == __file__
