"""What a model chose, when its largest similarity is not alone."""

from __future__ import annotations

from functools import reduce
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray

Ties = Literal["split", "chance", "wrong", "right", "alignet", "glocal", "vice", "dreamsim"]
TIES = get_args(Ties)


def choices(similarities: FloatArray, posterior: FloatArray, ties: Ties) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """What share of each trial's choice every pair gets, and whether the largest similarity was shared.

    A trial whose largest similarity is shared:

    - `"split"`: the tied pairs share the choice equally: what a coin among them earns on average
    - `"chance"`: counts as a guess among all pairs
    - `"wrong"`, `"alignet"`: is wrong
    - `"right"`, `"dreamsim"`: is right if the people's pair is among the tied
    - `"glocal"`: of two the first (01 before 02 before 12) is chosen; three are wrong
    - `"vice"`: is wrong, and so is any trial with two equal similarities, or with equal probabilities after rounding to 2 decimals

    Args:
        similarities: `[pair, trial]`; three pairs, or two where the third was not asked about.
        posterior: `[pair, trial]`: the probabilities of the pairs; `"vice"` looks at them.
        ties: The policy.

    Returns:
        `[pair, trial]` and `[trial]`.
    """
    top = similarities == reduce(np.maximum, similarities)
    count = reduce(np.add, top.view(np.int8))
    tied = count > 1
    chosen = top.astype(np.float64)
    if not tied.any() and ties != "vice":
        return chosen, tied
    if ties == "split":
        chosen /= count
    elif ties == "chance":
        chosen[:, tied] = 1 / len(similarities)
    elif ties in ("wrong", "alignet"):
        chosen[:, tied] = 0
    elif ties == "glocal":
        chosen[:, tied] = np.cumsum(np.cumsum(top[:, tied], axis=0), axis=0) == 1
        chosen[:, count == 3] = 0
    elif ties == "vice":
        rounded = posterior.round(2)
        equal = similarities[0] == similarities[1]
        if len(similarities) == 3:
            equal |= (similarities[0] == similarities[2]) | (similarities[1] == similarities[2])
        chosen[:, equal | (rounded == rounded[0]).all(axis=0)] = 0
    return chosen, tied
