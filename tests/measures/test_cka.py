import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isomorph.errors import ShapeError
from isomorph.geometry import Gram
from isomorph.inference import bootstrap_weights
from isomorph.measures import CKA, RBFCKA
from isomorph.measures._hsic import Kernel, centred_kernel, weighted_hsic

LEGACY = np.random.RandomState(0)  # the published values were computed with the legacy generator
X, Y = LEGACY.uniform(size=(30, 25)), LEGACY.uniform(size=(30, 25))
RNG = np.random.default_rng(5)
quiet = pytest.mark.filterwarnings("ignore:biased")


def kernel(matrix):
    return Kernel(len(matrix), lambda part: matrix[part].copy())


@quiet
@pytest.mark.parametrize(
    ("measure", "value"),
    [
        (CKA(debiased=False), 0.4893427391044152),
        (CKA(), 0.0235986985805659),
        (RBFCKA(sigma=1.0, sigma_unit="absolute", debiased=False), 0.8940267986288912),
        (RBFCKA(sigma=1.0, sigma_unit="absolute"), 0.0676394158408835),
    ],
)
def test_values_on_which_libraries_agree(measure, value):
    assert measure(X, Y) == pytest.approx(value, abs=1e-10)
    assert measure(Gram.from_features(X), Y) == pytest.approx(value, abs=1e-10)
    assert measure(Gram.from_features(X), Gram.from_features(Y)) == pytest.approx(value, abs=1e-10)


@quiet
@pytest.mark.parametrize("debiased", [True, False])
@settings(max_examples=15, deadline=None)
@given(st.integers(6, 25), st.integers(1, 30), st.integers(1, 30), st.integers(0, 99))
def test_feature_form_and_gram_form_are_one(debiased, n, p, q, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, p)) + 10, rng.normal(size=(n, q))
    try:
        direct = CKA(debiased=debiased)(x, y)
    except ShapeError:  # the debiased self-similarity of a few noisy rows may fall below zero
        return
    assert CKA(debiased=debiased)(Gram.from_features(x), Gram.from_features(y)) == pytest.approx(direct, abs=1e-8)


def test_the_weighted_u_statistic_is_the_mean_over_different_stimuli():
    x, y = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 4))
    k, l = x @ x.T, y @ y.T  # noqa: E741
    weights = np.array([[1, 1, 1, 1, 1, 1], [2, 0, 1, 1, 1, 1], [3, 1, 0, 1, 0, 1], [2, 2, 1, 1, 0, 0]])
    result = weighted_hsic(kernel(k), kernel(l), weights, debiased=True)
    for matrices, sums in zip(((k, l), (k, k), (l, l)), result, strict=True):
        for w, value in zip(weights, sums, strict=True):
            tuples = list(itertools.permutations(range(6), 4))
            share = np.array([w[i] * w[j] * w[q] * w[r] for i, j, q, r in tuples])
            a, b = matrices
            each = [a[i, j] * b[i, j] - 2 * a[i, j] * b[i, q] + a[i, j] * b[q, r] for i, j, q, r in tuples]
            assert value == pytest.approx(share @ each / share.sum(), abs=1e-12)


@pytest.mark.parametrize("debiased", [True, False])
def test_centring_first_changes_nothing_and_stripes_change_nothing(debiased, monkeypatch):
    k, l = X @ X.T, Y @ Y.T  # noqa: E741
    weights = np.ones((1, 30), dtype=int) if not debiased else bootstrap_weights(30, 5)
    whole = weighted_hsic(kernel(k), kernel(l), weights, debiased=debiased)
    monkeypatch.setattr("isomorph.measures._hsic._STRIPE_VALUES", 30 * 7)
    striped = weighted_hsic(centred_kernel(kernel(k)), centred_kernel(kernel(l)), weights, debiased=debiased)
    np.testing.assert_allclose(striped, whole, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("measure", [CKA(), RBFCKA(), CKA(debiased=False), RBFCKA(debiased=False)])
def test_replicates_with_equal_weights_are_the_value(measure):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x, y = measure.meet(X, X + 0.3 * Y)
        assert measure.replicates(x, y, np.ones((1, 30), dtype=int))[0] == pytest.approx(measure.between(x, y), abs=1e-10)


@pytest.mark.parametrize("measure", [CKA(), RBFCKA(), CKA(debiased=False)])
def test_replicates_scatter_around_the_value(measure):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = RNG.normal(size=(60, 10))
        first, second = measure.meet(x, x + RNG.normal(size=(60, 10)))
        drawn = measure.replicates(first, second, bootstrap_weights(60, 500))
        assert abs(np.mean(drawn) - measure.between(first, second)) < drawn.std()


def test_debiased_noise_is_near_zero_where_biased_noise_is_not():
    with pytest.warns(UserWarning, match=r"about 0\.91"):
        biased = CKA(debiased=False)(RNG.normal(size=(100, 1024)), RNG.normal(size=(100, 1024)))
    assert biased == pytest.approx(0.911, abs=0.01)
    assert abs(CKA()(RNG.normal(size=(100, 1024)), RNG.normal(size=(100, 1024)))) < 0.02


def test_no_warning_where_the_bias_is_negligible():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CKA(debiased=False)(RNG.normal(size=(3000, 3)), RNG.normal(size=(3000, 3)))


def test_float32_is_summed_in_float64():
    x = RNG.normal(size=(2000, 8)) + 1000
    y = x + RNG.normal(size=(2000, 8))
    single = CKA()(x.astype(np.float32), y.astype(np.float32))
    assert single == pytest.approx(CKA()(x.astype(np.float32).astype(np.float64), y.astype(np.float32).astype(np.float64)), abs=1e-12)


def test_a_wide_kernel_tends_to_linear_cka():
    assert RBFCKA(sigma=1e3)(X, Y) == pytest.approx(CKA()(X, Y), abs=1e-6)


def test_units_of_sigma():
    squares = Gram.from_features(X).rdm("sqeuclidean").values
    same = RBFCKA(sigma=0.7 * float(np.median(np.sqrt(squares))), sigma_unit="absolute")
    own = RBFCKA(sigma=0.7)
    assert own(X, X[:, ::-1]) == pytest.approx(same(X, X[:, ::-1]), abs=1e-12)
    doubled = np.repeat(X, 4, axis=0)  # many distances are zero
    assert RBFCKA(sigma_unit="root-median")(doubled, doubled[::-1]) != pytest.approx(RBFCKA()(doubled, doubled[::-1]), abs=1e-3)


@quiet
@pytest.mark.parametrize("measure", [CKA(), CKA(debiased=False), RBFCKA(sigma_unit="absolute"), RBFCKA()])
def test_what_does_not_vary_is_refused(measure):
    for flat in (np.ones((30, 4)), np.full((30, 40), 0.1)):
        with pytest.raises(ShapeError, match="0"):
            measure(flat, X)
        with pytest.raises(ShapeError, match="0"):
            measure(X, flat)
