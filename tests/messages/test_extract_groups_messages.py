"""What extraction by groups says when it cannot go on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from isomorph.errors import InputError, UnknownNameError
from isomorph.models import extract_groups, layer_table, wrap_model
from isomorph.models._extract_groups_memory import group_limit
from isomorph.stimuli import Stimuli

STIMULI = Stimuli.from_arrays(np.full((2, 8, 8, 3), 7, np.uint8))


@pytest.fixture(scope="module")
def model():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    return wrap_model(net, name="net", preprocess=lambda image: torch.from_numpy(image).permute(2, 0, 1).float() / 255)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"order": "post"}, UnknownNameError, "no order is called 'post'. There are: pre, run."),
        (
            {"memory_limit": "12"},
            None,
            "",
        ),
        (
            {"memory_limit": "auto:2"},
            InputError,
            "memory_limit must be an amount of memory such as '2GB', '512MiB' or a number of bytes; got 'auto:2'.",
        ),
        (
            {"layers": "2"},
            InputError,
            "user/net has no layer called '2'. `isomorph extract user/net --stimuli … --dry-run` lists its layers.",
        ),
    ],
)
def test_options(model, options, kind, message) -> None:
    if kind is None:
        assert len(extract_groups(model, STIMULI, **options)) == 2
        return
    with pytest.raises(kind) as caught:
        extract_groups(model, STIMULI, **options)
    assert str(caught.value) == message


def test_no_such_group(model) -> None:
    with pytest.raises(InputError) as caught:
        extract_groups(model, STIMULI)[1]
    assert str(caught.value) == "user/net has 1 groups of layers; there is none at position 1."


def test_nothing_says_how_much_memory_is_free(tmp_path) -> None:
    with pytest.raises(InputError) as caught:
        group_limit("auto", proc=tmp_path, cgroup=tmp_path)
    assert str(caught.value) == ("memory_limit='auto': this system does not say how much memory is free. Give an amount such as '2GB'.")


def test_the_table_of_a_model_that_reads_something_else(model) -> None:
    with pytest.raises(InputError) as caught:
        layer_table(model, "a dog")
    assert str(caught.value) == "user/net reads images, but the stimuli are texts."
