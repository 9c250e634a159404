"""What methods of abstention say when something is wrong; each text is pinned whole."""

import numpy as np
import pytest
import torch

from isomorph.abstention import (
    KNN,
    TAPUDD,
    DeepEnsemble,
    Energy,
    Mahalanobis,
    MaxSoftmax,
    MCDropout,
    Normaliser,
    Odin,
    OpenMax,
    TemperatureScaling,
    combine,
    load_method,
    upstream_compat,
)
from isomorph.errors import IsomorphError
from isomorph.features import Features
from isomorph.models import ImageRecipe, wrap_model
from isomorph.perception import Answers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3))
NAMED = Features(X, tuple(f"{row}.png" for row in range(12)))
Y = [0, 1] * 6
LOGITS = 5 * np.eye(3)[[0, 1, 2] * 4] + X
CLASSES = [0, 1, 2] * 4
NAN, ZERO, FLAT = X.copy(), X.copy(), np.column_stack([X, X[:, 0]])
NAN[4, 1], ZERO[3] = np.nan, 0
P = np.array([[0.5, 0.5], [0.25, 0.75]])
ABSTAINING = Answers(ids=("a", "b"), outcomes=("cat", "none"), probabilities=P, abstain="none", subject="net")
PICTURES = np.zeros((2, 4, 4, 3), dtype=np.uint8)
NET = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 2))
RECIPE = ImageRecipe(height_pixels=4, width_pixels=4, resize_pixels=4)
MODEL = wrap_model(NET, name="net", preprocess=RECIPE)
BARE = wrap_model(NET, name="bare", preprocess=lambda items: torch.zeros(len(items), 3, 4, 4))

CASES = {
    # what is read
    "the array of features has 1 values that are NaN or infinite, in 1 of 12 items; the first is row 4.": lambda: KNN(k=2).fit(NAN),
    "the array of features has 1 values that are NaN or infinite, in 1 of 12 items; the first is '4.png'.": lambda: Mahalanobis().fit(
        Features(NAN, NAMED.ids), Y
    ),
    "the array of passes has 1 values that are NaN or infinite, in 1 of 2 passes; the first is row 1.": lambda: DeepEnsemble().score(
        np.stack([X, NAN])
    ),
    "the array of logits needs 2 axes; got shape (3,).": lambda: Energy().score([1.0, 2.0, 3.0]),
    "the array of logits is empty; its shape is (0, 3).": lambda: MaxSoftmax().score(np.zeros((0, 3))),
    "the array of logits has one class; nothing can be unsure between fewer than two.": lambda: MaxSoftmax().score([[1.0], [2.0]]),
    "the array of features must hold numbers; got an array of type <U3.": lambda: KNN(k=1).fit([["cat"]]),
    "MaxSoftmax reads logits, and all 2 rows are probabilities already; a second softmax would flatten them. Give the logits, or say "
    "inputs='probabilities'.": lambda: MaxSoftmax().score(P),
    "the array of probabilities sums to 1.2 for row 0, and 1 of 2 items do not sum to 1. Probabilities are wanted: softmax of logits, or "
    "Answers.from_weights to divide by the sum, or Answers.from_counts for votes.": lambda: MaxSoftmax(inputs="probabilities").score(
        [[0.6, 0.6], [0.5, 0.5]]
    ),
    "the array of probabilities has -0.5 for row 1 (outcome 0); no answer has a share below 0.": lambda: MCDropout(
        inputs="probabilities"
    ).score([P, [[0.5, 0.5], [-0.5, 1.5]]]),
    "DeepEnsemble needs at least 2 of them, [member, item, class]; it was given 1.": lambda: DeepEnsemble().score(X[None]),
    "MCDropout needs at least 2 of them, [pass, item, class]; it was given 1.": lambda: MCDropout().score(X[None]),
    # options
    "MaxSoftmax's kind is 'entropy' or 'one-minus-max'; got 'max'.": lambda: MaxSoftmax(kind="max"),
    "Odin's temperature must be a number above 0; got 0.": lambda: Odin(temperature=0),
    "Odin's sigma is three numbers above 0, one a channel, or None; got (1.0, 1.0).": lambda: Odin(sigma=(1.0, 1.0)),
    "Mahalanobis's shrinkage must be a number of at least 0 and at most 1; got 2.": lambda: Mahalanobis(shrinkage=2),
    "MCDropout's passes must be a number of at least 2; got 1.": lambda: MCDropout(passes=1),
    "TAPUDD's components are whole numbers from 1; got (0, 1).": lambda: TAPUDD(components=(0, 1)),
    "DeepEnsemble's kind 'logit-mean-msp' averages logits; it has no use for inputs='probabilities'.": lambda: DeepEnsemble(
        kind="logit-mean-msp", inputs="probabilities"
    ),
    "knn: no option is called 'K'. There are: k.": lambda: load_method("knn", K=3),
    "no abstention method is called 'openmx'. Did you mean 'openmax'?": lambda: load_method("openmx"),
    # learning
    "this KNN has learned nothing yet. Score with what KNN(…).fit(features, labels) returns.": lambda: KNN().score(X),
    "KNN with k=50 needs at least 50 training items; there are 12. Choose a smaller k.": lambda: KNN().fit(X),
    "1 of 12 items are zero in every feature and point nowhere; the first is row 3.": lambda: KNN(k=2).fit(ZERO),
    "this KNN was fitted to 3 features an item; it was given 2. Score what the same layer of the same model says.": lambda: (
        KNN(k=2).fit(X).score(X[:, :2])
    ),
    "this OpenMax was fitted to 3 classes an item; it was given 2. Score what the same layer of the same model says.": lambda: (
        OpenMax().fit(LOGITS, CLASSES).score(LOGITS[:, :2])
    ),
    "Mahalanobis needs one label an item; it was given 3 labels for 12 items.": lambda: Mahalanobis().fit(X, [0, 1, 0]),
    "Mahalanobis was given no label for row 11. Leave that item out.": lambda: Mahalanobis().fit(X, [*Y[:-1], None]),
    "Mahalanobis was given labels by name and rows without names. Pass Features, or labels in the order of the rows.": lambda: (
        Mahalanobis().fit(X, {"0.png": 1})
    ),
    "11 of 12 items have no label; the first is '1.png'.": lambda: Mahalanobis().fit(NAMED, {"0.png": 1}),
    "all 12 labels are 'cat'; classes need at least two. Give no labels to measure from one cloud.": lambda: Mahalanobis().fit(
        X, ["cat"] * 12
    ),
    "the covariance of 12 items in 4 features is singular: they vary in 3 directions. Take more items or fewer features, shrinkage=0.1, or "
    "singular='pseudo-inverse'.": lambda: Mahalanobis().fit(FLAT, Y),
    "the 12 training items do not vary within their classes; no distance can be measured by how they vary.": lambda: Mahalanobis().fit(
        np.ones((12, 3))
    ),
    "TAPUDD with 10 components needs at least as many training items; there are 6. Choose components=tuple(range(1, 3)).": lambda: (
        TAPUDD().fit(X[:6])
    ),
    "all 12 training items are equal; there are no clusters.": lambda: TAPUDD().fit(np.ones((12, 3))),
    "a component of 12 of 12 items in 4 features has a singular covariance. Take fewer components, fewer features or a larger "
    "regularisation.": lambda: TAPUDD(components=(1,), regularisation=0).fit(np.column_stack([X, np.zeros(12)])),
    "OpenMax needs the class of each training item: OpenMax().fit(logits, labels).": lambda: OpenMax().fit(LOGITS),
    "OpenMax reads labels as columns of the logits, whole numbers from 0 to 2; row 1 has 3.": lambda: OpenMax().fit(LOGITS, [0, 3] * 6),
    "OpenMax needs at least 2 training items of each class that are answered rightly; 2 of 3 classes have fewer, the first is 1.": lambda: (
        OpenMax().fit(LOGITS, [0] * 12)
    ),
    "TemperatureScaling needs the right class, or people's answers, of each item: fit(logits, labels).": lambda: TemperatureScaling().fit(
        LOGITS
    ),
    "TemperatureScaling was given logits (12, 3) and people's distributions (2, 2); they must match.": lambda: TemperatureScaling().fit(
        LOGITS, P
    ),
    "the answers have the outcome 'none', for which there is no logit. Give distributions over the 2 classes alone.": lambda: (
        TemperatureScaling().fit([[3.0, 0.0], [0.0, 3.0]], ABSTAINING)
    ),
    # networks
    "user/net has no dropout and no stochastic depth with a probability above 0, so that all passes would be equal. Use DeepEnsemble, or a "
    "network that was trained with dropout.": lambda: MCDropout().run(MODEL, PICTURES),
    "MCDropout was given no items to show.": lambda: MCDropout().run(MODEL, []),
    "Odin was given no pictures to show.": lambda: Odin().run(MODEL, []),
    "Odin must know by what user/bare divides pixels, and its recipe is no ImageRecipe. Wrap the network with wrap_model(…, "
    "preprocess=ImageRecipe(…)), or set epsilon=0 and score its logits.": lambda: Odin().run(BARE, PICTURES),
    # calibration
    "the calibration scores are empty.": lambda: Normaliser().fit([]),
    "the scores has 1 values that are NaN or infinite, in 1 of 2 items; the first is row 1.": lambda: Normaliser().fit([1.0, 2.0])(
        [1.0, np.nan]
    ),
    "Normaliser's method is 'min-max' or 'quantile' or 'ecdf' or 'logistic'; got 'rank'.": lambda: Normaliser("rank"),
    "Normaliser's low must lie below high; got 0.5 and 0.5.": lambda: Normaliser("quantile", low=0.5, high=0.5),
    "the normaliser 'logistic' needs labels: 1 where abstaining is right, 0 where answering is. fit(scores, labels).": lambda: Normaliser(
        "logistic"
    ).fit([1.0, 2.0]),
    "the normaliser 'ecdf' has no use for labels; 'logistic' has.": lambda: Normaliser("ecdf").fit([1.0, 2.0], [0, 1]),
    "all 3 calibration items are labelled as right for answering; 'logistic' needs both kinds.": lambda: Normaliser("logistic").fit(
        [1.0, 2.0, 3.0], [0, 0, 0]
    ),
    "the normaliser's labels lie between 0 (answer) and 1 (abstain); they go from 0 to 2.": lambda: Normaliser("logistic").fit(
        [1.0, 2.0], [0, 2]
    ),
    "each calibration score has one label; got 2 scores and 1 labels.": lambda: Normaliser("logistic").fit([1.0, 2.0], [1]),
    # combination
    "a probability of abstaining lies between 0 and 1; row 1 has 1.5. A Normaliser makes one of a score.": lambda: combine(P, [0.5, 1.5]),
    "each item has one probability of abstaining; got 1 for 2 items.": lambda: combine(P, [0.5]),
    "the array of probabilities sums to 2 for row 0, and 1 of 1 items do not sum to 1. Probabilities are wanted: softmax of logits, or "
    "Answers.from_weights to divide by the sum, or Answers.from_counts for votes.": lambda: combine([[1.0, 1.0]], [0.5]),
    "the answers of net have the outcome 'none' already.": lambda: combine(ABSTAINING, [0.5, 0.5]),
    "no method of VisAlign is called 'openmax'. There are: deepensemble, knn, mcdropout, mds, msp, odin, tapudd.": lambda: upstream_compat(
        "openmax", [0.1, 0.2], P
    ),
    "all 2 scores are 0.3 in float32; VisAlign's program divides by zero there.": lambda: upstream_compat("msp", [0.3, 0.3], P),
    "each item has one score; got 1 for 2 items.": lambda: upstream_compat("msp", [0.3], P),
}


@pytest.mark.parametrize("message", CASES)
def test_says_what_is_wrong_and_what_to_do(message: str) -> None:
    with pytest.raises(IsomorphError) as caught:
        CASES[message]()
    assert str(caught.value) == message
