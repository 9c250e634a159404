"""The measures, by name."""

from __future__ import annotations

from typing import Any

from isomorph.errors import InputError
from isomorph.measures._measure import Measure
from isomorph.registry import Entry, Registry
from isomorph.spec import from_plain


def _entry(name: str, attribute: str, summary: str) -> Entry:
    return Entry(name=name, target=f"isomorph.measures:{attribute}", summary=summary)


registry = Registry(
    "measure",
    (
        _entry("cka", "CKA", "linear centred kernel alignment, debiased"),
        _entry("rbf-cka", "RBFCKA", "centred kernel alignment with a Gaussian kernel, debiased"),
        _entry("rsa", "RSA", "similarity of representational dissimilarity matrices"),
    ),
)


def load_measure(name: str, **options: Any) -> Measure:
    """The measure called `name`, with these options.

    Raises:
        UnknownNameError: No measure has this name; the message says what is close.
        InputError: An option is unknown or of the wrong type.

    Example:
        >>> load_measure("rsa", comparison="spearman")
        RSA(distance='correlation', comparison='spearman')
    """
    kind = registry.load(name)
    if not (isinstance(kind, type) and issubclass(kind, Measure)):
        raise InputError(f"the measure {name!r} is {kind!r}, which is no subclass of isomorph.measures.Measure.")
    return from_plain(kind, options, where=name)
