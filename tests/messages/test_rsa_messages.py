"""What RSA, its distances and comparisons say, to the letter."""

import numpy as np
import pytest

from isomorph.features import Features
from isomorph.geometry import RDM, Gram, noise_precision, repeat_residuals
from isomorph.inference import compare_rdms, noise_ceiling, rsa_scores
from isomorph.measures import RSA

RNG = np.random.default_rng(0)
X, REPEATS = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 3, 4))
PAIRS = RDM.from_features(RNG.normal(size=(6, 9)), "sqeuclidean").values[None]
FLAT, HOLED = np.full((1, 15), 0.1), np.where(np.arange(15) == 3, np.nan, PAIRS)
NAMED = Features(X, tuple("abcdef"), subject="one")

CASES = {
    "no comparison is called 'cosine-cov'. Did you mean 'cosine_cov' or 'cosine'?": lambda: compare_rdms(
        PAIRS, PAIRS, comparison="cosine-cov"
    ),
    "y has the same distance between all its stimuli, so that its corr_cov comparison is 0/0.": lambda: compare_rdms(
        PAIRS, FLAT, comparison="corr_cov"
    ),
    "y has the same distance between all its stimuli, so that its tau-b comparison is 0/0.": lambda: compare_rdms(
        PAIRS, FLAT, comparison="tau-b"
    ),
    "y has 1 values that are NaN or infinite, in 1 of 1 RDMs; the first is row 0.": lambda: compare_rdms(PAIRS, HOLED, comparison="bures"),
    "RDMs are compared pair by pair, but x has 15 pairs and y has 10.": lambda: compare_rdms(PAIRS, PAIRS[:, :10], comparison="cosine_cov"),
    "the comparison 'cosine_cov' needs whole RDMs, of n(n − 1)/2 pairs such as 3, 6, 10 …; got 14 pairs.": lambda: compare_rdms(
        PAIRS[:, 1:], PAIRS[:, 1:], comparison="cosine_cov"
    ),
    "the RDM of y spans fewer than n − 1 dimensions, so that the Riemannian distance to it is infinite. Use distances that span them "
    "('euclidean', 'gaussian'; or more features than stimuli), or the comparison 'bures' or 'cosine_cov'.": lambda: RSA(
        distance="sqeuclidean", comparison="neg_riem_dist"
    )(X, X),
    "sigma_k is used by 'corr_cov', 'cosine_cov' and 'neg_riem_dist'; the comparison 'spearman' ignores it.": lambda: rsa_scores(
        PAIRS, PAIRS, n=6, comparison="spearman", sigma_k=np.eye(6)
    ),
    "sigma_k must be symmetric and positive definite; its smallest eigenvalue is 0.": lambda: compare_rdms(
        PAIRS, PAIRS, comparison="corr_cov", sigma_k=np.zeros(6)
    ),
    "a noise ceiling needs at least 2 subjects; got 1.": lambda: noise_ceiling(PAIRS, comparison="cosine_cov"),
    "RSA needs at least 3 stimuli; got 2.": lambda: RSA(comparison="cosine_cov")(X[:2], X[:2]),
    "'two' was not shown 1 of the 6 stimuli of 'one'; the first is 'f'. RSA compares the same stimuli: choose the shared ones with "
    ".take(ids).": lambda: RSA()(NAMED, Features(X[:5], tuple("abcde"), subject="two")),
    "noise='diagonal' belongs to the distances 'mahalanobis' and 'crossnobis'; this is 'cosine'.": lambda: RSA(
        distance="cosine", noise="diagonal"
    ),
    "noise is what differs between repeats, but each of the 6 stimuli was measured once.": lambda: RSA(
        distance="crossnobis", noise="diagonal"
    )(REPEATS[:, :1], X),
    "a cross-validated distance needs two stimuli in at least 2 folds together, but 15 of 15 pairs of the measurements are not; the first "
    "is '0' and '1'.": lambda: RDM.from_repeats(REPEATS[:, :1]),
    "the noise covariance of 4 features cannot be inverted: 3 residuals leave 2 dimensions without variance. Use shrinkage='diagonal' or "
    "'identity', and leave out features that never vary.": lambda: noise_precision(REPEATS[0], shrinkage="full"),
    "noise is estimated from [stimulus, repeat, feature], or from [measurement, feature] with one of `stimuli` a row; got shape "
    "(6, 4).": lambda: repeat_residuals(X),
    "a poisson distance needs the features themselves, not their Gram matrix. Use RDM.from_features.": lambda: Gram.from_features(X).rdm(
        "poisson"
    ),
}


@pytest.mark.parametrize("message", CASES)
def test_message(message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        CASES[message]()
    assert str(caught.value) == message
