"""Sets of models by rules."""

import pandas as pd
import pytest

from isomorph.consistency import ModelSet
from isomorph.errors import InputError
from isomorph.spec import from_plain


@pytest.fixture
def table():
    return pd.DataFrame(
        {"objective": ["SSL", "SSL", "SSL", "Sup", None], "size": [86e6, 304e6, 22e6, 138e6, 1.0]},
        index=["dino-b", "mae-l", "dino[s]", "vgg", "odd"],
    )


@pytest.mark.parametrize(
    ("chosen", "members"),
    [
        (ModelSet("all"), ("dino-b", "mae-l", "dino[s]", "vgg", "odd")),
        (ModelSet("x", include={"objective": "SSL"}), ("dino-b", "mae-l", "dino[s]")),
        (ModelSet("x", include={"objective": "S*", "model": ("dino*", "vgg")}), ("dino-b", "dino[s]", "vgg")),
        (ModelSet("x", include={"objective": "SSL"}, exclude={"model": "mae*"}), ("dino-b", "dino[s]")),
        (ModelSet("x", include={"size": ">=100e6"}), ("mae-l", "vgg")),
        (ModelSet("x", include={"size": "<100e6"}, exclude={"objective": "Sup"}), ("dino-b", "dino[s]", "odd")),
        (ModelSet("x", rules=("+objective=SSL", "-model=*-*", "+model=mae*")), ("mae-l", "dino[s]")),
        (ModelSet("x", rules=("+objective=SSL", "+model=mae*", "-model=*-*")), ("dino[s]",)),
        (ModelSet("x", rules=("-objective=SSL",)), ("vgg", "odd")),
        (ModelSet("x", include={"objective": "Sup"}, rules=("+model=odd",)), ("vgg", "odd")),
        (ModelSet.of("dino[s]"), ("dino[s]",)),
        (ModelSet.of("vgg", "odd", name="two"), ("vgg", "odd")),
    ],
)
def test_members(chosen, members, table):
    assert chosen.members(table) == members


def test_a_column_makes_one_set_a_value(table):
    sets = ModelSet.by(table, "objective")
    assert [each.name for each in sets] == ["SSL", "Sup"]
    assert [len(each.members(table)) for each in sets] == [3, 1]


@pytest.mark.parametrize("rule", ["objective=SSL", "+objective", "+=x", "-objective="])
def test_a_rule_reads_plus_or_minus_column_pattern(rule):
    with pytest.raises(InputError, match="rules read"):
        ModelSet("x", rules=(rule,))


def test_an_empty_set_and_an_unknown_column_are_errors(table):
    with pytest.raises(InputError, match="no model of 5 is in the set 'none'"):
        ModelSet("none", include={"objective": "RL"}).members(table)
    with pytest.raises(InputError, match=r"'objectiv'.*Did you mean 'objective'"):
        ModelSet("x", include={"objectiv": "SSL"}).members(table)


def test_a_set_reads_from_plain_data(table):
    plain = {"name": "x", "include": {"objective": ["SSL", "Sup"]}, "rules": ["-model=mae*"]}
    assert from_plain(ModelSet, plain).members(table) == ("dino-b", "dino[s]", "vgg")
