"""The page of conformance holds every measure, and the values on which programs agree."""

import re
import warnings
from pathlib import Path

import pytest

from isomorph.measures import registry

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"


@pytest.fixture(scope="module")
def executed():
    blocks = re.findall(r"```\{code-cell\} python\n(?:---\n.*?\n---\n)?(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), names)
    return names


def test_agreed_values_are_ours(executed):
    assert len(executed["AGREED"]) == 13  # each is asserted on the page


def test_every_measure_has_a_row_and_a_note(executed):
    heads = [row[0] for row in executed["rows"] if row[0].startswith("**")]
    assert heads == [f"**`{name}`**" for name in registry.names()]
    assert set(executed["NOTES"]) == set(registry.names())
