from __future__ import annotations

import numpy as np
import pytest

from isomorph.report._headline import caveats, headline, number, p_value
from isomorph.report._question import Answer, LayerScore, Question
from isomorph.results import TargetRecord


def answer(name, value, low, high, *, control=False, layers=2):
    best = LayerScore(layer="b.5", depth=1.0, value=value, low=low, high=high, p=0.001)
    return Answer(model=name, label=name, control=control, best=best, layers=(best,) * layers)


def question(*answers, ceiling=(0.39, 0.68), kind="brain", name="human IT", note=""):
    target = TargetRecord(name=name, kind=kind, citation="", note=note, subjects=4, repeats=2, mean=np.zeros(3))
    return Question(benchmark="b", target=target, measure="rsa-pearson", answers=answers, ceiling=ceiling, n=92, subjects=4)


def test_the_sentence_to_quote():
    asked = question(
        answer("EfficientNet", 0.444, 0.38, 0.5), answer("pixels", 0.1, 0.02, 0.18, control=True), answer("other", 0.05, 0, 0.1)
    )
    assert headline(asked) == (
        "Of 2 models and 1 control, EfficientNet (layer b.5) is closest to human IT: r = 0.44 [0.38, 0.50]; "
        "people’s brains agree with one another at 0.39–0.68 (noise ceiling)."
    )


def test_one_model_and_no_ceiling():
    asked = question(answer("A", 0.2, None, None, layers=1), ceiling=None, name="monkey IT", note="one monkey group.")
    assert headline(asked) == "A (layer b.5) matches monkey IT at r = 0.20."
    assert caveats(asked) == ["There is no noise ceiling: one monkey group."]
    said = question(answer("A", 0.2, None, None, layers=1), ceiling=None, note="the last layer of one model; it has no noise ceiling")
    assert caveats(said) == ["The last layer of one model; it has no noise ceiling."]


def test_ties_are_said():
    first, near, far = answer("A", 0.4, 0.3, 0.5), answer("B", 0.35, 0.25, 0.45), answer("C", 0.1, 0.0, 0.2)
    assert "Its interval overlaps with that of B: this ranking does not tell them apart." in caveats(question(first, near, far))
    assert "Its interval lies above that of every other model." in caveats(question(first, far))
    assert not [each for each in caveats(question(first, answer("D", 0.3, None, None))) if "above" in each or "overlaps" in each]


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (answer("A", 0.2, 0.1, 0.3), "whole interval lies below the noise ceiling"),
        (answer("A", 0.35, 0.3, 0.41), "stays below the noise ceiling, but its interval reaches it"),
        (answer("A", 0.42, 0.35, 0.5), "reaches the lower noise ceiling"),
    ],
)
def test_where_the_ceiling_is(first, words):
    assert sum(words in each for each in caveats(question(first))) == 1


def test_chance_and_controls_are_said():
    said = " ".join(caveats(question(answer("pixels", 0.05, -0.02, 0.1, control=True), answer("net", 0.01, -0.1, 0.1))))
    assert "includes 0: no model clearly resembles human IT" in said
    assert "pixels is a control, not a trained model" in said


def test_layers_chosen_on_the_same_data_are_said_only_where_there_was_a_choice():
    assert "chosen on the same data" in caveats(question(answer("A", 0.2, 0.1, 0.3)))[-1]
    assert "chosen" not in " ".join(caveats(question(answer("A", 0.2, 0.1, 0.3, layers=1))))


def test_numbers():
    assert [number(each) for each in (0.444, -0.001, -0.25)] == ["0.44", "0.00", "−0.25"]
    assert [p_value(each) for each in (None, 0.0004, 0.0123)] == ["–", "< 0.001", "0.012"]
