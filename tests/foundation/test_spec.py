from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isomorph.errors import InputError
from isomorph.spec import canonical_json, fingerprint, from_plain, to_plain


@dataclass(frozen=True, kw_only=True)
class Inner:
    sigma: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str
    mode: Literal["fast", "exact"] = "exact"
    inner: Inner = Inner()
    layers: tuple[str | int, ...] = ()
    folder: Path | None = None


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_fingerprint_does_not_depend_on_key_order(value: object) -> None:
    def reverse(each: object) -> object:
        if isinstance(each, dict):
            return {key: reverse(each[key]) for key in reversed(each)}
        return [reverse(item) for item in each] if isinstance(each, list) else each

    assert fingerprint(value) == fingerprint(reverse(value))


@given(plain, plain)
def test_fingerprint_differs_exactly_when_the_json_differs(x: object, y: object) -> None:
    assert (fingerprint(x) == fingerprint(y)) == (canonical_json(x) == canonical_json(y))


def test_round_trip() -> None:
    outer = Outer(name="a", mode="fast", inner=Inner(sigma=2.0), layers=("norm", -1), folder=Path("x/y"))
    assert from_plain(Outer, to_plain(outer)) == outer


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Outer needs the option 'name'."),
        ({"name": "a", "mod": 1}, "Outer: no option is called 'mod'. Did you mean 'mode'?"),
        ({"name": "a", "mode": "slow"}, "Outer.mode must be one of 'fast', 'exact'; got 'slow'."),
        ({"name": "a", "inner": {"sigma": "wide"}}, "Outer.inner.sigma must be float; got 'wide'."),
        ({"name": "a", "inner": {"sigma": True}}, "Outer.inner.sigma must be float; got True."),
        ({"name": 3}, "Outer.name must be str; got 3."),
        ([], "Outer must be a table of options; got []."),
    ],
)
def test_bad_options_are_named(options: object, message: str) -> None:
    with pytest.raises(InputError) as error:
        from_plain(Outer, options)
    assert str(error.value) == message


def test_an_integer_serves_as_a_float() -> None:
    assert from_plain(Inner, {"sigma": 1}).sigma == 1.0


@pytest.mark.parametrize("value", [np.zeros(3), float("nan"), float("inf"), print])
def test_what_has_no_plain_form_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="no plain form"):
        to_plain({"value": value})
