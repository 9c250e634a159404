"""The sentences about folds and held-out gains, word for word."""

import re

import numpy as np
import pytest

from isomorph.alignment import Global, held_out_gain, object_folds
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.inference import Score

RNG = np.random.default_rng(0)
X = Features(RNG.normal(size=(40, 3)), tuple(f"o{each}" for each in range(40)))
ITEMS = np.array([RNG.permutation(40)[:3] for _ in range(60)])


def said(error, text):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


def test_folds():
    with said(InputError, "folds are made by 'objects' or 'trials'; got 'people'."):
        object_folds(ITEMS, by="people")
    with said(InputError, "1 folds over 40 objects cannot be made: it takes at least 2 folds with 3 objects each."):
        object_folds(ITEMS, 1)
    with said(InputError, "61 folds over 60 trials cannot be made: it takes at least 2 folds with a trial each."):
        object_folds(ITEMS, 61, by="trials")
    text = (
        "a fold that holds 37 of 40 objects out has 0 trials to train on and 30 to test: 60 trials are too few for 2 folds. "
        "Use more: a smaller part shows fewer objects."
    )
    with said(InputError, text):
        object_folds(ITEMS, 2, by="trials")


def gain(low, high, value):
    found = held_out_gain(Global(epochs=1), X, ITEMS, folds=60, replicates=0)
    score = Score(value=value, low=low, high=high, n=60)
    facts = {"before": 0.4, "after": 0.4 + value, "nll_before": 1.05, "nll_after": 1.0, "difference": score}
    return type(found)(**{**{name: getattr(found, name) for name in found.__dataclass_fields__}, **facts})


@pytest.mark.parametrize(
    ("low", "high", "value", "text"),
    [
        (0.02, 0.08, 0.05, "global raises accuracy on held-out objects: 0.400 → 0.450, +0.050 (95% [+0.020, +0.080])"),
        (-0.08, -0.02, -0.05, "global lowers accuracy on held-out objects: 0.400 → 0.350, -0.050 (95% [-0.080, -0.020])"),
        (
            -0.01,
            0.03,
            0.01,
            "global does not surely change accuracy on held-out objects: 0.400 → 0.410, +0.010 (95% [-0.010, +0.030], which includes 0)",
        ),
        (None, None, 0.01, "global does not surely change accuracy on held-out objects: 0.400 → 0.410, +0.010 (without an interval)"),
    ],
)
def test_verdicts(low, high, value, text):
    assert str(gain(low, high, value)) == f"{text}; NLL 1.050 → 1.000; n=60 trials"
