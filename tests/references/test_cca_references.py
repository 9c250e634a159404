"""CCA and regression measures against scipy, scikit-learn, and the published formulas written out slowly."""

import numpy as np
import pytest
import scipy.linalg

from isomorph.measures import CCA, GULP, PWCCA, SVCCA, EigenspaceOverlap, LinearPredictivity, LinearRegression

NINE = {"rel": 1e-9, "abs": 1e-10}
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def oracle_pair():
    legacy = np.random.RandomState(0)
    return legacy.uniform(size=(30, 25)), legacy.uniform(size=(30, 25))


def random_pair(n=50, p=6, q=9, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) * np.linspace(0.3, 2, p) + 1
    return x, x @ rng.normal(size=(p, q)) + 2 * rng.normal(size=(n, q)) - 3


def centred(*things):
    return [each - each.mean(axis=0) for each in things]


def root_inverse(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors / np.sqrt(values)) @ vectors.T


def whitened_correlations(x, y):
    """Canonical correlations by way of whitened covariances."""
    x, y = centred(x, y)
    return np.linalg.svd(root_inverse(x.T @ x) @ x.T @ y @ root_inverse(y.T @ y))


def test_the_published_oracle():
    x, y = oracle_pair()
    assert CCA()(x, y) == pytest.approx(0.890104973816, abs=1e-10)
    assert SVCCA(components=10)(x, y) == pytest.approx(0.537974446104, abs=1e-10)


@pytest.mark.parametrize("shape", [(50, 6, 9), (50, 9, 6), (50, 7, 7), (40, 30, 25)], ids=str)
def test_canonical_correlations_are_scipy_s_subspace_angles(shape):
    x, y = random_pair(*shape)
    rho = np.cos(scipy.linalg.subspace_angles(*centred(x, y)))
    assert CCA()(x, y) == pytest.approx(rho.mean(), **NINE)
    assert CCA(statistic="mean-squared")(x, y) == pytest.approx((rho**2).mean(), **NINE)
    assert CCA(statistic="max")(x, y) == pytest.approx(rho.max(), **NINE)
    assert whitened_correlations(x, y)[1] == pytest.approx(np.sort(rho)[::-1], **NINE)


def test_canonical_correlations_are_scikit_learn_s():
    from sklearn.cross_decomposition import CCA as Peer

    x, y = random_pair()
    one, other = Peer(n_components=6, max_iter=100_000, tol=1e-20).fit_transform(x, y)
    rho = [np.corrcoef(one[:, k], other[:, k])[0, 1] for k in range(6)]
    assert CCA()(x, y) == pytest.approx(np.mean(rho), **NINE)


def test_mean_squared_cca_is_pillai_s_trace_and_mean_r2():
    x, y = random_pair(p=6, q=6)
    a, b = centred(x, y)
    pillai = np.trace(np.linalg.inv(a.T @ a) @ a.T @ b @ np.linalg.inv(b.T @ b) @ b.T @ a)
    assert CCA(statistic="mean-squared")(x, y) == pytest.approx(pillai / 6, **NINE)
    white = a @ root_inverse(a.T @ a)
    assert LinearRegression()(white, y) == pytest.approx(pillai / 6, **NINE)


@pytest.mark.parametrize("variance", [0.5, 0.95, 0.99, 1.0])
def test_svcca_keeps_the_smallest_number_that_reaches_the_variance(variance):
    x, y = random_pair(p=12, q=15)
    kept = []
    for each in centred(x, y):
        values, vectors = np.linalg.eigh(each.T @ each)
        values, vectors = values[::-1], vectors[:, ::-1]
        k = next(k for k in range(1, len(values) + 1) if values[:k].sum() >= variance * values.sum() * (1 - 1e-12))
        kept.append(each @ vectors[:, :k])
    rho = whitened_correlations(*kept)[1]
    assert SVCCA(variance=variance)(x, y) == pytest.approx(rho.mean(), **NINE)
    assert SVCCA(variance=variance, statistic="mean-squared")(x, y) == pytest.approx((rho**2).mean(), **NINE)


def test_a_threshold_that_is_met_exactly_is_met():
    scales = np.array([3.0, 2.0, 1.0])
    corners = scipy.linalg.hadamard(8)[:, 1:4] * scales  # variances 9, 4 and 1, exactly
    other = np.random.default_rng(0).normal(size=(8, 3))
    assert SVCCA(variance=9 / 14)(corners, other) != SVCCA(components=2)(corners, other)
    one = SVCCA(variance=9 / 14, statistic="max")(corners, corners[:, :1])
    assert one == pytest.approx(1)
    assert SVCCA(variance=13 / 14)(corners, corners[:, 1:2] + 0 * other[:, :1]) == pytest.approx(1)


@pytest.mark.parametrize("shape", [(50, 6, 9), (50, 9, 6), (50, 7, 7)], ids=str)
def test_pwcca_by_the_textbook(shape):
    x, y = random_pair(*shape)
    a, b = centred(x, y)
    left, rho, _ = np.linalg.svd(root_inverse(a.T @ a) @ a.T @ b @ root_inverse(b.T @ b), full_matrices=False)
    variates = a @ root_inverse(a.T @ a) @ left
    assert variates.T @ variates == pytest.approx(np.eye(len(rho)), abs=1e-10)
    weights = np.array([sum(abs(variates[:, i] @ a[:, j]) for j in range(a.shape[1])) for i in range(len(rho))])
    assert PWCCA()(x, y) == pytest.approx((weights * rho).sum() / weights.sum(), **NINE)


@pytest.mark.parametrize("shape", [(50, 6, 9), (50, 7, 7)], ids=str)
def test_pwcca_by_google_s_program(shape):
    """Its steps, features by stimuli, for widths p ≤ q where it runs; the sign of the singular vectors is set as we state."""
    x, y = (each.T for each in random_pair(*shape))
    p = len(x)
    means = x.mean(axis=1, keepdims=True)
    covariance = np.cov(x, y)
    whitening = root_inverse(covariance[:p, :p]), root_inverse(covariance[p:, p:])
    left, rho, _ = np.linalg.svd(whitening[0] @ covariance[:p, p:] @ whitening[1])
    left = left * np.where(left.sum(axis=0) < 0, -1, 1)
    directions = left.T @ (x - means) + means
    basis, _ = np.linalg.qr(directions.T)
    weights = np.abs(basis.T @ x.T).sum(axis=1)
    assert PWCCA(definition="google")(x.T, y.T) == pytest.approx((weights * rho).sum() / weights.sum(), **NINE)


def test_linear_regression_is_least_squares():
    from sklearn.linear_model import LinearRegression as Peer

    x, y = random_pair()
    expected = 1 - np.square(x - Peer().fit(y, x).predict(y)).sum() / np.square(x - x.mean(axis=0)).sum()
    assert LinearRegression()(x, y) == pytest.approx(expected, **NINE)
    assert LinearRegression(target="y")(y, x) == pytest.approx(expected, **NINE)


@pytest.mark.parametrize("penalty", [0.0, 0.01, 1.0])
def test_gulp_by_its_formula(penalty):
    x, y = random_pair()
    a, b = (each * np.sqrt(len(each)) / np.linalg.norm(each) for each in centred(x, y))
    n = len(a)
    assert np.square(a).sum() / n == pytest.approx(1)
    xx, yy, xy = a.T @ a / n, b.T @ b / n, a.T @ b / n
    inverse = np.linalg.inv(xx + penalty * np.eye(6)), np.linalg.inv(yy + penalty * np.eye(9))
    own = [np.trace(np.linalg.matrix_power(each @ other, 2)) for each, other in ((xx, inverse[0]), (yy, inverse[1]))]
    expected = sum(own) - 2 * np.trace(inverse[0] @ xy @ inverse[1] @ xy.T)
    assert GULP(penalty=penalty, squared=True)(x, y) == pytest.approx(expected, **NINE)
    assert GULP(penalty=penalty)(x, y) ** 2 == pytest.approx(expected, **NINE)


@pytest.mark.parametrize("centre", [False, True])
def test_eigenspace_overlap_by_its_formula(centre):
    x, y = random_pair()
    a, b = centred(x, y) if centre else (x, y)
    overlap = np.square(scipy.linalg.orth(a).T @ scipy.linalg.orth(b)).sum() / 9
    assert EigenspaceOverlap(centre=centre)(x, y) == pytest.approx(overlap, **NINE)


def folds_of(n, folds, seed):
    """The stated deal: a seeded shuffle of places, dealt in turn."""
    order = np.random.default_rng(seed).permutation(n)
    return [np.sort(order[each::folds]) for each in range(folds)]


def held_out(x, y, fit, folds=5, seed=0):
    """Predictions of x from y, fold by fold."""
    predicted = np.empty_like(x)
    for test in folds_of(len(x), folds, seed):
        train = np.setdiff1d(np.arange(len(x)), test)
        predicted[test] = fit(y[train], x[train], y[test])
    return predicted


def pearson(a, b):
    return np.array([np.corrcoef(a[:, k], b[:, k])[0, 1] for k in range(a.shape[1])])


PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)


def peer_ridge(y, x, test):
    from sklearn.linear_model import RidgeCV

    return RidgeCV(PENALTIES, alpha_per_target=True).fit(y, x).predict(test)


@pytest.mark.parametrize("shape", [(50, 6, 9), (40, 5, 70)], ids=str)
def test_predictivity_by_ridge_is_scikit_learn_s(shape):
    from sklearn.metrics import r2_score

    x, y = random_pair(*shape)
    predicted = held_out(x, y, peer_ridge)
    options = {"penalties": PENALTIES, "penalty_unit": "absolute"}
    assert LinearPredictivity(pool="all", **options)(x, y) == pytest.approx(pearson(predicted, x).mean(), **NINE)
    assert LinearPredictivity(pool="all", score="r2", average="median", **options)(x, y) == pytest.approx(
        np.median(r2_score(x, predicted, multioutput="raw_values")), **NINE
    )
    by_fold = np.mean([pearson(predicted[test], x[test]) for test in folds_of(len(x), 5, 0)], axis=0)
    assert LinearPredictivity(**options)(x, y) == pytest.approx(by_fold.mean(), **NINE)
    assert LinearPredictivity(target="y", average="median", **options)(y, x) == pytest.approx(np.median(by_fold), **NINE)


def test_relative_penalties_are_in_units_of_the_mean_squared_distance():
    x, y = random_pair(40, 5, 60)

    def fit(train, target, test):
        unit = np.square(train - train.mean(axis=0)).sum() / len(train)
        from sklearn.linear_model import RidgeCV

        return RidgeCV([each * unit for each in PENALTIES], alpha_per_target=True).fit(train, target).predict(test)

    ours = LinearPredictivity(pool="all", penalties=PENALTIES, folds=4, seed=7)(x, y)
    assert ours == pytest.approx(pearson(held_out(x, y, fit, 4, 7), x).mean(), **NINE)


@pytest.mark.parametrize("shape", [(50, 6, 9), (40, 5, 70), (50, 12, 4)], ids=str)
@pytest.mark.parametrize("components", [1, 3])
def test_predictivity_by_pls_is_scikit_learn_s(shape, components):
    from sklearn.cross_decomposition import PLSRegression

    x, y = random_pair(*shape)

    def fit(train, target, test):
        return PLSRegression(components, scale=False, max_iter=100_000, tol=1e-25).fit(train, target).predict(test)

    expected = pearson(held_out(x, y, fit), x).mean()
    assert LinearPredictivity(method="pls", components=components, pool="all")(x, y) == pytest.approx(expected, **NINE)
