"""Banded ridge regression against himalaya, `Ridge` and formulas written out."""

import numpy as np
import pytest
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold

from isomorph.encoding import BandedRidge, Ridge, unique_variance
from isomorph.features import Features
from isomorph.geometry import Gram

ALPHAS = tuple(np.logspace(-1, 5, 7))
N, NEW = 60, 25
IDS = tuple(f"s{each:02}" for each in range(N + NEW))


def data(widths=(40, 90, 15), t=24, seed=0):
    """Spaces, and units that go from the first of them to the last, with more and more noise."""
    rng = np.random.default_rng(seed)
    spaces = {f"space-{at}": rng.normal(size=(N + NEW, p)) * np.linspace(0.3, 2, p) for at, p in enumerate(widths)}
    signals = [x @ rng.normal(size=(x.shape[1], t)) / np.sqrt((x**2).sum(axis=1).mean()) for x in spaces.values()]
    mix = rng.dirichlet(np.full(len(widths), 0.4), size=t).T
    y = sum(weight * signal for weight, signal in zip(mix, signals, strict=True)) + rng.normal(size=(N + NEW, t)) * np.geomspace(0.01, 2, t)
    return spaces, y + 20


def part(spaces, rows):
    return {name: x[rows] for name, x in spaces.items()}


TRAIN, TEST = slice(0, N), slice(N, N + NEW)


@pytest.mark.parametrize("select", ["loo-pearson", "loo-mse", "gcv", "cv-mse"])
def test_one_space_is_ridge(select):
    spaces, y = data(widths=(40,))
    ridge = Ridge(alphas=ALPHAS, select=select).fit(spaces["space-0"][TRAIN], y[TRAIN])
    banded = BandedRidge(alphas=ALPHAS, select=select).fit(part(spaces, TRAIN), y[TRAIN])
    assert np.array_equal(banded.alphas, ridge.alphas)
    np.testing.assert_allclose(banded.scores, ridge.scores, rtol=1e-12)
    np.testing.assert_allclose(banded.predict(part(spaces, TEST)), ridge.predict(spaces["space-0"][TEST]), rtol=1e-9)
    r2 = r2_score(y[TEST], ridge.predict(spaces["space-0"][TEST]), multioutput="raw_values")
    np.testing.assert_allclose(banded.shares(part(spaces, TEST), y[TEST])[0], r2, rtol=1e-9)
    assert (banded.units_at_edge, banded.notes) == (ridge.units_at_edge, ridge.notes)


def test_a_unit_is_ridge_on_its_weighted_spaces():
    spaces, y = data()
    fitted = BandedRidge(alphas=ALPHAS, draws=20, standardise=False, select="loo-mse", screen=None).fit(part(spaces, TRAIN), y[TRAIN])
    assert len({tuple(each) for each in fitted.weights.T}) > 4  # not all units choose alike
    np.testing.assert_allclose(fitted.weights.sum(axis=0), 1, rtol=1e-12)
    predicted = fitted.predict(part(spaces, TEST))
    for unit in range(0, 24, 5):
        weighted = np.hstack([np.sqrt(weight) * x for weight, x in zip(fitted.weights[:, unit], spaces.values(), strict=True)])
        ridge = Ridge(alphas=(fitted.alphas[unit],), standardise=False, select="loo-mse").fit(weighted[TRAIN], y[TRAIN, unit : unit + 1])
        np.testing.assert_allclose(predicted[:, unit], ridge.predict(weighted[TEST])[:, 0], rtol=1e-8)
        np.testing.assert_allclose(fitted.scores[unit], ridge.scores[0], rtol=1e-8)
        for weights in fitted.options.weights(3):  # and no other would have been better
            weighted = np.hstack([np.sqrt(weight) * x for weight, x in zip(weights, spaces.values(), strict=True)])
            other = Ridge(alphas=ALPHAS, standardise=False, select="loo-mse", screen=None).fit(weighted[TRAIN], y[TRAIN, unit : unit + 1])
            assert other.scores[0] >= fitted.scores[unit] * (1 - 1e-9)


@pytest.mark.filterwarnings("ignore:divide by zero encountered in log")  # its deltas are logarithms of weights, and some are 0
def test_choices_predictions_and_shares_are_those_of_himalaya():
    """It has no intercept within folds: stimuli come in pairs x and -x, so that every fold has a mean of 0."""
    pytest.importorskip("himalaya", reason="the peer is not installed")
    from himalaya.kernel_ridge import MultipleKernelRidgeCV
    from himalaya.scoring import r2_score_split

    spaces, y = data()
    mirrored = {name: np.stack([x, -x], axis=1).reshape(-1, x.shape[1]) for name, x in spaces.items()}
    centred = np.stack([y - y.mean(axis=0), y.mean(axis=0) - y], axis=1).reshape(-1, y.shape[1])
    train, test = slice(0, 2 * N), slice(2 * N, None)
    ours = BandedRidge(alphas=ALPHAS, draws=12, select="cv-mse", seed=None, standardise=False)
    fitted = ours.fit(part(mirrored, train), centred[train])
    kernels = np.stack([x[train] @ x[train].T for x in mirrored.values()])
    crossed = np.stack([x[test] @ x[train].T for x in mirrored.values()])
    options = {"n_iter": ours.weights(3), "alphas": np.array(ALPHAS), "progress_bar": False}
    peer = MultipleKernelRidgeCV(kernels="precomputed", solver="random_search", solver_params=options, cv=KFold(5)).fit(
        kernels, centred[train]
    )
    np.testing.assert_allclose(fitted.weights / fitted.alphas, np.exp(peer.deltas_), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(fitted.scores, -peer.cv_scores_.max(axis=0), rtol=1e-8)
    parts = peer.predict(crossed, split=True)
    np.testing.assert_allclose(fitted.predict(part(mirrored, test)), peer.predict(crossed), rtol=0, atol=1e-8)
    np.testing.assert_allclose(fitted.predict_parts(part(mirrored, test)), parts, rtol=0, atol=1e-8)
    shares = fitted.shares(part(mirrored, test), centred[test])
    np.testing.assert_allclose(shares, r2_score_split(centred[test], parts), rtol=0, atol=1e-8)


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_shares_sum_to_r2(shift):
    spaces, y = data()
    fitted = BandedRidge(alphas=ALPHAS, draws=5).fit(part(spaces, TRAIN), y[TRAIN])
    new = part(spaces, TEST)
    truth = y[TEST] + shift
    r2 = r2_score(truth, fitted.predict(new), multioutput="raw_values")
    np.testing.assert_allclose(fitted.shares(new, truth).sum(axis=0), r2, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(fitted.predict_parts(new).sum(axis=0) + fitted.mean, fitted.predict(new), rtol=1e-12)


def test_shares_of_uncentred_predictions_are_those_of_himalaya():
    pytest.importorskip("himalaya", reason="the peer is not installed")
    from himalaya.scoring import r2_score_split

    spaces, y = data()
    fitted = BandedRidge(alphas=ALPHAS, draws=5).fit(part(spaces, TRAIN), y[TRAIN])
    truth, new = y[TEST] - y[TEST].mean(axis=0), part(spaces, TEST)
    expected = r2_score_split(truth, fitted.predict_parts(new))  # which takes the mean of training to be that of these responses
    np.testing.assert_allclose(fitted.shares(new, truth + fitted.mean), expected, rtol=0, atol=1e-10)


def test_shares_find_the_space_that_responses_come_from():
    spaces, _ = data(widths=(10, 10))
    y = np.hstack([spaces["space-0"][:, :3], spaces["space-1"][:, 5:8]])
    fitted = BandedRidge(alphas=ALPHAS, draws=0, select="loo-mse").fit(part(spaces, TRAIN), y[TRAIN])
    assert fitted.weights.tolist() == [[1.0] * 3 + [0.0] * 3, [0.0] * 3 + [1.0] * 3]
    shares = fitted.shares(part(spaces, TEST), y[TEST])
    np.testing.assert_allclose(shares, fitted.weights, rtol=0, atol=1e-3)
    unique = unique_variance(BandedRidge(alphas=ALPHAS, draws=0), part(spaces, TRAIN), y[TRAIN], part(spaces, TEST), y[TEST])
    assert (np.diagonal(unique.reshape(2, 2, 3), axis1=0, axis2=1) > 0.9).all()
    assert (np.abs(unique[[1, 0]].reshape(2, 2, 3)[[0, 1], [0, 1]]) < 0.05).all()


def test_grams_are_as_good_as_features_and_rows_meet_by_id():
    spaces, y = data()
    order = np.random.default_rng(3).permutation(N)
    brain = Features(y[order], tuple(IDS[each] for each in order), subject="sub-01")
    named = {name: Features(x, IDS) for name, x in spaces.items()}
    options = BandedRidge(alphas=ALPHAS, draws=8, standardise=False, width=500)
    of_grams = options.fit({name: Gram.from_features(x) for name, x in named.items()}, brain)
    of_features = options.fit(named, brain)
    assert np.array_equal(of_grams.weights, of_features.weights)
    new = IDS[N:]
    predicted = of_grams.predict(new)
    assert (predicted.ids, predicted.subject) == (new, "sub-01")
    shuffled = {name: x.take(new if at else new[::-1]) for at, (name, x) in enumerate(reversed(named.items()))}
    of_named = of_features.predict(shuffled)
    np.testing.assert_allclose(of_named.take(new).values, predicted.values, rtol=1e-8)
    truth = Features(y[TEST][::-1], new[::-1])
    np.testing.assert_allclose(of_grams.shares(new, truth), of_features.shares(shuffled, truth), rtol=0, atol=1e-8)
    np.testing.assert_allclose(
        of_grams.shares(new, truth).sum(axis=0), r2_score(y[TEST], predicted.values, multioutput="raw_values"), rtol=0, atol=1e-8
    )
    mixed = options.fit({**named, "space-0": Gram.from_features(named["space-0"])}, brain)
    given = {**{name: x.take(new) for name, x in named.items()}, "space-0": new}
    np.testing.assert_allclose(mixed.predict(given).values, predicted.values, rtol=1e-8)


def test_width_makes_spaces_equal_however_many_features_they_have():
    spaces, y = data(widths=(10, 400))
    wide = {**spaces, "space-1": spaces["space-1"] * 1000}
    options = BandedRidge(alphas=ALPHAS, draws=6, standardise=False, width=300)
    made, again = (options.fit(part(each, TRAIN), y[TRAIN]) for each in (spaces, wide))
    assert np.array_equal(made.weights, again.weights)
    np.testing.assert_allclose(made.predict(part(spaces, TEST)), again.predict(part(wide, TEST)), rtol=1e-9)


def test_draws_are_seeded_and_begin_with_equal_weights_and_each_space_alone():
    weights = BandedRidge(draws=400).weights(3)
    assert weights[:4].tolist() == [[1 / 3] * 3, [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert np.array_equal(weights, BandedRidge(draws=400).weights(3))
    assert not np.array_equal(weights, BandedRidge(draws=400, seed=1).weights(3))
    sparse, uniform = weights[4::2], weights[5::2]
    assert sparse.max(axis=1).mean() > 0.8
    np.testing.assert_allclose(uniform.mean(axis=0), 1 / 3, atol=0.06)
    np.testing.assert_allclose(uniform.var(axis=0), 1 / 18, rtol=0.3)  # of Dirichlet(1, 1, 1)


def test_float32_is_float64_to_four_digits():
    spaces, y = data()
    options = BandedRidge(alphas=ALPHAS, draws=5)
    wide = options.fit(part(spaces, TRAIN), y[TRAIN])
    narrow = options.fit({name: x[TRAIN].astype(np.float32) for name, x in spaces.items()}, y[TRAIN].astype(np.float32))
    assert narrow.dual.dtype == np.float32
    same = (wide.weights == narrow.weights).all(axis=0) & (wide.alphas == narrow.alphas)
    assert same.mean() > 0.9
    made = narrow.predict({name: x[TEST].astype(np.float32) for name, x in spaces.items()})
    np.testing.assert_allclose(made[:, same], wide.predict(part(spaces, TEST))[:, same], rtol=0, atol=1e-4)
