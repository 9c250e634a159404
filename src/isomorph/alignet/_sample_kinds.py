"""The names that AligNet's files give to ways of sampling triplets."""

from __future__ import annotations

import re

from isomorph.alignment._teacher_triplets import TripletKind
from isomorph.errors import UnknownNameError

SAMPLINGS: dict[str, TripletKind] = {
    "random": "random",
    "between_class": "between",
    "class_border": "border",
    "within_class": "within",
    "cluster": "within",
    "cluster_border": "border",
}
"""Sampling → which groups a triplet shows. Clusters may be followed by their number, as in `cluster_border_500`.

What the published `cluster_500` is has not been said in public; here it is three images of one cluster, as within-class is of one class.
"""

_NUMBERED = re.compile(r"(cluster|cluster_border)_(\d{1,7})")


def sampling_kind(name: str) -> tuple[TripletKind, int | None]:
    """How the groups of a triplet's images relate, and how many groups the name speaks of, if it does.

    Raises:
        UnknownNameError: There is no such sampling.

    Example:
        >>> sampling_kind("cluster_border_500"), sampling_kind("within_class")
        (('border', 500), ('within', None))
    """
    numbered = _NUMBERED.fullmatch(name)
    plain = numbered[1] if numbered else name
    if plain not in SAMPLINGS:
        raise UnknownNameError("sampling of triplets", name, SAMPLINGS)
    return SAMPLINGS[plain], int(numbered[2]) if numbered else None
