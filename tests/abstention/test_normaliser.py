"""From scores to probabilities of abstaining."""

from typing import get_args

import numpy as np
import pytest

from isomorph.abstention import Normaliser
from isomorph.abstention._normaliser import Scaling

RNG = np.random.default_rng(0)
SCORES = RNG.gamma(2.0, size=300)
LABELS = (RNG.random(300) < 1 / (1 + np.exp(3 - 2 * SCORES))).astype(float)
NEW = np.linspace(-2, 14, 60)


def fit(method: Scaling, scores: np.ndarray = SCORES, labels: np.ndarray = LABELS):
    return Normaliser(method).fit(scores, labels if method == "logistic" else None)


@pytest.mark.parametrize(
    ("normaliser", "wanted"),
    [
        (Normaliser("min-max"), [0, 0, 0.25, 1, 1]),
        (Normaliser("quantile", low=0.25, high=0.75), [0, 0, 0, 1, 1]),  # quartiles 2 and 4
        (Normaliser("ecdf"), [0, 0.1, 0.4, 0.9, 1]),  # 2 stands twice: one below, half of two
    ],
)
def test_worked_by_hand(normaliser: Normaliser, wanted: list[float]) -> None:
    np.testing.assert_allclose(normaliser.fit([1, 2, 2, 4, 5])([0, 1, 2, 5, 6]), wanted)


@pytest.mark.parametrize("method", get_args(Scaling))
def test_rises_within_bounds_and_judges_each_item_alone(method: Scaling) -> None:
    fitted = fit(method)
    a = fitted(NEW)
    assert a.dtype == np.float64
    assert (np.diff(a) >= 0).all()
    assert 0 <= a.min() < 0.1 < 0.9 < a.max() <= 1
    np.testing.assert_array_equal([fitted([each])[0] for each in NEW], a)  # VisAlign's scaling needs the whole test set


def test_float32_scores_stay_within_bounds() -> None:
    """VisAlign's extrema are float32: the most extreme item lies beyond them, and its guard makes a = 1 of it."""
    scores = np.array([0.1, 0.3, 0.7])
    np.testing.assert_allclose(Normaliser().fit(scores)(scores)[[0, 2]], [0, 1], rtol=0, atol=0)


@pytest.mark.parametrize("method", ["min-max", "quantile", "ecdf"])
def test_a_constant_score_is_defined(method: Scaling) -> None:
    with pytest.warns(UserWarning, match=r"all 9 calibration scores are 0\.3: they do not say when to abstain"):
        fitted = Normaliser(method).fit(np.full(9, 0.3))
    assert fitted([0.2, 0.3, 0.4]).tolist() == [0.0, 0.5, 1.0]


def test_a_constant_score_leaves_the_labels_mean() -> None:
    with pytest.warns(UserWarning, match="calibration scores are 2"):
        fitted = Normaliser("logistic").fit([2.0] * 4, [1, 0, 0, 0])
    np.testing.assert_allclose(fitted([0.0, 5.0]), (2 / 3 + 3 * 1 / 5) / 4)  # Platt's targets: 2/3 for the one, 1/5 for the three


def test_logistic_is_the_likeliest_for_platts_targets() -> None:
    fitted = fit("logistic")
    yes, no = LABELS.sum(), (1 - LABELS).sum()
    target = np.where(LABELS == 1, (yes + 1) / (yes + 2), 1 / (no + 2))
    off = fitted(SCORES) - target
    np.testing.assert_allclose([off.mean(), (off * SCORES).mean()], 0, atol=1e-8)
    assert fitted.slope == pytest.approx(2, abs=0.5)
    assert fitted(SCORES)[SCORES > 3].mean() == pytest.approx(LABELS[SCORES > 3].mean(), abs=0.1)


def test_logistic_takes_shares_of_people_and_stays_finite_when_kinds_are_apart() -> None:
    shares = 1 / (1 + np.exp(3 - 2 * SCORES))
    many = Normaliser("logistic").fit(np.tile(SCORES, 100), np.tile(shares, 100))
    assert (many.slope, many.offset) == (pytest.approx(2, abs=0.02), pytest.approx(-3, abs=0.02))
    apart = Normaliser("logistic").fit([1.0, 2.0, 8.0, 9.0], [0, 0, 1, 1])
    assert 0.2 < apart.slope < 2
    assert apart([5.0])[0] == pytest.approx(0.5)


def test_logistic_says_when_the_sign_is_wrong() -> None:
    with pytest.warns(UserWarning, match="high scores go with answering"):
        fit("logistic", -SCORES)
