"""Which trials show the same three objects."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isomorph.judgments._triplets import Triplets


def groups_of(triplets: Triplets) -> npt.NDArray[np.intp]:
    """`[trial]`: the number of its set of objects (two alternatives: of its reference and the set of the others)."""
    if not len(triplets):
        return np.zeros(0, dtype=np.intp)
    ordered = _ordered(triplets)
    n = len(triplets.objects)
    keys = (ordered[:, 0] * n + ordered[:, 1]) * n + ordered[:, 2] if n < 2_000_000 else ordered
    return np.asarray(np.unique(keys, axis=0, return_inverse=True)[1].ravel(), dtype=np.intp)


def choice_counts(triplets: Triplets) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    """The group of each trial, which of its group's answers it gave, and the counts `[group, answer]`.

    Answer a is that the a-th of the group's objects, in the order of their numbers, is the odd one (two alternatives: was not chosen).
    """
    group = groups_of(triplets)
    ordered = _ordered(triplets)
    answer = (ordered == triplets.items[:, 2:]).argmax(axis=1) - (1 if triplets.task == "two-alternative" else 0)
    answers = 2 if triplets.task == "two-alternative" else 3
    groups = int(group.max(initial=-1)) + 1
    counts = np.bincount(group * answers + answer, minlength=groups * answers).reshape(groups, answers)
    return group, answer, counts


def _ordered(triplets: Triplets) -> npt.NDArray[np.int64]:
    items = triplets.items.astype(np.int64)
    if triplets.task == "two-alternative":
        items[:, 1:] = np.sort(items[:, 1:], axis=1)
        return items
    return np.sort(items, axis=1)
