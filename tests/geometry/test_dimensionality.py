"""Effective dimensionality and power laws against eigenvalues and planted spectra."""

import re

import numpy as np
import pytest

from isomorph.errors import InputError, NonFiniteError, ShapeError
from isomorph.features import Features
from isomorph.geometry import Gram, effective_dimensionality, power_law

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("p", [200, 7])
def test_dimensionality_is_that_of_the_eigenvalues_of_the_covariance(p):
    x = RNG.normal(size=(40, p)) * np.linspace(0.1, 3, p) + 100
    values = np.linalg.eigvalsh(np.cov(x.T))
    expected = values.sum() ** 2 / (values**2).sum()
    ids = tuple(map(str, range(40)))
    for given in (x, Features(x, ids), Gram.from_features(x)):
        np.testing.assert_allclose(effective_dimensionality(given), expected, rtol=1e-9)
    np.testing.assert_allclose(effective_dimensionality(x.astype(np.float32)), expected, rtol=1e-5)


def test_dimensionality_is_known_by_hand():
    corners = np.vstack([np.eye(5), -np.eye(5)])
    np.testing.assert_allclose(effective_dimensionality(corners), 5)
    np.testing.assert_allclose(effective_dimensionality(np.hstack([corners, np.ones((10, 50))])), 5)
    np.testing.assert_allclose(effective_dimensionality(np.outer(np.arange(4), [1.0, 2.0])), 1)
    np.testing.assert_allclose(effective_dimensionality(np.array([[2.0, 0], [-2, 0], [0, 1], [0, -1]])), 25 / 17)


@pytest.mark.parametrize("p", [30, 300])
def test_a_planted_power_law_is_found(p):
    x = RNG.normal(size=(100, p))
    left, _, right = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    ranks = np.arange(1, min(p, 99) + 1.0)
    planted = (left[:, : len(ranks)] * ranks**-0.55) @ right[: len(ranks)]
    for given in (planted, Gram.from_features(planted)):
        found = power_law(given, first=1, last=None)
        np.testing.assert_allclose(found.exponent, 1.1, rtol=1e-6)
        np.testing.assert_allclose(found.r2, 1, rtol=1e-9)
        assert (found.first, found.last, found.ranks) == (1, len(ranks), len(ranks))
    middle = power_law(planted, first=5, last=20)
    np.testing.assert_allclose(middle.exponent, 1.1, rtol=1e-6)
    assert (middle.first, middle.last) == (5, 20)
    assert power_law(planted).last == len(ranks)


def test_the_fit_is_least_squares_on_logarithms():
    x = RNG.normal(size=(60, 20))
    found = power_law(x, first=2, last=15)
    values = np.sort(np.linalg.eigvalsh(np.cov(x.T)))[::-1][1:15]
    slope, intercept = np.polyfit(np.log(np.arange(2, 16)), np.log(values), 1)
    np.testing.assert_allclose(found.exponent, -slope, rtol=1e-9)
    fit = intercept + slope * np.log(np.arange(2, 16))
    np.testing.assert_allclose(found.r2, 1 - np.var(np.log(values) - fit) / np.var(np.log(values)), rtol=1e-9)


def test_sentences():
    x = RNG.normal(size=(10, 4))

    def said(error, text):
        return pytest.raises(error, match="^" + re.escape(text) + "$")

    with said(ShapeError, "the 10 stimuli do not differ; there are no directions to count."):
        effective_dimensionality(np.ones((10, 4)))
    with said(NonFiniteError, "features has 40 values that are NaN or infinite, in 10 of 10 stimuli; the first is row 0."):
        effective_dimensionality(np.full((10, 4), np.nan))
    with said(
        InputError,
        "a power law needs 3 ranks or more; from first=3 to last=500 there are 2, as 4 eigenvalues are not 0. "
        "Choose first and last within 1 to 4.",
    ):
        power_law(x, first=3)
