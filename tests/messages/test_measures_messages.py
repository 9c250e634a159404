"""What geometry, inference and measures say when something is wrong; each text is pinned whole."""

import numpy as np
import pytest

from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.inference import bootstrap_weights, compare_rdms, correct_p_values, noise_ceiling, rsa_scores
from isomorph.measures import CKA, RBFCKA, RSA, compare, compare_all, load_measure

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(5, 3)), RNG.normal(size=(4, 3))
FLAT = X.copy()
FLAT[2] = 7.0
PAIRS = RNG.random((2, 10))
HOLED = PAIRS.copy()
HOLED[1, 3] = np.nan

CASES = {
    "no measure is called 'ckaa'. Did you mean 'cka' or 'cknna'?": lambda: load_measure("ckaa"),
    "cka: no option is called 'debiasd'. Did you mean 'debiased'?": lambda: load_measure("cka", debiasd=True),
    "rsa.comparison must be one of 'pearson', 'spearman', 'cosine', 'tau-a', 'tau-b', 'rho-a', 'corr_cov', 'cosine_cov', 'neg_riem_dist', "
    "'bures'; got 'kendall'.": lambda: load_measure("rsa", comparison="kendall"),
    "CKA compares row by row, but x has 5 stimuli and y has 4.": lambda: CKA()(X, Y),
    "CKA needs x with the axes [stimulus, feature]; got shape (5,).": lambda: CKA()(X[:, 0], Y),
    "CKA needs at least 4 stimuli; got 3.": lambda: CKA()(X[:3], X[:3]),
    "CKA needs features or a Gram, but x is an RDM.": lambda: CKA()(RDM.from_features(X), X),
    "y does not vary over its stimuli, so that CKA is 0/0. Leave it out.": lambda: CKA(debiased=False)(X, np.ones((5, 3))),
    "RBFCKA needs a sigma above 0; got 0.0.": lambda: RBFCKA(sigma=0.0),
    "the median distance between the stimuli of x is 0, so that sigma has no unit. Use sigma_unit='absolute'.": lambda: RBFCKA()(
        np.ones((5, 3)), X
    ),
    "'human' was not shown 1 of the 3 stimuli of 'model'; the first is 'c'. RSA compares the same stimuli: choose the shared ones with "
    ".take(ids).": lambda: RSA()(Features(X[:3], ("a", "b", "c"), subject="model"), Features(X[:3], ("a", "b", "z"), subject="human")),
    "y has 1 values that are NaN or infinite, in 1 of 5 stimuli; the first is row 2.": lambda: CKA()(
        X, np.where(FLAT == 7, [[np.nan, 0, 0]], X)
    ),
    "a correlation distance needs rows that vary, but 1 of 5 stimuli of 'conv1' have the same number in every feature; the first is 'c'. "
    "Leave them out, or use distance='euclidean'.": lambda: RDM.from_features(FLAT, ids=list("abcde"), layer="conv1"),
    "a correlation distance needs rows that vary, but 1 of 5 stimuli of the Gram matrix have the same number in every feature; the first "
    "is '2'. Leave them out, or use distance='euclidean'.": lambda: Gram.from_features(FLAT).rdm(),
    "no distance is called 'corelation'. Did you mean 'correlation'?": lambda: RDM.from_features(X, "corelation"),
    "the RDM has 10 pairs, but 4 stimuli make 6.": lambda: RDM(PAIRS[0], tuple("abcd")),
    "a condensed RDM has n(n − 1)/2 values on one axis, such as 3, 6, 10 …; got shape (4,).": lambda: RDM.from_condensed(np.ones(4)),
    "a square RDM must have zeros on its diagonal, but entry (0, 0) is 1. A matrix of similarities becomes an RDM "
    "as 1 − similarity.": lambda: RDM.from_square(np.eye(3)),
    "a square RDM must be symmetric, but entry (0, 1) is 1 and entry (1, 0) is 2. Average it with its transpose if that is what you "
    "mean.": lambda: RDM.from_square([[0, 1], [2, 0]]),
    "x does not vary over its stimuli, or holds all of them equally far apart, so that CKA is 0/0. Leave it out.": lambda: compare(
        np.ones((5, 3)), X
    ),
    "a comparison needs at least 2 things; got 1.": lambda: compare_all([X]),
    "the RDM of y has the same distance between all its stimuli, so that its pearson comparison is 0/0.": lambda: RSA()(
        X, RDM.from_condensed(np.ones(10))
    ),
    "RDMs are compared pair by pair, but x has 10 pairs and y has 9.": lambda: compare_rdms(PAIRS, PAIRS[:, 1:]),
    "a noise ceiling needs at least 2 subjects; got 1.": lambda: noise_ceiling(PAIRS[:1]),
    "5 stimuli make 10 pairs, but subjects have 9.": lambda: rsa_scores(PAIRS, PAIRS[:, 1:], n=5),
    "there is 1 subject, so that resample='subjects' has nothing to draw. Use resample='stimuli'.": lambda: rsa_scores(
        PAIRS, PAIRS[:1], n=5, resample="subjects"
    ),
    "a bootstrap resamples 'stimuli', 'subjects' or 'both'; got 'items'.": lambda: rsa_scores(PAIRS, PAIRS, n=5, resample="items"),
    "p-values lie between 0 and 1; number 0 is -0.1.": lambda: correct_p_values([-0.1]),
    "a bootstrap needs at least 1 thing to draw; got n=0.": lambda: bootstrap_weights(0, 5),
    "replicates must be 0 or more; got -5.": lambda: rsa_scores(PAIRS, PAIRS, n=5, replicates=-5),
    "permutations must be 0 or more; got -1.": lambda: rsa_scores(PAIRS, PAIRS, n=5, permutations=-1),
    "seed must be 0 or more; got -2.": lambda: compare(X, X, seed=-2),
    "the level of an interval lies between 0 and 1, such as 0.95; got 95.": lambda: compare(X, X, level=95),
    "y has 1 values that are NaN or infinite, in 1 of 2 RDMs; the first is row 1.": lambda: compare_rdms(
        PAIRS, HOLED, comparison="spearman"
    ),
    "the group of subjects has 1 values that are NaN or infinite, in 1 of 2 RDMs; the first is row 1.": lambda: noise_ceiling(
        HOLED, comparison="rho-a"
    ),
}


@pytest.mark.filterwarnings("ignore:biased")
@pytest.mark.parametrize("message", CASES)
def test_message(message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        CASES[message]()
    assert str(caught.value) == message


def test_biased_cka_warns_with_the_number_that_noise_would_score():
    with pytest.warns(UserWarning, match="biased") as caught:
        CKA(debiased=False)(RNG.normal(size=(30, 50)), RNG.normal(size=(30, 20)))
    text = "biased CKA of unrelated features of widths 50 and 20 is about 0.50 with 30 stimuli. Use debiased=True."
    assert [str(each.message) for each in caught] == [text]
    assert caught[0].filename == __file__
