"""How sure means of scores over subjects are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.encoding._encode_tally import t_quantile

if TYPE_CHECKING:
    import pandas

    from isomorph.encoding._brain_scores import BrainScores

CELL = ("model", "layer", "metric", "region", "subject")


def half_widths(scores: BrainScores, table: pandas.DataFrame, group: IntArray) -> FloatArray:
    """Half the intervals `[group]` of the mean score of each group of rows, one a subject; NaN where none has a score.

    Over stimuli, which all subjects share: on test from how much each stimulus has to do with the mean, where that is known; else the mean
    of the rows' own, which is too wide.

    Args:
        scores: Whose contributions and coverage.
        table: Rows of its table.
        group: `[row]`: 0, 1 …; rows of a group are of one side of the split.
    """
    scored, own = table["score"].notna().to_numpy(), ((table["high"] - table["low"]) / 2).to_numpy(dtype=np.float64)
    size, there = int(group.max()) + 1, scored & np.isfinite(own)
    with np.errstate(invalid="ignore"):
        result = np.bincount(group[there], own[there], size) / np.bincount(group[there], minlength=size)
    counts, known = np.bincount(group[scored], minlength=size), np.zeros(size, dtype=int)
    sums: dict[int, FloatArray] = {}
    degrees = {}
    columns = zip(group, scored & (table["split"] == "test").to_numpy(), table["n_stimuli"], *(table[name] for name in CELL), strict=True)
    for place, wanted, stimuli, *cell in columns:
        found = scores.contributions.get((*cell,)) if wanted else None
        if found is not None:
            known[place] += 1
            sums[place], degrees[place] = sums.get(place, 0.0) + found.astype(np.float64), int(stimuli) - 1
    for place, total in sums.items():
        if known[place] == counts[place]:
            result[place] = t_quantile(degrees[place], scores.level) * float(np.sqrt(((total / counts[place]) ** 2).sum()))
    return np.asarray(result)
