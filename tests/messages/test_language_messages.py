"""The sentences about anchors, queries, zero-shot classes, contrasts and untrained twins, word for word."""

import re

import numpy as np
import pytest

from isomorph.errors import IdError, InputError, NonFiniteError, ShapeError
from isomorph.features import Features, relative
from isomorph.models import untrained_twin

X = Features(np.arange(1.0, 13).reshape(4, 3), ("a", "b", "c", "d"), subject="clip")


def said(error, text):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


def test_anchors():
    zero = Features(np.array([[1.0, 0, 0], [0, 0, 0], [0, 0, 0]]), ("x", "y", "z"))
    with said(InputError, "2 of 3 anchors are zero in every feature and have no direction: 'y', 'z'. Leave them out."):
        relative(X, zero)
    with said(InputError, "2 of 3 stimuli are zero in every feature and have no direction: 'y', 'z'. Leave them out."):
        relative(zero, X)
    spaces = "they live in different spaces. Read both from one layer, or from the two towers of one model."
    with said(ShapeError, f"the features have 3 columns and the anchors 2: {spaces}"):
        relative(X, Features(np.ones((1, 2)), ("red",)))
    with said(ShapeError, "the anchor 'tall' has 2 values; the features have 3 columns."):
        relative(X, {"red": [1, 2, 3], "tall": [1, 2]})
    with said(InputError, "anchors must be Features, vectors by name, or a list of ids; got 'red'."):
        relative(X, "red")
    with said(InputError, "anchors must be Features, vectors by name, or a list of ids; got {}."):
        relative(X, {})
    with said(IdError, "'clip' was not shown 1 of 2 stimuli; the first is 'e'."):
        relative(X, ["a", "e"])
    nan = "the matrix of anchors has 1 values that are NaN or infinite, in 1 of 2 anchors; the first is 'tall'."
    with said(NonFiniteError, nan):
        relative(X, {"red": [1, 2, 3], "tall": [1, 2, np.nan]})
    with said(ShapeError, "features have 3 columns but 2 names of features."):
        Features(np.ones((1, 3)), ("a",), feature_names=("red", "tall"))


def test_untrained_twins():
    with said(InputError, "'bundled/mobilenet_v2.random-0' is untrained already; other seeds give other weights."):
        untrained_twin("bundled/mobilenet_v2.random-0")
    with said(InputError, "'bundled/pixels' has no untrained twin: it has nothing to train."):
        untrained_twin("bundled/pixels")
    finished = "it is a finished network in a file, whose weights can't be drawn anew."
    with said(InputError, f"'alignet/ViT-B.base_model' has no untrained twin: {finished}"):
        untrained_twin("alignet/ViT-B.base_model")
    alone = "its source has this architecture with its trained weights alone. Build it yourself and pass it to wrap_model."
    with said(InputError, f"'bundled/minilm_l6_v2' has no untrained twin: {alone}"):
        untrained_twin("bundled/minilm_l6_v2")
    with said(InputError, "a seed of random weights must be a whole number from 0 to 999999999; got -1."):
        untrained_twin("bundled/mobilenet_v2.imagenet1k", seed=-1)
