"""From presentations, one after the other, to stimuli with repeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    import pandas


def gather(values: FloatArray, stimuli: Sequence[str], *, order: Any = None) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Ids in the order of their first presentation, and `trials` `[stimulus, repeat, …]`, or `responses` where each was shown but once.

    Args:
        values: `[presentation, …]`.
        stimuli: What was shown.
        order: `[presentation]`: what repeats of a stimulus are sorted by; the order of the presentations unless given.
    """
    ids, row = _labels(stimuli)
    if len(ids) == len(values):
        return ids, {"responses": values}
    ranked = np.lexsort((np.arange(len(row)), row) if order is None else (np.asarray(order), row))
    counts = np.bincount(row)
    repeat = np.empty(len(row), dtype=np.int64)
    repeat[ranked] = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    trials = np.full((len(ids), counts.max(), *values.shape[1:]), np.nan, dtype=values.dtype)
    trials[row, repeat] = values
    return ids, {"trials": trials}


def of_stimuli(table: pandas.DataFrame, stimuli: Sequence[str]) -> pandas.DataFrame:
    """Of a table of presentations the columns that say the same of every presentation of a stimulus, one row a stimulus."""
    import pandas

    ids, row = _labels(stimuli)
    first = np.unique(row, return_index=True)[1]
    codes = {name: pandas.factorize(table[name])[0] for name in table.columns}
    constant = [name for name, code in codes.items() if (code == code[first][row]).all()]
    return table.iloc[first][constant].set_axis(list(ids), axis=0)


def _labels(stimuli: Sequence[str]) -> tuple[tuple[str, ...], IntArray]:
    """The names in the order of their first appearance, and the place of each among them."""
    place: dict[str, int] = {}
    row = np.array([place.setdefault(each, len(place)) for each in stimuli], dtype=np.int64)
    return tuple(place), row
