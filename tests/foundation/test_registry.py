from __future__ import annotations

import sys

import pytest

from isomorph.errors import InputError, UnknownNameError
from isomorph.registry import Entry, Registry

ENTRIES = (
    Entry(name="fraction", target="fractions:Fraction", summary="exact"),
    Entry(name="broken", target="fractions"),
    Entry(name="absent", target="fractions:Nothing"),
)


def test_listing_imports_nothing() -> None:
    registry = Registry("measure", (Entry(name="x", target="this_module_does_not_exist:X"),))
    assert registry.names() == ["x"]
    assert [entry.summary for entry in registry] == [""]
    assert "this_module_does_not_exist" not in sys.modules


def test_load_gives_the_attribute() -> None:
    from fractions import Fraction

    assert Registry("measure", ENTRIES).load("fraction") is Fraction


def test_glob() -> None:
    assert Registry("measure", ENTRIES).names("*ac*") == ["fraction"]


def test_unknown_name_says_what_is_close() -> None:
    with pytest.raises(UnknownNameError) as error:
        Registry("measure", ENTRIES).load("fractoin")
    assert str(error.value) == "no measure is called 'fractoin'. Did you mean 'fraction'?"


def test_a_target_without_attribute_is_refused() -> None:
    with pytest.raises(InputError, match="must read 'module:attribute'"):
        Registry("measure", ENTRIES).load("broken")


def test_entry_points_join_and_may_not_shadow(tmp_path, monkeypatch) -> None:
    info = tmp_path / "plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
    groups = "[isomorph.gadgets]\nmine = fractions:Fraction\n[isomorph.odd_gadgets]\nmine = fractions:Fraction\n"
    (info / "entry_points.txt").write_text(groups)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert Registry("gadget", ()).names() == Registry("odd gadget", ()).names() == ["mine"]
    with pytest.raises(InputError, match="two gadgets are called 'mine'"):
        Registry("gadget", (Entry(name="mine", target="decimal:Decimal"),)).names()
