"""What measures of neighbours, topology and statistics say when something is wrong; each text is pinned whole."""

import sys
import warnings

import numpy as np
import pytest

from isomorph.errors import MissingDependencyError
from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.measures import (
    IMD,
    RTD,
    Concentricity,
    CycleKNN,
    JaccardKNN,
    MutualKNN,
    RSMNorm,
    SecondOrderCosine,
    Uniformity,
    compare,
    load_measure,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*of unrelated features")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 5))
ZERO = X.copy()
ZERO[[3, 7]] = 0
ALONE = np.hstack([np.abs(X), np.zeros((12, 1))])
ALONE[4] = [0, 0, 0, 0, 0, 1]

CASES = {
    "MutualKNN with k=10 needs at least 12 stimuli, but x has 11. Choose a smaller k.": lambda: MutualKNN()(X[:11], X[:11]),
    "MutualKNN with k=4 needs at least 6 stimuli, but y has 5. Choose a smaller k.": lambda: MutualKNN(k=4)(X, Gram.from_features(X[:5])),
    "MutualKNN compares row by row, but x has 12 stimuli and y has 7.": lambda: MutualKNN(k=4)(X, X[:7]),
    "MutualKNN needs a k of at least 1; got 0.": lambda: MutualKNN(k=0),
    "MutualKNN needs features or a Gram, but x is an RDM.": lambda: MutualKNN(k=4)(RDM.from_features(X), X),
    "mutual-knn: no option is called 'topk'. There are: k.": lambda: load_measure("mutual-knn", topk=3),
    "2 of 12 stimuli of y are zero in every feature, so that they have no direction and no neighbours by cosine; the first is '3'. "
    "Leave them out.": lambda: MutualKNN(k=4)(X, ZERO),
    "2 of 12 stimuli of x are zero in every feature, so that they have no direction and no neighbours by cosine; the first is 'd'. "
    "Leave them out.": lambda: CycleKNN()(Features(ZERO, tuple("abcdefghijkl")), X),
    "12 of 12 stimuli of x are the mean stimulus, so that they have no direction and no neighbours by cosine; the first is '0'. "
    "Leave them out.": lambda: JaccardKNN(k=4, centre=True)(np.ones((12, 4)), X),
    "all stimuli of y are equally alike, so that none is nearer than another. Leave y out.": lambda: MutualKNN(k=4)(X, np.ones((12, 4))),
    "all stimuli of x are equally alike, so that none is nearer than another. Leave x out.": lambda: JaccardKNN(k=4)(np.eye(12), X),
    "IMD needs a k of at least 1; got -1.": lambda: IMD(k=-1),
    "IMD with k=5 needs at least 7 stimuli, but x has 6. Choose a smaller k.": lambda: IMD()(X[:6], X[:6]),
    "SecondOrderCosine knows profiles of 'similarity' or 'distance'; got 'angle'.": lambda: SecondOrderCosine(profile="angle"),
    "second-order-cosine.profile must be one of 'similarity', 'distance'; got 'angle'.": lambda: load_measure(
        "second-order-cosine", profile="angle"
    ),
    "the stimulus in row 4 of x is at right angles to all its neighbours, so that its profile is zero. Use profile='distance', or leave "
    "it out.": lambda: SecondOrderCosine(k=3)(ALONE, ALONE),
    "the stimulus in row 0 of x is equal in direction to all its neighbours, so that its profile is zero. Use profile='similarity', or "
    "leave it out.": lambda: SecondOrderCosine(k=2, profile="distance")(np.repeat(X[:4], 3, axis=0), np.repeat(X[:4], 3, axis=0)),
    "RTD needs a batch_size of at least 3 and at least 1 of batches; got batch_size=2, batches=10.": lambda: RTD(batch_size=2),
    "RTD tells up to 16,777,216 distances apart; batch_size=5000 makes more. Use 4096 or fewer.": lambda: RTD(batch_size=5000),
    "RTD needs at least 3 stimuli; got 2.": lambda: RTD()(X[:2], X[:2]),
    "RTD draws batches from features or a Gram, not from an RDM of 12 stimuli. Raise batch_size to 12.": lambda: RTD(batch_size=6)(
        RDM.from_features(X, "euclidean"), X
    ),
    "nine tenths of the distances between the stimuli of y are 0, so that they have no scale. Leave it out.": lambda: RTD()(
        X, np.ones((12, 3))
    ),
    "RSMNorm knows the norms 'frobenius' and 'spectral'; got 'nuclear'.": lambda: RSMNorm(norm="nuclear"),
    "Uniformity needs a t above 0; got 0.": lambda: Uniformity(t=0),
    "2 of 12 stimuli of y are zero in every feature, so that they point nowhere; the first is in row 3. Leave them out.": (
        lambda: Concentricity()(X, ZERO)
    ),
    "the mean stimulus of x is zero, so that no stimulus points its way. Centred features have no cone.": lambda: Concentricity()(
        np.vstack([X, -X]), np.vstack([X, X])
    ),
    "x has 1 values that are NaN or infinite, in 1 of 12 stimuli; the first is row 2.": lambda: MutualKNN(k=4)(
        np.where(np.arange(60).reshape(12, 5) == 11, np.inf, X), X
    ),
}


@pytest.mark.parametrize("message", CASES)
def test_message(message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        CASES[message]()
    assert str(caught.value) == message


def test_without_ripser_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ripser", None)
    with pytest.raises(MissingDependencyError) as caught:
        RTD()(X, X)
    assert str(caught.value) == "RTD needs the package 'ripser', which is not installed. Run: pip install 'isomorph[topology]'"


@pytest.mark.filterwarnings("default")
def test_what_chance_scores_is_said_once_to_the_caller():
    x, y = np.random.default_rng(0).normal(size=(2, 92, 7))
    text = "MutualKNN of unrelated features is about 0.11 with 92 stimuli and k=10. Read it beside that, or choose a smaller k."
    for ask in (lambda: MutualKNN()(x, y), lambda: compare(x, y, measure="mutual-knn", replicates=5, permutations=5)):
        with pytest.warns(UserWarning, match="unrelated") as caught:
            ask()
        assert [str(each.message) for each in caught] == [text]
        assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert MutualKNN(k=4)(x, y) < 0.1
        assert SecondOrderCosine()(x, y) < 1
