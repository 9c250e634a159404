"""The measures, by name."""

from __future__ import annotations

from typing import Any

from isomorph.errors import InputError
from isomorph.measures._measure import Measure
from isomorph.registry import Entry, Registry
from isomorph.spec import from_plain

registry = Registry(
    "measure",
    (
        Entry(
            name="cka",
            target="isomorph.measures:CKA",
            summary="linear centred kernel alignment, debiased",
            facts={
                "bounds": (-1.0, 1.0),
                "invariant_to": ("permutation", "rotation", "scale", "shift"),
                "higher_is_closer": True,
                "metric": False,
            },
        ),
        Entry(
            name="rbf-cka",
            target="isomorph.measures:RBFCKA",
            summary="centred kernel alignment with a Gaussian kernel, debiased",
            facts={
                "bounds": (-1.0, 1.0),
                "invariant_to": ("permutation", "rotation", "scale", "shift"),
                "higher_is_closer": True,
                "metric": False,
            },
        ),
        Entry(
            name="rsa",
            target="isomorph.measures:RSA",
            summary="similarity of representational dissimilarity matrices",
            facts={"bounds": (-1.0, 1.0), "invariant_to": ("permutation", "scale"), "higher_is_closer": True, "metric": False},
        ),
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
