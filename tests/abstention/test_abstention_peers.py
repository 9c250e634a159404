"""Scores, temperatures and scalings beside scikit-learn's and scipy's, to 1e-10 where the formulas are the same."""

import numpy as np
import pytest
from scipy import special, stats

from isomorph.abstention import DeepEnsemble, Mahalanobis, MaxSoftmax, Normaliser, TemperatureScaling

SEEDS = range(5)


def close(ours, theirs, tolerance=1e-10):
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def drawn(seed, items=300, classes=5):
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=items)
    return 2 * np.eye(classes)[truth] + rng.normal(scale=1.5, size=(items, classes)), truth


@pytest.mark.parametrize("seed", SEEDS)
def test_entropies_are_scipys(seed):
    logits, _ = drawn(seed)
    close(MaxSoftmax().score(logits), stats.entropy(special.softmax(logits, axis=1), axis=1))
    members = np.stack([logits, logits[::-1], 2 * logits])
    close(DeepEnsemble().score(members), stats.entropy(special.softmax(members, axis=2).mean(axis=0), axis=1))


@pytest.mark.parametrize("seed", SEEDS)
def test_distances_are_those_of_scikit_learns_pooled_covariance(seed):
    """Linear discriminant analysis pools as the tied covariance does: each class about its mean, divided by the number of items."""
    from sklearn.covariance import EmpiricalCovariance
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    logits, labels = drawn(seed)
    fresh, _ = drawn(seed + 50)
    means = LinearDiscriminantAnalysis(solver="lsqr", store_covariance=True).fit(logits, labels)
    tied = EmpiricalCovariance(assume_centered=True).fit(logits - means.means_[labels])
    close(tied.covariance_, means.covariance_)
    wanted = np.min([tied.mahalanobis(fresh - mean) for mean in means.means_], axis=0)
    close(Mahalanobis().fit(logits, labels).score(fresh), wanted, 1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_temperature_is_scikit_learns(seed):
    """scikit-learn's own scaling is of whole classifiers; its loss at our T is the least, and of two classes 1/T is the slope of a logistic
    regression on the difference of their logits, without a constant."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    logits, truth = drawn(seed)
    found = TemperatureScaling().fit(logits, truth)
    losses = [log_loss(truth, special.softmax(logits / t, axis=1)) for t in found.temperature * np.array([1, 0.999, 1.001])]
    close(found.after, losses[0])
    assert losses[0] < min(losses[1:])
    logits, truth = drawn(seed, classes=2)
    slope = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=1000).fit(logits[:, 1:] - logits[:, :1], truth)
    close(1 / TemperatureScaling().fit(logits, truth).temperature, slope.coef_[0, 0], 1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_scalings_are_scikit_learns_and_scipys(seed):
    from sklearn.preprocessing import MinMaxScaler

    rng = np.random.default_rng(seed)
    calibration, scores = np.round(rng.gamma(2, size=200), 1), np.round(rng.gamma(2, size=80), 1)
    scaler = MinMaxScaler(clip=True).fit(calibration[:, None])
    close(Normaliser("min-max").fit(calibration)(scores), scaler.transform(scores[:, None])[:, 0])
    close(Normaliser("ecdf").fit(calibration)(scores), [stats.percentileofscore(calibration, each, kind="mean") / 100 for each in scores])


@pytest.mark.parametrize("seed", SEEDS)
def test_logistic_scaling_is_scikit_learns_regression_on_platts_targets(seed):
    """Platt counts one more of either kind: each item stands twice, with its target and the rest as weights."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(seed)
    scores = rng.normal(size=300)
    labels = (rng.random(300) < special.expit(2 * scores - 0.5)).astype(int)
    fresh = rng.normal(size=50)
    high, low = (labels.sum() + 1) / (labels.sum() + 2), 1 / ((1 - labels).sum() + 2)
    target = np.where(labels == 1, high, low)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    theirs.fit(np.tile(scores, 2)[:, None], np.repeat([1, 0], 300), sample_weight=np.concatenate([target, 1 - target]))
    close(Normaliser("logistic").fit(scores, labels)(fresh), theirs.predict_proba(fresh[:, None])[:, 1], 1e-6)
