"""Ridge, logistic regression and the figures, against scikit-learn and slow textbook forms."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier, RidgeClassifierCV
from sklearn.metrics import balanced_accuracy_score, top_k_accuracy_score

from isomorph.errors import InputError, ShapeError
from isomorph.probes import expected_calibration_error
from isomorph.probes._accuracy import intervals, ranks, summarise
from isomorph.probes._logistic import logistic_path
from isomorph.probes._ridge import fit_ridge

RNG = np.random.default_rng(0)
ALPHAS = (1e-3, 1.0, 30.0, 1000.0)


def noisy(n, width, classes, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return rng.normal(size=(n, width)) * rng.uniform(0.2, 3, width) + 0.7 * rng.normal(size=(classes, width))[y] + 5, y


@pytest.mark.parametrize(("n", "width", "classes"), [(200, 12, 5), (40, 90, 4), (60, 60, 3), (100, 7, 2), (6000, 5, 3)])
def test_ridge_is_scikit_learns(n, width, classes):
    x, y = noisy(n, width, classes)
    reference = RidgeClassifierCV(alphas=ALPHAS).fit(x, y)
    fit = fit_ridge(x, y, classes, ALPHAS)
    assert fit.alphas[fit.chosen] == reference.alpha_
    np.testing.assert_allclose(min(fit.loss), -reference.best_score_, rtol=1e-9)
    exact = RidgeClassifier(alpha=reference.alpha_, solver="svd").fit(x, y)
    own = np.atleast_2d(exact.coef_)
    weights = own.T if classes > 2 else np.vstack([-own, own]).T
    np.testing.assert_allclose(fit.weights, weights, rtol=1e-8, atol=1e-11)
    scores = exact.decision_function(x)
    np.testing.assert_allclose((x @ fit.weights + fit.bias)[:, -1], scores if classes == 2 else scores[:, -1], rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("width", [6, 50])
def test_leaving_one_out_is_leaving_one_out(width):
    x, y = noisy(30, width, 3)
    fit = fit_ridge(x, y, 3, ALPHAS)
    targets = np.where(np.arange(3) == y[:, None], 1.0, -1.0)
    for at, alpha in enumerate(ALPHAS):
        hits, errors = [], []
        for row in range(30):
            keep = np.arange(30) != row
            mean, middle = x[keep].mean(axis=0), targets[keep].mean(axis=0)
            centred = x[keep] - mean
            weights = np.linalg.solve(centred.T @ centred + alpha * np.eye(width), centred.T @ (targets[keep] - middle))
            predicted = (x[row] - mean) @ weights + middle
            hits.append(predicted.argmax() == y[row])
            errors.append(((predicted - targets[row]) ** 2).mean())
        assert fit.loss[at] == pytest.approx(np.mean(errors), rel=1e-9)
        assert fit.accuracy[at] == pytest.approx(np.mean(hits))


def test_ridge_in_float32_loses_little():
    x, y = noisy(300, 20, 4)
    double, single = fit_ridge(x, y, 4, ALPHAS), fit_ridge(x.astype(np.float32), y, 4, ALPHAS)
    np.testing.assert_allclose(single.weights, double.weights, atol=1e-5)


@pytest.mark.parametrize(("classes", "strength"), [(4, 0.01), (4, 1.0), (3, 30.0)])
def test_logistic_is_scikit_learns(classes, strength):
    x, y = noisy(150, 8, classes)
    reference = LogisticRegression(C=strength, solver="newton-cg", tol=1e-12, max_iter=10_000).fit(x, y)
    (fit,) = logistic_path(x, y, classes, [strength], tolerance=1e-9, max_iterations=5000)
    assert fit.converged
    np.testing.assert_allclose(fit.weights, reference.coef_.T, atol=2e-5)
    np.testing.assert_allclose(np.exp(fit.log_probabilities(x)), reference.predict_proba(x), atol=2e-6)


def test_two_classes_are_scikit_learns_at_twice_the_strength():
    x, y = noisy(150, 8, 2)
    reference = LogisticRegression(C=2.0, solver="newton-cg", tol=1e-12, max_iter=10_000).fit(x, y)
    (fit,) = logistic_path(x, y, 2, [1.0], tolerance=1e-9, max_iterations=5000)
    np.testing.assert_allclose(np.exp(fit.log_probabilities(x)), reference.predict_proba(x), atol=2e-6)


def test_the_path_does_not_depend_on_where_it_begins():
    x, y = noisy(150, 8, 3)
    *_, last = logistic_path(x, y, 3, [0.01, 0.1, 1.0], tolerance=1e-9, max_iterations=5000)
    (alone,) = logistic_path(x, y, 3, [1.0], tolerance=1e-9, max_iterations=5000)
    np.testing.assert_allclose(last.weights, alone.weights, atol=1e-5)
    (single,) = logistic_path(x.astype(np.float32), y, 3, [1.0], tolerance=1e-6, max_iterations=5000)
    np.testing.assert_allclose(single.weights, alone.weights, atol=2e-3)


def test_top_k_and_balanced_accuracy_are_scikit_learns():
    scores, y = RNG.normal(size=(500, 9)), RNG.choice(9, size=500, p=[0.4, 0.2, 0.1, 0.1, 0.05, 0.05, 0.04, 0.03, 0.03])
    figures, hits = summarise(scores, y, probabilities=False)
    assert figures["top1"] == pytest.approx(top_k_accuracy_score(y, scores, k=1))
    assert figures["top5"] == pytest.approx(top_k_accuracy_score(y, scores, k=5))
    assert figures["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(y, scores.argmax(axis=1)))
    assert figures["ece"] is None
    assert hits["top5"].mean() == figures["top5"]


def test_of_equal_scores_the_first_class_stands_first():
    assert ranks(np.zeros((3, 4)), np.array([0, 1, 3])).tolist() == [0, 1, 3]


def test_calibration_error_by_hand():
    p = np.array([[0.9, 0.1], [0.7, 0.3], [0.7, 0.3], [2 / 3, 1 / 3]])
    y = np.array([0, 0, 1, 1])
    # Bins of a fifteenth: 2/3 ends bin 10, so it is in it; .7 lies in bin 11; .9 in bin 14.
    assert expected_calibration_error(p, y) == pytest.approx((abs(1 - 0.9) + abs(1 - 1.4) + abs(0 - 2 / 3)) / 4)
    assert expected_calibration_error(np.eye(3), [0, 1, 2]) == 0
    assert expected_calibration_error(np.eye(3), [1, 2, 0]) == 1
    assert expected_calibration_error(p, y, bins=1) == pytest.approx(abs(0.5 - p.max(axis=1).mean()))
    with pytest.raises(InputError, match="sum to 1"):
        expected_calibration_error(p * 2, y)
    with pytest.raises(ShapeError):
        expected_calibration_error(p, y[:2])
    with pytest.raises(InputError, match="bins must be 1 or more"):
        expected_calibration_error(p, y, bins=0)


def test_calibration_error_is_small_where_confidence_is_right():
    p = RNG.dirichlet(np.ones(4), size=40_000)
    y = (p.cumsum(axis=1) > RNG.uniform(size=(40_000, 1))).argmax(axis=1)
    assert expected_calibration_error(p, y) < 0.01
    sharp = p**3 / (p**3).sum(axis=1, keepdims=True)
    assert expected_calibration_error(sharp, y) > 0.1


def test_intervals_are_those_of_resampled_stimuli():
    y = RNG.choice(3, size=300, p=[0.6, 0.3, 0.1])
    hits = RNG.integers(0, 4, size=300) / 3
    ends = intervals({"top1": hits}, y, replicates=20_000, seed=0, level=0.95)
    rows = RNG.integers(0, 300, size=(20_000, 300))
    plain = np.quantile(hits[rows].mean(axis=1), [0.025, 0.975])
    balanced = [np.mean([hits[row][y[row] == each].mean() for each in range(3)]) for row in rows[:4000]]
    np.testing.assert_allclose(ends["top1"], plain, atol=0.004)
    np.testing.assert_allclose(ends["balanced_accuracy"], np.quantile(balanced, [0.025, 0.975]), atol=0.008)
    assert intervals({"top1": hits}, y, replicates=0, seed=0, level=0.95) == {}
