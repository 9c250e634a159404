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
from isomorph.measures._kernel import ESTIMATORS, Kernel, centred_kernel
from isomorph.measures._kernel_weights import weighted_hsic

LEGACY = np.random.RandomState(0)  # the published values were computed with the legacy generator
X, Y = LEGACY.uniform(size=(30, 25)), LEGACY.uniform(size=(30, 25))
RNG = np.random.default_rng(5)
quiet = pytest.mark.filterwarnings("ignore:biased", "ignore:Lange")


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
@pytest.mark.parametrize("estimator", ESTIMATORS)
@settings(max_examples=15, deadline=None)
@given(st.integers(6, 25), st.integers(1, 30), st.integers(1, 30), st.integers(0, 99))
def test_feature_form_and_gram_form_are_one(estimator, n, p, q, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, p)) + 10, rng.normal(size=(n, q))
    direct = CKA(estimator=estimator)(x, y)
    assert CKA(estimator=estimator)(Gram.from_features(x), Gram.from_features(y)) == pytest.approx(direct, abs=1e-8)


def test_the_weighted_u_statistic_is_the_mean_over_different_stimuli():
    x, y = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 4))
    k, l = x @ x.T, y @ y.T  # noqa: E741
    weights = np.array([[1, 1, 1, 1, 1, 1], [2, 0, 1, 1, 1, 1], [3, 1, 0, 1, 0, 1], [2, 2, 1, 1, 0, 0]])
    result = weighted_hsic(kernel(k), kernel(l), weights, estimator="song")
    for matrices, sums in zip(((k, l), (k, k), (l, l)), result, strict=True):
        for w, value in zip(weights, sums, strict=True):
            tuples = list(itertools.permutations(range(6), 4))
            share = np.array([w[i] * w[j] * w[q] * w[r] for i, j, q, r in tuples])
            a, b = matrices
            each = [a[i, j] * b[i, j] - 2 * a[i, j] * b[i, q] + a[i, j] * b[q, r] for i, j, q, r in tuples]
            assert value == pytest.approx(share @ each / share.sum(), abs=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_centring_first_changes_nothing_and_stripes_change_nothing(estimator, monkeypatch):
    k, l = X @ X.T, Y @ Y.T  # noqa: E741
    weights = np.ones((1, 30), dtype=int) if estimator == "biased" else bootstrap_weights(30, 5)
    whole = weighted_hsic(kernel(k), kernel(l), weights, estimator=estimator)
    monkeypatch.setattr("isomorph.measures._kernel._STRIPE_VALUES", 30 * 7)
    striped = weighted_hsic(centred_kernel(kernel(k)), centred_kernel(kernel(l)), weights, estimator=estimator)
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


def exact_rbf_cka(x, y, sigma):
    """Song's estimator of U-centred kernels, Székely and Rizzo's way, in long doubles."""
    centred = []
    for z in (x, y):
        squares = np.square((z[:, None] - z[None]).astype(np.longdouble)).sum(axis=2)
        width = 2 * (sigma * np.median(np.sqrt(squares[np.triu_indices(len(z), 1)]))) ** 2
        k = np.expm1(-squares / width) if sigma > 1 else np.exp(-squares / width)
        np.fill_diagonal(k, 0)
        n, rows = len(k), k.sum(axis=1)
        u = k - rows[:, None] / (n - 2) - rows / (n - 2) + rows.sum() / ((n - 1) * (n - 2))
        np.fill_diagonal(u, 0)
        centred.append(u / np.abs(u).max())
    a, b = centred
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


@pytest.mark.parametrize("sigma", [0.05, 0.1, 0.5, 10.0, 1e7])
def test_neither_narrow_nor_wide_kernels_lose_their_digits(sigma):
    x = np.random.default_rng(0).normal(size=(20, 50))
    y = x + 0.1 * np.random.default_rng(1).normal(size=(20, 50))
    assert RBFCKA(sigma=sigma)(x, y) == pytest.approx(exact_rbf_cka(x, y, sigma), abs=1e-9)


@pytest.mark.parametrize("sigma", [0.02, 0.01])
def test_a_kernel_below_the_smallest_number_is_refused(sigma):
    x = np.random.default_rng(0).normal(size=(20, 50))
    with pytest.raises(ShapeError, match="equally far apart"):
        RBFCKA(sigma=sigma)(x, x[::-1])


def test_stimuli_that_are_all_equally_far_apart_leave_nothing_to_debias():
    rotation = np.linalg.qr(RNG.normal(size=(20, 20)))[0]
    corners = np.linalg.qr(np.eye(20) - 1 / 20)[0][:, :19]  # the same simplex in 19 dimensions: fewer features than stimuli
    for simplex in (np.eye(20), np.eye(20) @ rotation + 3, (np.eye(20) - 1 / 20) @ corners):
        for x, y in ((simplex, X[:20]), (X[:20], simplex), (simplex, X[:20, :4])):
            with pytest.raises(ShapeError, match="equally far apart"):
                CKA()(x, y)
        assert np.isnan(CKA().replicates(*CKA().meet(simplex, X[:20]), np.ones((1, 20), dtype=int))).all()


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
