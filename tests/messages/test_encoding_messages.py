"""The sentences about encoding models, word for word."""

import re

import numpy as np
import pytest

from isomorph.encoding import Ridge
from isomorph.errors import IdError, InputError, NonFiniteError, ShapeError
from isomorph.features import Features

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 7)), RNG.normal(size=(20, 5))


def said(error, text):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"alphas": ()}, "Ridge.alphas must be one or more numbers above 0; got ()."),
        ({"alphas": (1, 0)}, "Ridge.alphas must be one or more numbers above 0; got (1, 0)."),
        ({"alphas": (1, np.inf)}, "Ridge.alphas must be one or more numbers above 0; got (1, inf)."),
        ({"select": "loo"}, "Ridge.select must be 'loo-pearson', 'loo-mse', 'gcv', 'cv-pearson' or 'cv-mse'; got 'loo'."),
        ({"screen": -1}, "Ridge.screen must be 0 or more, or None to leave out at every alpha; got -1."),
    ],
)
def test_options(options, text):
    with said(InputError, text):
        Ridge(**options)


def test_orientation():
    with said(
        ShapeError,
        "the features have shape (20, 7) and the responses (5, 20): the responses look like [unit, stimulus]. "
        "Rows are stimuli: pass the responses transposed, y.T.",
    ):
        Ridge().fit(X, Y.T)
    with said(
        ShapeError,
        "the features have shape (7, 20) and the responses (20, 5): the features look like [feature, stimulus]. "
        "Rows are stimuli: pass the features transposed, x.T.",
    ):
        Ridge().fit(X.T, Y)
    with said(
        ShapeError,
        "the features have shape (20, 7) and the responses (19, 5): both need one row for each stimulus. "
        "Pass both as `Features`, so that rows meet by id.",
    ):
        Ridge().fit(X, Y[:19])
    with said(ShapeError, "the responses needs 2 axes; got shape (20,)."):
        Ridge().fit(X, Y[:, 0])


def test_too_little():
    with said(ShapeError, "an encoding model needs at least 3 stimuli, so that each can be left out; there are 2."):
        Ridge().fit(X[:2], Y[:2])
    with said(ShapeError, "the responses have no columns; there must be at least 1 unit."):
        Ridge().fit(X, Y[:, :0])
    with said(ShapeError, "the features have no columns; there must be at least 1 feature."):
        Ridge().fit(X[:, :0], Y)
    with said(ShapeError, "none of the 7 features varies over the 20 stimuli; they predict nothing."):
        Ridge().fit(np.full((20, 7), 0.1), Y)


def test_units():
    holes, flat = Y.copy(), Y.copy()
    holes[3, 2], holes[0, 4], flat[:, 1] = np.nan, np.inf, 0.1
    with said(
        NonFiniteError,
        "2 of the 5 units of the responses hold NaN or infinite values; the first is unit 2. "
        "Leave them out: y[:, np.isfinite(y).all(axis=0)].",
    ):
        Ridge().fit(X, holes)
    with said(
        ShapeError,
        "1 of the 5 units respond alike to every stimulus and can't be predicted; the first is unit 1. "
        "Leave them out: y[:, np.ptp(y, axis=0) > 0].",
    ):
        Ridge().fit(X, flat)


def test_features():
    ids = tuple("abcdefghijklmnopqrst")
    holes = X.copy()
    holes[2, 3] = np.nan
    with said(NonFiniteError, "the feature matrix has 1 values that are NaN or infinite, in 1 of 20 stimuli; the first is 'c'."):
        Ridge().fit(Features(holes, ids), Features(Y, ids))
    with said(IdError, "'fc6' was not shown 1 of 20 stimuli; the first is 'a'."):
        Ridge().fit(Features(X[1:], ids[1:], layer="fc6"), Features(Y, ids))


def test_prediction():
    fitted = Ridge().fit(X, Y)
    with said(ShapeError, "the map was fitted to 7 features; got 6. Pass the same layer of the same model."):
        fitted.predict(X[:, :6])
    with said(NonFiniteError, "the feature matrix has 7 values that are NaN or infinite, in 1 of 1 stimuli; the first is row 0."):
        fitted.predict(np.full((1, 7), np.nan))
    with said(
        InputError,
        "coefficients of 7 features × 5 units need 280 B, more than the memory limit of 100 B. "
        "Predictions don't need them; raise memory_limit, or fit fewer units.",
    ):
        fitted.coefficients(memory_limit=100)


def test_grids():
    assert Ridge(alphas=(10,)).fit(X, Y).notes == (
        "the grid has one alpha, 10: none was chosen. Give several, such as 10.0 ** np.arange(-1, 6).",
    )
    assert Ridge(alphas=(1, 100)).fit(X, Y).notes == (
        "5 of 5 units (100%) have the smallest or largest alpha of the grid (1 to 100); a wider grid may predict them better.",
    )
