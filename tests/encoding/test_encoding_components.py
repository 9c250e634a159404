"""Partial least squares and principal-component regression against scikit-learn."""

import warnings

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from isomorph.encoding import PLS, PrincipalRegression
from isomorph.features import Features
from isomorph.geometry import Gram

SHAPES = {"p > n": (50, 200, 30), "n > p": (80, 30, 7), "units > n": (40, 60, 90), "one unit": (50, 70, 1)}


def data(n, p, t, seed=0):
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n + 20, 12)) / np.arange(1, 13)
    x = factors @ rng.normal(size=(12, p)) + rng.normal(size=(n + 20, p)) * 0.2 * np.linspace(0.5, 3, p) + rng.normal(size=p) * 9
    y = factors @ rng.normal(size=(12, t)) * np.geomspace(1, 50, t) + rng.normal(size=(n + 20, t)) + 30
    return x[:n], y[:n], x[n:]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("scale", [False, True])
def test_pls_predicts_as_scikit_learn_run_to_convergence(shape, scale):
    x, y, new = data(*shape)
    peer = PLSRegression(n_components=12, scale=scale, tol=1e-30, max_iter=100_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nothing is ever as near as 1e-30
        peer.fit(x, y)
    made = PLS(components=12, standardise=scale).fit(x, y)
    expected = peer.predict(new).reshape(len(new), -1)
    np.testing.assert_allclose(made.predict(new) / y.std(axis=0), expected / y.std(axis=0), rtol=0, atol=1e-8)
    inside = made.components(x)
    np.testing.assert_allclose(inside.T @ inside, np.eye(12), atol=1e-8)
    cosines = np.abs((inside * peer.x_scores_ / np.linalg.norm(peer.x_scores_, axis=0)).sum(axis=0))
    np.testing.assert_allclose(cosines, 1, atol=1e-8)


def test_many_coordinates_give_the_same_first_vectors():
    from isomorph.encoding import _pls

    x, y, new = data(90, 150, 100)
    lanczos = PLS(components=20).fit(x, y).predict(new)
    before, _pls._DENSE = _pls._DENSE, 1000
    try:
        dense = PLS(components=20).fit(x, y).predict(new)
    finally:
        _pls._DENSE = before
    np.testing.assert_allclose(lanczos, dense, rtol=0, atol=1e-7)


def test_pls_of_all_directions_is_least_squares():
    x, y, new = data(60, 8, 3)
    np.testing.assert_allclose(PLS(components=8).fit(x, y).predict(new), LinearRegression().fit(x, y).predict(new), rtol=1e-7)


def test_responses_that_are_explained_stop_early_with_a_note():
    x = np.random.default_rng(0).normal(size=(30, 10))
    x = np.linalg.qr(x - x.mean(axis=0))[0]
    fitted = PLS(components=4).fit(x, x[:, :2] @ np.diag([3.0, 2.0]))
    assert fitted.notes == ("2 of 4 components explain the training responses without a rest; there are no more.",)
    np.testing.assert_allclose(fitted.predict(x), x[:, :2] @ np.diag([3.0, 2.0]), atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("scale", [False, True])
def test_principal_regression_predicts_as_scikit_learn(shape, scale):
    x, y, new = data(*shape)
    peer = make_pipeline(*([StandardScaler()] if scale else []), PCA(10, svd_solver="full"), LinearRegression()).fit(x, y)
    made = PrincipalRegression(components=10, standardise=scale).fit(x, y)
    np.testing.assert_allclose(made.predict(new), peer.predict(new).reshape(len(new), -1), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("regression", [PLS(components=9), PrincipalRegression(components=9)])
def test_a_gram_is_as_good_as_its_features_and_rows_meet_by_id(regression):
    x, y, new = data(40, 100, 5)
    ids = tuple(f"s{each}" for each in range(60))
    whole, at = np.vstack([x, new]), np.random.default_rng(1).permutation(40)
    brain = Features(y[at], tuple(ids[each] for each in at), subject="sub-01")
    fitted = regression.fit(Gram.from_features(Features(whole, ids)), brain)
    predicted = fitted.predict(ids[40:])
    assert (predicted.ids, predicted.subject, fitted.ids) == (ids[40:], "sub-01", brain.ids)
    of_features = regression.fit(Features(whole, ids), brain)
    np.testing.assert_allclose(predicted.values, of_features.predict(Features(new, ids[40:])).values, rtol=0, atol=1e-8)
    np.testing.assert_allclose(predicted.values, regression.fit(x, y).predict(new), rtol=0, atol=1e-8)
    np.testing.assert_allclose(regression.fit(x.astype(np.float32), y.astype(np.float32)).predict(new), predicted.values, rtol=0, atol=1e-3)
