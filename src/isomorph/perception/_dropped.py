"""Which conditions are no part of a benchmark, as named sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np

from isomorph.errors import UnknownNameError
from isomorph.perception._plain_names import plain_condition
from isomorph.perception._trials import Trials

Dropped: TypeAlias = str | Mapping[str, Iterable[str]]

DROPPED: dict[str, dict[str, tuple[str, ...]]] = {
    "none": {},
    "model-vs-human": {
        "colour": ("cr",),
        "contrast": ("c100", "c03", "c01"),
        "high-pass": ("inf", "0.55", "0.45", "0.4"),
        "low-pass": ("0", "15", "40"),
        "phase-scrambling": ("0", "150", "180"),
        "power-equalisation": ("0",),
        "false-colour": ("true",),
        "rotation": ("0",),
        "eidolonI": ("1-10-10", "64-10-10", "128-10-10"),
        "eidolonII": ("1-3-10", "32-3-10", "64-3-10", "128-3-10"),
        "eidolonIII": ("1-0-10", "16-0-10", "32-0-10", "64-0-10", "128-0-10"),
        "uniform-noise": ("0", "0.6", "0.9"),
    },
}
"""Named sets of dropped conditions by data set. `"model-vs-human"` leaves out what is not distorted and where people's mean accuracy is
below 0.2, as the published benchmark does; `"none"` keeps everything."""


def kept(trials: Trials, dropped: Dropped) -> Trials:
    """The trials whose condition is not dropped.

    Raises:
        UnknownNameError: No set has that name.
    """
    if isinstance(dropped, str):
        if dropped not in DROPPED:
            raise UnknownNameError("set of dropped conditions", dropped, DROPPED)
        dropped = DROPPED[dropped]
    keep = np.ones(len(trials), dtype=bool)
    for dataset, conditions in dropped.items():
        keep &= ~(trials.dataset.is_in([dataset]) & trials.condition.is_in(map(plain_condition, conditions)))
    return trials if keep.all() else trials.where(keep)
