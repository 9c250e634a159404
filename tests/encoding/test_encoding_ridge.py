"""Ridge encoding models against scikit-learn, brute force and formulas written out."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge as Peer
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler

from isomorph.encoding import Ridge
from isomorph.encoding._spectrum import Spectrum
from isomorph.features import Features

ALPHAS = tuple(float(each) for each in np.logspace(-1, 5, 13))


def data(n=120, p=400, t=150, seed=0, new=40):
    """Features with a steep spectrum and a mean; responses with an offset, from hopeless to almost without noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n + new, p)) * np.linspace(1, 9, p) + rng.normal(size=p) * 5
    weights = rng.normal(size=(p, t)) / np.arange(1, p + 1)[:, None]
    signal = StandardScaler().fit_transform(x) @ weights
    y = signal + rng.normal(size=signal.shape) * np.geomspace(0.02, 20, t) + rng.normal(size=t) * 30
    return x[:n], y[:n], x[n:], y[n:]


SHAPES = {"p > n": {}, "n > p": {"p": 20}, "n = p + 1": {"n": 60, "p": 59}}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_alphas_are_those_of_scikit_learn_for_every_unit(shape):
    x, y, _, _ = data(**shape)
    fitted = Ridge(alphas=ALPHAS, select="loo-mse", screen=None).fit(x, y)
    z = StandardScaler().fit_transform(x)
    peer = RidgeCV(alphas=ALPHAS, alpha_per_target=True).fit(z, y)
    assert np.array_equal(fitted.alphas, peer.alpha_)
    assert len(set(fitted.alphas)) > 3
    np.testing.assert_allclose(fitted.scores, -peer.best_score_, rtol=1e-9)
    together = Ridge(alphas=ALPHAS, select="loo-mse", screen=None, per_unit=False).fit(x, y)
    assert set(together.alphas) == {RidgeCV(alphas=ALPHAS).fit(z, y).alpha_}


def by_brute_force(x, y, alphas):
    """Every stimulus predicted by a refit without it, the standardisation held."""
    z = StandardScaler().fit_transform(x)
    rows = [np.arange(len(z)) != each for each in range(len(z))]
    return np.stack([Peer(alpha=alphas).fit(z[others], y[others]).predict(z[~others])[0] for others in rows])


@pytest.mark.parametrize("p", [70, 12])
def test_predictions_of_stimuli_left_out_are_those_of_refits(p):
    x, y, _, _ = data(n=30, p=p, t=9)
    fitted = Ridge(alphas=ALPHAS).fit(x, y)
    np.testing.assert_allclose(fitted.loo_predictions(), by_brute_force(x, y, fitted.alphas), rtol=1e-7, atol=1e-8)
    mse = Ridge(alphas=ALPHAS, select="loo-mse").fit(x, y)
    np.testing.assert_allclose(mse.scores, ((y - by_brute_force(x, y, mse.alphas)) ** 2).mean(axis=0), rtol=1e-8)


def test_the_largest_left_out_correlation_is_chosen():
    x, y, _, _ = data(n=30, p=70, t=12)
    r = np.array([[np.corrcoef(*pair)[0, 1] for pair in zip(by_brute_force(x, y, each).T, y.T, strict=True)] for each in ALPHAS])
    fitted = Ridge(alphas=ALPHAS, screen=None).fit(x, y)
    assert np.array_equal(fitted.alphas, np.asarray(ALPHAS)[r.argmax(axis=0)])
    np.testing.assert_allclose(fitted.scores, r.max(axis=0), rtol=1e-9)
    together = Ridge(alphas=ALPHAS, per_unit=False).fit(x, y)
    assert set(together.alphas) == {ALPHAS[r.mean(axis=1).argmax()]}


@pytest.mark.parametrize("p", [400, 20])
def test_predictions_intercepts_and_coefficients_are_those_of_scikit_learn(p):
    x, y, x_new, y_new = data(p=p)
    fitted = Ridge(alphas=ALPHAS).fit(x, y)
    scaler = StandardScaler().fit(x)
    peer = Peer(alpha=fitted.alphas).fit(scaler.transform(x), y)
    predicted = fitted.predict(x_new)
    np.testing.assert_allclose(predicted, peer.predict(scaler.transform(x_new)), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(fitted.coefficients(), peer.coef_.T / scaler.scale_[:, None], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(x_new @ fitted.coefficients() + fitted.intercept(), predicted, rtol=1e-8)
    np.testing.assert_allclose(fitted.features.products(x_new) @ fitted.dual() + fitted.mean, predicted, rtol=1e-8)
    r2 = 1 - ((y_new - predicted) ** 2).sum(axis=0) / ((y_new - y_new.mean(axis=0)) ** 2).sum(axis=0)
    assert r2[0] > 0.2  # it would be far below 0 without the intercept


def test_without_standardisation_a_fit_is_scikit_learns():
    x, y, x_new, _ = data()
    peer = Peer(alpha=1e3).fit(x, y).predict(x_new)
    np.testing.assert_allclose(Ridge(alphas=(1e3,), standardise=False).fit(x, y).predict(x_new), peer, rtol=1e-8)
    assert not np.allclose(Ridge(alphas=(1e3,)).fit(x, y).predict(x_new), peer)


@pytest.mark.parametrize("p", [60, 15])
def test_gcv_is_the_formula_evaluated_directly(p):
    x, y, _, _ = data(n=40, p=p, t=10)
    fitted = Ridge(alphas=ALPHAS, select="gcv").fit(x, y)
    z, n, centring = StandardScaler().fit_transform(x), 40, np.eye(40) - 1 / 40
    gcv = []
    for alpha in ALPHAS:  # the inverse in the space of contrasts, where the intercept has no part
        inverse = centring @ np.linalg.inv(z @ z.T + alpha * np.eye(n)) @ centring
        gcv.append(n * ((inverse @ y) ** 2).sum(axis=0) / np.trace(inverse) ** 2)
    assert np.array_equal(fitted.alphas, np.asarray(ALPHAS)[np.argmin(gcv, axis=0)])
    np.testing.assert_allclose(fitted.scores, np.min(gcv, axis=0), rtol=1e-9)


def test_the_first_look_at_correlations_is_its_formula_evaluated_directly():
    x, y, _, _ = data(n=40, p=60, t=10)
    z, centred, centring = StandardScaler().fit_transform(x), y - y.mean(axis=0), np.eye(40) - 1 / 40
    spectrum, alphas = Spectrum.of(z @ z.T), np.asarray(ALPHAS)
    found = spectrum.generalised_pearson(spectrum.loads(centred.T) ** 2, alphas)
    for alpha, row in zip(alphas, found, strict=True):
        inverse = centring @ np.linalg.inv(z @ z.T + alpha * np.eye(40)) @ centring
        predicted = centred - inverse @ centred / (np.trace(inverse) / 40)
        np.testing.assert_allclose(row, [np.corrcoef(*pair)[0, 1] for pair in zip(predicted.T, y.T, strict=True)], rtol=1e-7)


@pytest.mark.parametrize("select", ["loo-pearson", "loo-mse"])
def test_screening_chooses_as_leaving_out_at_every_penalty_does(select):
    x, y, _, _ = data(n=150, p=500, t=2500)  # more units than one chunk holds
    alphas = tuple(np.logspace(-1, 6, 20))
    whole = Ridge(alphas=alphas, select=select, screen=None).fit(x, y)
    screened = Ridge(alphas=alphas, select=select).fit(x, y)
    same = whole.alphas == screened.alphas
    assert same.mean() > 0.995  # 150 stimuli, many units hopeless; 0.9998 at 1,000 stimuli
    np.testing.assert_allclose(screened.scores.mean(), whole.scores.mean(), rtol=1e-3)
    np.testing.assert_allclose(screened.scores[same], whole.scores[same], rtol=1e-9, atol=1e-12)
    assert not np.array_equal(whole.alphas, Ridge(alphas=alphas, select="gcv").fit(x, y).alphas)  # there was something to correct


def test_float32_is_float64_to_five_digits():
    x, y, x_new, y_new = data(n=200, p=1500, t=300)
    mean_r = {}
    for dtype in (np.float32, np.float64):
        fitted = Ridge(alphas=ALPHAS).fit(x.astype(dtype), y.astype(dtype))
        predicted = fitted.predict(x_new.astype(dtype))
        assert predicted.dtype == fitted.loo_predictions().dtype == dtype
        mean_r[dtype] = np.mean([np.corrcoef(*pair)[0, 1] for pair in zip(predicted.T, y_new.T, strict=True)]), fitted.scores.mean()
    np.testing.assert_allclose(mean_r[np.float32], mean_r[np.float64], rtol=0, atol=1e-5)


def test_rows_meet_by_id():
    x, y, x_new, _ = data(n=30, p=50, t=4)
    ids = tuple(f"s{each}" for each in range(30))
    shuffled = np.random.default_rng(1).permutation(30)[:25]
    brain = Features(y[shuffled], tuple(ids[each] for each in shuffled), subject="sub-01")
    fitted = Ridge().fit(Features(x, ids), brain)
    plain = Ridge().fit(x[shuffled], y[shuffled])
    assert fitted.ids == brain.ids
    assert plain.ids is None
    predicted = fitted.predict(Features(x_new, tuple(map(str, range(40)))))
    assert (predicted.subject, predicted.ids[-1]) == ("sub-01", "39")
    assert np.array_equal(predicted.values, plain.predict(x_new))


def test_units_do_not_touch_each_other_and_order_of_alphas_is_no_matter():
    x, y, x_new, _ = data(n=40, p=90, t=6)
    whole = Ridge().fit(x, y).predict(x_new)
    alone = Ridge(alphas=(1e5, 1e4, 1e3, 100, 10, 1, 0.1, 0.1)).fit(x, y[:, 3:4] * 1000 + 7).predict(x_new)
    np.testing.assert_allclose(alone[:, 0], whole[:, 3] * 1000 + 7, rtol=1e-9)


@pytest.mark.parametrize("size", [1e-25, 1e25])
@pytest.mark.parametrize("select", ["loo-pearson", "loo-mse", "gcv"])
def test_units_of_measurement_are_no_matter_in_float32(size, select):
    x, y, x_new, _ = (each.astype(np.float32) for each in data(n=60, p=90, t=20))
    plain, sized = Ridge(select=select).fit(x, y), Ridge(select=select).fit(x, y * np.float32(size))
    assert np.array_equal(plain.alphas, sized.alphas)
    np.testing.assert_allclose(sized.predict(x_new) / size, plain.predict(x_new), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(sized.scores, plain.scores * (1 if select == "loo-pearson" else size**2), rtol=1e-4)


def test_constant_features_and_offsets_change_nothing():
    x, y, x_new, _ = data(n=40, p=90, t=6)
    wide, wide_new = (np.hstack([each, np.full((len(each), 3), 0.1)]) for each in (x, x_new))
    np.testing.assert_allclose(Ridge().fit(wide, y).predict(wide_new), Ridge().fit(x, y).predict(x_new), rtol=1e-9)
    far = Ridge(standardise=False).fit(x + 1e4, y).predict(x_new + 1e4)
    np.testing.assert_allclose(far, Ridge(standardise=False).fit(x, y).predict(x_new), rtol=1e-6)


def test_units_at_the_edge_of_the_grid_are_counted_and_told():
    x, y, _, _ = data(n=60, p=90, t=20)
    narrow = Ridge(alphas=(1, 2)).fit(x, y)
    assert narrow.units_at_edge == 1.0
    noise = np.random.default_rng(2).normal(size=(60, 2)) * 5
    wide = Ridge(alphas=tuple(np.logspace(-6, 12, 37)), select="loo-mse").fit(x[:, :5], x[:, :5] @ np.ones((5, 2)) + noise)
    assert wide.units_at_edge == 0.0
    assert wide.notes == ()
    assert Ridge(alphas=(10,)).fit(x, y).units_at_edge == 0.0
