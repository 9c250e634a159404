"""Penalties chosen by folds, against himalaya, scikit-learn and refits."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge as Peer
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.preprocessing import StandardScaler

from isomorph.encoding import Ridge
from isomorph.encoding._folds import random_folds

ALPHAS = tuple(np.logspace(-1, 5, 9))


def data(n=43, p=90, t=12, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) * np.linspace(1, 5, p) + 3
    return x, x @ rng.normal(size=(p, t)) / 10 + rng.normal(size=(n, t)) * np.geomspace(0.5, 100, t) + 40


def by_refits(x, y, folds, correlate):
    z, result = StandardScaler().fit_transform(x), np.zeros((len(ALPHAS), y.shape[1]))
    for test in folds:
        train = np.setdiff1d(np.arange(len(x)), test)
        for at, alpha in enumerate(ALPHAS):
            made = Peer(alpha=alpha).fit(z[train], y[train]).predict(z[test])
            pearson = np.array([np.corrcoef(*pair)[0, 1] for pair in zip(made.T, y[test].T, strict=True)])
            result[at] += (pearson if correlate else -((made - y[test]) ** 2).mean(axis=0)) / len(folds)
    return result


@pytest.mark.parametrize("p", [90, 10])
@pytest.mark.parametrize("select", ["cv-pearson", "cv-mse"])
@pytest.mark.parametrize("seed", [0, 7, None])
def test_folds_are_refits(p, select, seed):
    x, y = data(p=p)
    fitted = Ridge(alphas=ALPHAS, select=select, folds=4, seed=seed).fit(x, y)
    scores = by_refits(x, y, random_folds(len(x), 4, seed, owner=""), select == "cv-pearson")
    assert np.array_equal(fitted.alphas, np.asarray(ALPHAS)[scores.argmax(axis=0)])
    assert len(set(fitted.alphas)) > 2
    np.testing.assert_allclose(fitted.scores, scores.max(axis=0) * (1 if select == "cv-pearson" else -1), rtol=1e-8, atol=1e-8)


def test_without_a_seed_folds_are_those_of_scikit_learn():
    x, y = data(t=1)
    z = StandardScaler().fit_transform(x)
    peer = GridSearchCV(Peer(), {"alpha": ALPHAS}, cv=KFold(5), scoring="neg_mean_squared_error").fit(z, y)
    fitted = Ridge(alphas=ALPHAS, select="cv-mse", seed=None).fit(x, y)
    assert fitted.alphas[0] == peer.best_params_["alpha"]
    np.testing.assert_allclose(fitted.scores[0], -peer.best_score_, rtol=1e-9)
    together = Ridge(alphas=ALPHAS, select="cv-mse", seed=None, per_unit=False).fit(*data())
    assert len(set(together.alphas)) == 1


@pytest.mark.parametrize("select", ["cv-pearson", "cv-mse"])
def test_scores_are_those_of_himalaya(select):
    """It has no intercept within folds: stimuli come in pairs x and -x, so that every fold has a mean of 0."""
    pytest.importorskip("himalaya", reason="the peer is not installed")
    from himalaya.kernel_ridge import KernelRidgeCV
    from himalaya.scoring import correlation_score, l2_neg_loss

    x, y = data(n=30, p=70)
    x, y = (np.stack([each - each.mean(axis=0), each.mean(axis=0) - each], axis=1).reshape(60, -1) for each in (x, y))
    ours = Ridge(alphas=ALPHAS, select=select, seed=None, standardise=False).fit(x, y)
    score = correlation_score if select == "cv-pearson" else l2_neg_loss
    peer = KernelRidgeCV(alphas=ALPHAS, cv=KFold(5), solver_params={"score_func": score}, warn=False).fit(x, y)
    np.testing.assert_allclose(ours.alphas, peer.best_alphas_, rtol=1e-12)
    assert len(set(ours.alphas)) > 2
    np.testing.assert_allclose(ours.scores, peer.cv_scores_ * (1 if select == "cv-pearson" else -1), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(ours.predict(x[:5] + 1), peer.predict(x[:5] + 1), rtol=1e-7)


def test_folds_are_parts_of_all_stimuli_and_drawn_by_the_seed():
    folds = random_folds(23, 5, 3, owner="Ridge")
    assert sorted(map(len, folds)) == [4, 4, 5, 5, 5]
    assert sorted(np.concatenate(folds)) == list(range(23))
    assert [each.tolist() for each in folds] == [each.tolist() for each in random_folds(23, 5, 3, owner="Ridge")]
    assert [each.tolist() for each in folds] != [each.tolist() for each in random_folds(23, 5, 4, owner="Ridge")]
    assert random_folds(23, 5, None, owner="Ridge")[0].tolist() == [0, 1, 2, 3, 4]
