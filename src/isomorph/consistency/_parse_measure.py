"""A measure and its options in one line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isomorph.errors import InputError
from isomorph.spec import from_text

if TYPE_CHECKING:
    from isomorph.measures import Measure


def parse_measure(text: str) -> Measure:
    """`"rbf-cka sigma=0.4"`: a name from the registry and options behind it, read as TOML where they can be, else as text.

    Example:
        >>> parse_measure("rsa comparison=spearman").comparison
        'spearman'
    """
    from isomorph.measures import load_measure

    name, *settings = text.split()
    options: dict[str, Any] = {}
    for each in settings:
        option, sign, value = each.partition("=")
        if not sign or not option:
            raise InputError(f"the measure {text!r} has the option {each!r}; options read name=value.")
        options[option] = from_text(value)
    return load_measure(name, **options)
