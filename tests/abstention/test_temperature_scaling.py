"""The temperature of least cross-entropy, from classes and from people's answers."""

import numpy as np
import pytest
import torch
from scipy import special
from scipy.optimize import minimize_scalar

from isomorph.abstention import TemperatureScaling
from isomorph.features import Features
from isomorph.perception import Answers

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(200, 5)) * 4
PEOPLE = special.softmax(LOGITS / 2.5, axis=1)
LABELS = (PEOPLE.cumsum(axis=1) > RNG.random((200, 1))).argmax(axis=1)


def loss(temperature: float, wanted: np.ndarray) -> float:
    return float(-(wanted * special.log_softmax(LOGITS / temperature, axis=1)).sum(axis=1).mean())


def test_people_who_are_the_softmax_at_some_temperature_give_it_back() -> None:
    assert TemperatureScaling().fit(LOGITS, PEOPLE).temperature == pytest.approx(2.5, rel=1e-8)
    assert TemperatureScaling().fit(LOGITS, PEOPLE.tolist()).temperature == pytest.approx(2.5, rel=1e-8)
    answers = Answers(ids=tuple(map(str, range(200))), outcomes=tuple("abcde"), probabilities=PEOPLE)
    assert TemperatureScaling().fit(LOGITS, answers).temperature == pytest.approx(2.5, rel=1e-8)


def test_it_is_the_minimum() -> None:
    fitted = TemperatureScaling().fit(LOGITS, LABELS)
    wanted = np.eye(5)[LABELS]
    best = minimize_scalar(loss, bounds=(0.1, 20), args=(wanted,), method="bounded", options={"xatol": 1e-8})
    assert fitted.temperature == pytest.approx(best.x, rel=1e-5)
    assert (fitted.before, fitted.after) == (pytest.approx(loss(1.0, wanted)), pytest.approx(best.fun))
    assert fitted.after < fitted.before


def test_labels_may_be_tensors_or_stand_under_names() -> None:
    wanted = TemperatureScaling().fit(LOGITS, LABELS)
    assert TemperatureScaling().fit(torch.from_numpy(LOGITS), torch.from_numpy(LABELS)) == wanted
    ids = tuple(map(str, range(200)))
    named = dict(zip(ids[::-1], LABELS[::-1].tolist(), strict=True))
    assert TemperatureScaling().fit(Features(LOGITS, ids), named) == wanted


def test_worked_by_hand() -> None:
    """Logits (4, 0) are right in 3 of 4: at T the softmax must say 3/4, so that 4/T = ln 3."""
    fitted = TemperatureScaling().fit([[4.0, 0.0]] * 4, [0, 0, 0, 1])
    assert fitted.temperature == pytest.approx(4 / np.log(3), rel=1e-9)
    np.testing.assert_allclose(fitted.probabilities([[4.0, 0.0]]), [[0.75, 0.25]])
    assert fitted.score([[4.0, 0.0]])[0] == pytest.approx(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))


@pytest.mark.parametrize(("labels", "end"), [([0, 0, 1, 1], 0.001), ([1, 1, 0, 0], 1000.0)])
def test_says_where_no_temperature_is_best(labels: list[int], end: float) -> None:
    with pytest.warns(UserWarning, match="no temperature is best for these 4 items"):
        assert TemperatureScaling().fit([[4.0, 0.0], [3.0, 0.0], [0.0, 4.0], [0.0, 3.0]], labels).temperature == pytest.approx(end)
