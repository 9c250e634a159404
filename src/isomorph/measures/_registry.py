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
        _entry("concentricity", "Concentricity", "difference in how much stimuli point the way of their mean"),
        _entry("cycle-knn", "CycleKNN", "stimuli that come back to themselves by way of a nearest neighbour"),
        _entry("imd", "IMD", "intrinsic multi-scale distance: heat on the graphs of nearest neighbours, from exact eigenvalues"),
        _entry("jaccard-knn", "JaccardKNN", "nearest neighbours in common, relative to their union"),
        _entry("magnitude", "Magnitude", "difference between the lengths of the mean stimuli"),
        _entry("mutual-knn", "MutualKNN", "nearest neighbours in common"),
        _entry("rank-similarity", "RankSimilarity", "ranks of the nearest neighbours in common"),
        _entry("rbf-cka", "RBFCKA", "centred kernel alignment with a Gaussian kernel, debiased"),
        _entry("rsa", "RSA", "similarity of representational dissimilarity matrices"),
        _entry("rsm-norm", "RSMNorm", "norm of the difference between two distance matrices"),
        _entry("rtd", "RTD", "representation topology divergence: total length of the cross-barcodes in degree 1"),
        _entry("second-order-cosine", "SecondOrderCosine", "cosine between profiles of likeness over nearest neighbours"),
        _entry("uniformity", "Uniformity", "difference in how evenly stimuli are spread"),
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
