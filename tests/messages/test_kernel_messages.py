"""What the kernel alignments say when something is wrong; each text is pinned whole."""

import numpy as np
import pytest

from isomorph.geometry import RDM
from isomorph.measures import CKA, CKNNA, HSIC, NBS, RBFCKA, AngularCKA, Bures, DistanceCorrelation, MinibatchCKA, compare_all, load_measure

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 3)), RNG.normal(size=(12, 4))
FLAT = np.ones((12, 3))
CLASSES = np.repeat(np.eye(3), 4, axis=0)  # sorted: every batch of four is one class
ONE_SIDED = np.array([[-4.02, -3.85, -4.06], [-6.41, -1.19, -6.34], [-2.37, -2.85, -4.05], [-5.65, -4.98, -4.07], [-3.87, -3.93, -3.73]])
LOST = np.array([[0.9, 0.1], [1, 0.5], [0, 0], [0.3, 1], [1, 1], [2, 1.5]])

CASES = {
    "CKA knows the estimators 'song', 'biased', 'lange'; got 'gretton'.": lambda: CKA(estimator="gretton"),
    "RBFCKA knows the estimators 'song', 'biased', 'lange'; got 'gretton'.": lambda: RBFCKA(estimator="gretton"),
    "HSIC knows the estimators 'song', 'biased', 'lange'; got 'gretton'.": lambda: HSIC(estimator="gretton"),
    "hsic.estimator must be one of 'song', 'biased', 'lange'; got 'gretton'.": lambda: load_measure("hsic", estimator="gretton"),
    "CKA cannot have both estimator='lange' and debiased=False. Name the estimator alone.": lambda: CKA(estimator="lange", debiased=False),
    "RBFCKA cannot have both estimator='biased' and debiased=True. Name the estimator alone.": lambda: RBFCKA(
        estimator="biased", debiased=True
    ),
    "DistanceCorrelation knows the estimators 'bias-corrected', 'biased'; got 'song'.": lambda: DistanceCorrelation(estimator="song"),
    "RBFCKA measures sigma in 'median', 'absolute' or 'root-median'; got 'mean'.": lambda: RBFCKA(sigma_unit="mean"),
    "MinibatchCKA needs batches of at least 4 stimuli; got batch_size=3.": lambda: MinibatchCKA(batch_size=3),
    "CKNNA needs at least 2 neighbours; got k=1.": lambda: CKNNA(k=1),
    "CKNNA knows the similarities 'cosine', 'centred', 'dot'; got 'l2'.": lambda: CKNNA(similarity="l2"),
    "CKNNA knows the masks 'directed', 'mutual'; got 'both'.": lambda: CKNNA(mask="both"),
    "CKNNA needs an epsilon of 0 or more; got -1.0.": lambda: CKNNA(epsilon=-1.0),
    "CKNNA needs at least 11 stimuli; got 10.": lambda: CKNNA()(X[:10], Y[:10]),
    "HSIC needs at least 4 stimuli; got 3.": lambda: HSIC()(X[:3], Y[:3]),
    "NBS needs features or a Gram, but y is an RDM.": lambda: NBS()(X, RDM.from_features(X)),
    "x does not vary over its stimuli, so that NBS is 0/0. Leave it out.": lambda: NBS()(FLAT, X),
    "y does not vary over its stimuli, so that angular CKA is 0/0. Leave it out.": lambda: AngularCKA()(X, FLAT),
    "x does not vary over its stimuli, or holds all of them equally far apart, so that distance correlation is 0/0. Leave it "
    "out.": lambda: DistanceCorrelation()(np.eye(12), X),
    "thing 1 does not vary over its stimuli, or holds all of them equally far apart, so that CKA is 0/0. Leave it out.": lambda: (
        compare_all([X, FLAT, Y])
    ),
    "x does not vary over the stimuli of any batch of 4, or holds those of each batch equally far apart, so that MinibatchCKA is 0/0. "
    "Shuffle the stimuli, make batches larger, or leave it out.": lambda: MinibatchCKA(batch_size=4)(CLASSES, X),
    "the HSIC of x with itself among its 3 nearest neighbours is -0.137, which has no root to divide by. Use a larger k, or "
    "mask='mutual'.": lambda: CKNNA(k=3, similarity="centred")(ONE_SIDED, X[:5]),
    "a cosine needs rows with a length, but 1 of 6 stimuli of y are zero; the first is '2'. Leave them out, or use "
    "similarity='centred'.": lambda: CKNNA(k=2)(X[:6], LOST),
    "Bures compares row by row, but x has 12 stimuli and y has 11.": lambda: Bures()(X, Y[:-1]),
}


@pytest.mark.filterwarnings("ignore:biased")
@pytest.mark.parametrize("message", CASES)
def test_message(message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        CASES[message]()
    assert str(caught.value) == message


WARNINGS = {
    "biased CKA of unrelated features of widths 3 and 4 is about 0.22 with 12 stimuli. Use debiased=True.": CKA(estimator="biased"),
    "biased RBF CKA of unrelated features of widths 3 and 4 is about 0.33 with 12 stimuli. Use debiased=True.": RBFCKA(
        sigma=1.0, estimator="biased"
    ),
    "biased RBF CKA of unrelated features is well above 0 with few stimuli. Use debiased=True.": RBFCKA(
        sigma_unit="absolute", estimator="biased"
    ),
    "Lange's CKA of unrelated features of widths 30 and 40 is about 0.22 with 12 stimuli. Use estimator='song'.": CKA(estimator="lange"),
    "biased angular CKA of unrelated features of widths 3 and 4 is about 1.35 with 12 stimuli. Show more stimuli, or use CKA(), which is "
    "debiased and no metric.": AngularCKA(),
    "biased distance correlation of unrelated features of widths 3 and 4 is about 0.73 with 12 stimuli. Use "
    "estimator='bias-corrected'.": DistanceCorrelation(estimator="biased"),
}


@pytest.mark.parametrize("text", WARNINGS)
def test_a_biased_estimator_warns_with_what_noise_would_score(text):
    wide = text.startswith("Lange")
    with pytest.warns(UserWarning, match="unrelated") as caught:
        WARNINGS[text](np.tile(X, 10) if wide else X, np.tile(Y, 10) if wide else Y)
    assert [str(each.message) for each in caught] == [text]
    assert caught[0].filename == __file__
