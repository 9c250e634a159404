"""The methods, by name."""

from __future__ import annotations

from typing import Any

from isomorph.abstention._method import AbstentionMethod
from isomorph.errors import InputError
from isomorph.registry import Entry, Registry
from isomorph.spec import from_plain


def _entry(name: str, attribute: str, reads: str, learns: bool, summary: str) -> Entry:
    return Entry(name=name, target=f"isomorph.abstention:{attribute}", summary=summary, facts={"reads": reads, "learns": learns})


registry = Registry(
    "abstention method",
    (
        _entry("deep-ensemble", "DeepEnsemble", "passes", False, "entropy of the mean answer of several networks"),
        _entry("energy", "Energy", "logits", False, "free energy of the logits"),
        _entry("knn", "KNN", "features", True, "distance to the K-th nearest training item"),
        _entry("mahalanobis", "Mahalanobis", "features", True, "distance to the nearest class, by one covariance"),
        _entry("max-softmax", "MaxSoftmax", "logits", False, "entropy of the softmax, or one minus its largest"),
        _entry("mc-dropout", "MCDropout", "passes", False, "entropy of the mean answer over random passes"),
        _entry("odin", "Odin", "logits", False, "softmax at a high temperature after a step on the pixels"),
        _entry("openmax", "OpenMax", "logits", True, "probability of a class for the unknown, from tails of distances"),
        _entry("tapudd", "TAPUDD", "features", True, "distance to the nearest cluster, over several numbers of clusters"),
        _entry("temperature-scaling", "TemperatureScaling", "logits", True, "entropy of the softmax at the best temperature"),
    ),
)


def list_methods(pattern: str = "*") -> list[str]:
    """The names that match a shell pattern.

    Example:
        >>> list_methods("*max*")
        ['max-softmax', 'openmax']
    """
    return registry.names(pattern)


def load_method(name: str, **options: Any) -> AbstentionMethod:
    """The method called `name`, with these options.

    Raises:
        UnknownNameError: No method has this name; the message says what is close.
        InputError: An option is unknown or of the wrong type.

    Example:
        >>> load_method("knn", k=10)
        KNN(k=10)
    """
    kind = registry.load(name)
    if not (isinstance(kind, type) and issubclass(kind, AbstentionMethod)):
        raise InputError(f"the abstention method {name!r} is {kind!r}, which is no subclass of isomorph.abstention.AbstentionMethod.")
    return from_plain(kind, options, where=name)
