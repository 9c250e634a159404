"""Ridge on a Gram matrix gives what the features give that it comes from."""

import numpy as np
import pytest

from isomorph.encoding import Ridge
from isomorph.features import Features
from isomorph.geometry import Gram

RNG = np.random.default_rng(0)
N, ALPHAS = 60, tuple(np.logspace(-1, 6, 15))
IDS = tuple(f"s{each:02}" for each in range(N))


def data(p):
    rng = np.random.default_rng(p)
    x = rng.normal(size=(N, p)) * np.linspace(1, 9, p) + rng.normal(size=p) * 20
    y = x @ rng.normal(size=(p, 30)) + rng.normal(size=(N, 30)) * np.geomspace(1, 3000, 30)
    at = rng.permutation(N)
    train, test = at[:35], at[35:]
    return (
        Features(x, IDS, "fc6"),
        Features(y[train], tuple(IDS[each] for each in train), subject="sub-01"),
        tuple(IDS[each] for each in test),
    )


@pytest.mark.parametrize("p", [200, 12])
@pytest.mark.parametrize("width", [None, 4000.0])
@pytest.mark.parametrize("select", ["loo-pearson", "loo-mse", "gcv", "cv-pearson", "cv-mse"])
def test_a_gram_is_as_good_as_its_features(p, width, select):
    x, y, test = data(p)
    ridge = Ridge(alphas=ALPHAS, select=select, standardise=False, width=width)
    of_features, of_gram = ridge.fit(x, y), ridge.fit(Gram.from_features(x), y)
    assert np.array_equal(of_gram.alphas, of_features.alphas)
    assert len(set(of_gram.alphas)) > 1
    np.testing.assert_allclose(of_gram.scores, of_features.scores, rtol=1e-9, atol=1e-9)
    size = y.values.std(axis=0)
    predicted = of_gram.predict(test)
    assert (predicted.ids, predicted.subject) == (test, "sub-01")
    np.testing.assert_allclose(predicted.values / size, of_features.predict(x.take(test)).values / size, rtol=0, atol=1e-9)
    np.testing.assert_allclose(of_gram.loo_predictions() / size, of_features.loo_predictions() / size, rtol=0, atol=1e-9)
    again = of_gram.predict(y.ids[:3]).values  # training stimuli too
    np.testing.assert_allclose(again / size, of_features.predict(x.take(y.ids[:3])).values / size, rtol=0, atol=1e-9)
    np.testing.assert_allclose(of_gram.dual() / size, of_features.dual() / size, rtol=1e-6, atol=1e-7)


def test_width_is_the_trace_over_the_training_stimuli():
    x, y, test = data(50)
    ridge = Ridge(alphas=(3.0,), standardise=False, width=700)
    for fitted in (ridge.fit(x, y), ridge.fit(Gram.from_features(x), y)):
        np.testing.assert_allclose(np.trace(fitted.features.gram()), 35 * 700, rtol=1e-12)
        np.testing.assert_allclose(fitted.spectrum.values.sum(), 35 * 700, rtol=1e-12)
    size = np.sqrt(x.take(y.ids).values.var(axis=0).sum() / 700)
    scaled = Features(x.values / size, IDS)
    plain = Ridge(alphas=(3.0,), standardise=False).fit(scaled, y)
    np.testing.assert_allclose(ridge.fit(x, y).predict(x.take(test)).values, plain.predict(scaled.take(test)).values, rtol=1e-9)
    weights = ridge.fit(x, y)
    np.testing.assert_allclose(
        x.take(test).values @ weights.coefficients() + weights.intercept(), weights.predict(x.take(test)).values, rtol=1e-9
    )


def test_responses_without_ids_meet_a_gram_of_as_many_stimuli_by_place():
    x, _, _ = data(40)
    y = RNG.normal(size=(N, 4))
    fitted = Ridge(standardise=False).fit(Gram.from_features(x), y)
    assert fitted.ids == IDS
    np.testing.assert_allclose(fitted.predict(IDS).values, Ridge(standardise=False).fit(x.values, y).predict(x.values), atol=1e-9)


def test_float32_responses_make_float32_products_and_the_same_predictions():
    x, y, test = data(200)
    gram = Gram.from_features(x)
    wide = Ridge(standardise=False, width=1000).fit(gram, y).predict(test).values
    narrow = Ridge(standardise=False, width=1000).fit(gram, Features(y.values.astype(np.float32), y.ids)).predict(test).values
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow / y.values.std(axis=0), wide / y.values.std(axis=0), rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", ["features", "gram"])
@pytest.mark.parametrize("select", ["loo-pearson", "cv-mse"])
def test_a_refit_is_a_fit_of_the_other_responses(kind, select):
    x, y, test = data(50)
    given = x if kind == "features" else Gram.from_features(x)
    ridge = Ridge(alphas=ALPHAS, select=select, standardise=False)
    other = Features(RNG.normal(size=(35, 6)), y.ids[::-1], subject="sub-02")
    refitted, fitted = ridge.fit(given, y).refit(other), ridge.fit(given, Features(other.values[::-1], y.ids, subject="sub-02"))
    assert np.array_equal(refitted.alphas, fitted.alphas)
    new = x.take(test) if kind == "features" else test
    np.testing.assert_allclose(refitted.predict(new).values, fitted.predict(new).values, rtol=1e-9, atol=1e-9)
    assert refitted.predict(new).subject == "sub-02"
