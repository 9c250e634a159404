"""Choosing layers by name, pattern, position and depth."""

from __future__ import annotations

import pytest

from isomorph.errors import InputError
from isomorph.models._layers import as_choices, choose_layers

UNIQUE = ("stem", "block.0", "block.1", "norm", "head[0]", "output")


def choose(*choices):
    return choose_layers(
        as_choices(choices),
        unique=UNIQUE,
        duplicates={"drop": "norm"},
        unusable={"count": "it holds int64"},
        silent=("aux",),
        subject="net",
    )


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("all", UNIQUE),
        ("block.*", ("block.0", "block.1")),
        ("head[0]", ("head[0]",)),
        (-1, ("output",)),
        (0, ("stem",)),
        (0.0, ("stem",)),
        (1.0, ("output",)),
        (0.4, ("block.1",)),
        ("drop", ("drop",)),
    ],
)
def test_one_choice(choice, expected):
    assert choose(choice) == expected


def test_several_choices_keep_the_order_of_execution_and_stand_once():
    assert choose("norm", -1, "block.*", 1, "drop") == ("block.0", "block.1", "norm", "drop", "output")


def test_a_single_choice_needs_no_list():
    assert as_choices("all") == ("all",)
    assert as_choices(-1) == (-1,)


@pytest.mark.parametrize("wrong", [[], [True], [1.5], [-0.1], [None]])
def test_wrong_choices(wrong):
    with pytest.raises(InputError):
        as_choices(wrong)


@pytest.mark.parametrize("wrong", ["blok.1", "block.9*", 6, -7, "count", "aux"])
def test_choices_without_a_layer(wrong):
    with pytest.raises(InputError):
        choose(wrong)
