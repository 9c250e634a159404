"""Distributions with the outcome that abstains, ours and as VisAlign's program makes them."""

import numpy as np
import pytest

from isomorph.abstention import (
    DEVIATIONS,
    UPSTREAM_NAMES,
    MaxSoftmax,
    Normaliser,
    combine,
    list_methods,
    upstream_compat,
)
from isomorph.perception import Answers, augrc

RNG = np.random.default_rng(0)
PI = RNG.dirichlet([0.4] * 3, size=50)
A = RNG.random(50)
ENTROPY = MaxSoftmax(inputs="probabilities").score(PI)


def answers() -> Answers:
    return Answers(ids=tuple(f"{row}.png" for row in range(50)), outcomes=("cat", "dog", "owl"), probabilities=PI, subject="net")


def test_classes_give_way_alike() -> None:
    joined = combine(PI, A)
    assert joined.shape == (50, 4)
    np.testing.assert_allclose(joined.sum(axis=1), 1)
    np.testing.assert_array_equal(joined[:, -1], A)
    np.testing.assert_allclose(joined[:, :-1] / (1 - A)[:, None], PI)


def test_answers_gain_an_outcome_and_keep_the_rest() -> None:
    joined = combine(answers(), A)
    assert (joined.abstain, joined.outcomes, joined.subject) == ("abstain", ("cat", "dog", "owl", "abstain"), "net")
    np.testing.assert_array_equal(joined.probabilities, combine(PI, A))
    assert combine(answers(), np.ones(50), outcome="unknown").decisions().tolist() == [3] * 50


def test_upstream_lets_the_sure_abstain() -> None:
    """Ours rises with the entropy; VisAlign's falls."""
    ours = Normaliser().fit(ENTROPY)(ENTROPY)
    theirs = upstream_compat("msp", ENTROPY, PI).abstention
    assert np.corrcoef(ours, ENTROPY)[0, 1] == pytest.approx(1)
    at = np.argsort(ENTROPY)[:-1]  # the least sure one falls to the guard, or not
    np.testing.assert_allclose(theirs[at], 1 - ours[at], atol=1e-6)
    wrong = (PI.argmax(axis=1) != (PI.cumsum(axis=1) > RNG.random((50, 1))).argmax(axis=1)).astype(float)
    assert augrc(ours, wrong) < augrc(theirs, wrong)


def test_upstream_leaves_distances_the_right_way_round() -> None:
    distance = RNG.gamma(3.0, size=50)
    theirs = upstream_compat("mahalanobis", distance, PI)
    assert theirs.method == "mds"
    at = np.argsort(distance)[1:]  # the nearest may be beyond float32's maximum of the confidences
    np.testing.assert_allclose(theirs.abstention[at], Normaliser().fit(distance)(distance)[at], atol=1e-6)
    np.testing.assert_allclose(theirs.probabilities, combine(PI, theirs.abstention))


def test_upstream_depends_on_the_other_items() -> None:
    before = upstream_compat("knn", [0.0, 1.0, 2.0], PI[:3]).abstention
    with_a_far_one = upstream_compat("knn", [0.0, 1.0, 2.0, 20.0], PI[:4]).abstention
    assert before.tolist() == [0, 0.5, 1]
    np.testing.assert_allclose(with_a_far_one, [0, 0.05, 0.1, 1])


def test_the_guard_flips_the_most_extreme_item() -> None:
    """0.7 is 0.699999988 in float32: the least sure item lies above the maximum, and abstains among those who do not."""
    theirs = upstream_compat("msp", [0.25, 0.7, 0.69], PI[:3]).abstention
    np.testing.assert_allclose(theirs, [1, 1, 1 - 0.44 / 0.45], atol=1e-6)
    exact = upstream_compat("msp", [0.25, 0.75, 0.5], PI[:3]).abstention
    assert exact.tolist() == [1, 0, 0.5]


def test_what_float32_puts_below_zero_is_no_negative_probability() -> None:
    low = float(np.nextafter(np.float64(np.float32(0.1)), -1))  # float32 rounds it up
    theirs = upstream_compat("msp", [low, 0.75], PI[:2])
    assert theirs.abstention[0] == 1
    assert theirs.probabilities.min() >= 0


def test_deviations_travel_with_the_numbers() -> None:
    assert set(UPSTREAM_NAMES.values()) <= set(list_methods())
    assert {each for row in DEVIATIONS for each in row.methods} == set(UPSTREAM_NAMES)
    found = upstream_compat("msp", ENTROPY, answers())
    assert found.metadata == {
        "upstream_compat": True,
        "method": "msp",
        "deviations": {
            "transductive scaling": "reproduced",
            "inversion": "reproduced",
            "guard": "reproduced",
            "constant score": "not reproduced",
        },
    }
    assert found.answers is not None
    assert found.answers.provenance == "as VisAlign's program makes them of msp: scaled on the test set, inverted"
    np.testing.assert_array_equal(found.answers.probabilities, found.probabilities)
    assert "inversion" not in upstream_compat("tapudd", ENTROPY, PI).metadata["deviations"]
    assert all(row.how for row in DEVIATIONS if row.here != "reproduced")
