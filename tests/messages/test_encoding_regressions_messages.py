"""The sentences about regressions on Gram matrices, folds, several spaces and components, word for word."""

import re

import numpy as np
import pytest

from isomorph.encoding import PLS, BandedRidge, PrincipalRegression, Ridge, SparseProjection, johnson_lindenstrauss, unique_variance
from isomorph.errors import IdError, InputError, NonFiniteError, ShapeError
from isomorph.features import Features
from isomorph.geometry import Gram

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 7)), RNG.normal(size=(20, 5))
IDS = tuple("abcdefghijklmnopqrst")
GRAM = Gram.from_features(Features(X, IDS, "fc6"))


def said(error, text):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"folds": 1}, "Ridge.folds must be 2 or more; got 1."),
        ({"seed": -1}, "Ridge.seed must be 0 or more, or None for folds in the order of the stimuli; got -1."),
        ({"width": 100}, "Ridge.width is for features that are not standardised: pass standardise=False with it, or no width."),
        ({"width": 0, "standardise": False}, "Ridge.width must be above 0, or None to leave the features as they are; got 0."),
    ],
)
def test_options(options, text):
    with said(InputError, text):
        Ridge(**options)


def test_folds():
    with said(
        ShapeError,
        "Ridge scores penalties on 11 folds, each of 2 stimuli or more, and there are 20 stimuli. "
        "Ask for at most folds=10, or leave one out: select='loo-pearson'.",
    ):
        Ridge(select="cv-mse", folds=11).fit(X, Y)


def test_a_gram_that_cannot_be_fitted():
    with said(
        InputError,
        "features can't be standardised once they are a Gram matrix ('fc6'). Pass standardise=False, or the features themselves.",
    ):
        Ridge().fit(GRAM, Features(Y, IDS))
    plain = Ridge(standardise=False)
    with said(
        ShapeError,
        "'fc6' has 20 stimuli and the responses 19 rows without ids. Pass the responses as `Features`, so that rows meet by id.",
    ):
        plain.fit(GRAM, Y[1:])
    with said(IdError, "'fc6' was not shown 1 of 20 stimuli; the first is 'z'."):
        plain.fit(GRAM, Features(Y, (*IDS[:-1], "z")))
    with said(ShapeError, "an encoding model needs at least 3 stimuli, so that each can be left out; there are 2."):
        plain.fit(GRAM, Features(Y[:2], IDS[:2]))
    holes = GRAM.centred.copy()
    holes[3, 3] = np.nan
    with said(NonFiniteError, "'fc6' has 1 values that are NaN or infinite, in 1 of 20 stimuli; the first is 'd'."):
        plain.fit(Gram(holes, GRAM.mean_product, GRAM.row_sums, 7, IDS, "fc6"), Features(Y, IDS))
    alike = X.copy()
    alike[:10] = X[0]
    with said(ShapeError, "the Gram matrix does not tell the 10 stimuli apart; it predicts nothing."):
        plain.fit(Gram.from_features(Features(alike, IDS)), Features(Y[:10], IDS[:10]))


def test_what_a_map_fitted_to_a_gram_cannot_do():
    fitted = Ridge(standardise=False).fit(GRAM, Features(Y, IDS))
    ids = (
        "the map was fitted to a Gram matrix, which has no features to meet new ones. "
        "Predict stimuli of that Gram matrix by their ids: fitted.predict(ids)."
    )
    for given in (X, Features(X, IDS), "abc"):
        with said(InputError, ids):
            fitted.predict(given)
    with said(IdError, "'fc6' was not shown 1 of 2 stimuli; the first is 'z'."):
        fitted.predict(["a", "z"])
    coefficients = (
        "the map was fitted to a Gram matrix, which has no features and so no coefficients. "
        "Use dual(), loo_predictions() and predict(ids), or fit the features themselves."
    )
    with said(InputError, coefficients):
        fitted.coefficients()
    with said(InputError, coefficients):
        fitted.intercept()


def test_other_responses_to_the_same_stimuli():
    fitted = Ridge().fit(X, Y)
    with said(ShapeError, "the map was fitted to 20 stimuli; got responses to 19."):
        fitted.refit(Y[1:])
    with said(
        ShapeError,
        "1 of the 1 units respond alike to every stimulus and can't be predicted; the first is unit 0. "
        "Leave them out: y[:, np.ptp(y, axis=0) > 0].",
    ):
        fitted.refit(np.ones((20, 1)))


@pytest.mark.parametrize(("kind", "name"), [(PLS, "PLS"), (PrincipalRegression, "PrincipalRegression")])
def test_too_few_for_the_components(kind, name):
    with said(InputError, f"{name}.components must be 1 or more; got 0."):
        kind(components=0)
    with said(
        ShapeError,
        f"{name} of 8 components needs as many features; there are 7. Ask for at most components=7, or use Ridge, which needs none.",
    ):
        kind(components=8).fit(X, Y)
    with said(
        ShapeError,
        f"{name} of 7 components needs 8 training stimuli or more; there are 6. "
        "Ask for at most components=5, or use Ridge, which needs none.",
    ):
        kind(components=7).fit(X[:6], Y[:6])
    with said(
        ShapeError,
        f"{name} of 5 components needs features that vary in as many directions; over the 20 training stimuli they vary in 3. "
        "Ask for at most components=3, or use Ridge, which needs none.",
    ):
        kind(components=5).fit(np.hstack([X[:, :3], X[:, :3], np.ones((20, 1))]), Y)
    with said(NonFiniteError, "the feature matrix has 1 values that are NaN or infinite, in 1 of 20 stimuli; the first is row 0."):
        kind(components=2).fit(np.where(np.arange(140).reshape(20, 7) == 3, np.nan, X), Y)
    fitted = kind(components=2).fit(X, Y)
    with said(ShapeError, "the map was fitted to 7 features; got 6. Pass the same layer of the same model."):
        fitted.predict(X[:, :6])
    with said(
        InputError,
        "features can't be standardised once they are a Gram matrix ('fc6'). Pass standardise=False, or the features themselves.",
    ):
        kind(components=2, standardise=True).fit(GRAM, Features(Y, IDS))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"width": 0}, "SparseProjection.width must be 1 or more, or None; got 0."),
        ({"epsilon": 1}, "SparseProjection.epsilon must be between 0 and 1; got 1."),
        ({"seed": -1}, "SparseProjection.seed must be 0 or more, below 2^64; got -1."),
    ],
)
def test_projections(options, text):
    with said(InputError, text):
        SparseProjection(**options)


def test_what_cannot_be_projected():
    with said(InputError, "a projection needs the features themselves, not their Gram matrix ('fc6'), which needs no projection."):
        SparseProjection().apply(GRAM)
    with said(NonFiniteError, "the feature matrix has 7 values that are NaN or infinite, in 1 of 1 stimuli; the first is '0'."):
        SparseProjection(width=3).apply(np.full((1, 7), np.nan))
    with said(ShapeError, "the features have no columns; there must be at least 1 feature."):
        SparseProjection().apply(X[:, :0])
    with said(InputError, "distances need 2 stimuli or more; got n=1."):
        SparseProjection().apply(X[:1])
    with said(InputError, "epsilon must be between 0 and 1; got 0."):
        johnson_lindenstrauss(100, 0)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"alphas": (0,)}, "BandedRidge.alphas must be one or more numbers above 0; got (0,)."),
        ({"draws": -1}, "BandedRidge.draws must be 0 or more; got -1."),
        ({"concentrations": (0.1, 0)}, "BandedRidge.concentrations must be one or more numbers above 0; got (0.1, 0)."),
        ({"width": 9}, "BandedRidge.width is for features that are not standardised: pass standardise=False with it, or no width."),
    ],
)
def test_banded_options(options, text):
    with said(InputError, text):
        BandedRidge(**options)


def test_feature_spaces():
    banded, spaces = BandedRidge(draws=2), {"energy": X, "fc6": X[:, :3]}
    with said(InputError, "feature spaces come with names: BandedRidge().fit({'energy': energy, 'layer': layer}, y)."):
        banded.fit(X, Y)
    with said(ShapeError, "space 'fc6': none of the 3 features varies over the 20 stimuli; they predict nothing."):
        banded.fit({"energy": X, "fc6": np.ones((20, 3))}, Y)
    with said(
        NonFiniteError, "space 'fc6': the feature matrix has 60 values that are NaN or infinite, in 20 of 20 stimuli; the first is row 0."
    ):
        banded.fit({"energy": X, "fc6": np.full((20, 3), np.nan)}, Y)
    with said(
        InputError,
        "space 'fc6': features can't be standardised once they are a Gram matrix ('fc6'). "
        "Pass standardise=False, or the features themselves.",
    ):
        banded.fit({"energy": Features(X, IDS), "fc6": GRAM}, Features(Y, IDS))
    fitted = banded.fit(spaces, Y)
    with said(InputError, "the map was fitted to the spaces 'energy', 'fc6'; got 'energy'."):
        fitted.predict({"energy": X})
    with said(ShapeError, "space 'fc6': the map was fitted to 3 features; got 4. Pass the same layer of the same model."):
        fitted.predict({"energy": X, "fc6": X[:, :4]})
    with said(ShapeError, "space 'fc6' has 5 stimuli and 'energy' 20. Pass both as `Features`."):
        fitted.predict({"energy": X, "fc6": X[:5, :3]})
    with said(ShapeError, "predictions have the shape (20, 5) and responses (20, 4): [stimulus, unit] both."):
        fitted.shares(spaces, Y[:, :4])
    with said(InputError, "unique variance needs two spaces or more; got 1."):
        unique_variance(banded, {"energy": X}, Y, {"energy": X}, Y)
