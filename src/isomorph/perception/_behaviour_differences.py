"""Is one model more like people than another, over the same images and people?"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from isomorph.errors import InputError
from isomorph.inference import correct_p_values, interval
from isomorph.perception._behaviour_table import STATISTICS, behaviour_replicates
from isomorph.perception._dropped import Dropped
from isomorph.perception._trials import Trials

if TYPE_CHECKING:
    import pandas


def behaviour_differences(
    trials: Trials,
    *,
    dropped: Dropped = "model-vs-human",
    replicates: int = 1000,
    resample: Literal["images", "people", "both"] = "both",
    correction: Literal["holm", "fdr_bh", "bonferroni"] = "holm",
    level: float = 0.95,
    seed: int = 0,
) -> pandas.DataFrame:
    """The numbers of `behaviour_table` of each pair of models, and of each model and people among themselves, as paired differences.

    Every replicate draws the same images and people for both, so that what is hard for both cancels out.

    Args:
        trials: Trials of models and people on the same images.
        dropped: Which conditions do not count.
        replicates: Bootstrap replicates, 1 or more.
        resample: What is drawn: images, people or both.
        correction: For the number of pairs, within each statistic.
        level: The intervals' coverage.
        seed: The bootstrap's.

    Returns:
        `statistic`, `first`, `second`, `difference` (first − second), `low`, `high`, `p` (two-sided: twice the smaller share of replicates
        on one side of zero), `p_corrected`. What one person alone has not, such as κ among people, is NaN throughout.

    Raises:
        InputError: There is no model, or no replicate is asked for.
    """
    import pandas

    if replicates < 1:
        raise InputError("differences are judged by their bootstrap; replicates must be 1 or more.")
    _, names, values = behaviour_replicates(trials, dropped=dropped, replicates=replicates, resample=resample, level=level, seed=seed)
    if len(names) < 2:
        raise InputError("there is no model among the subjects, and so nothing to compare with people.")
    pairs = np.array(list(combinations(range(len(names)), 2)))
    difference = values.mean(axis=0)[pairs[:, 0]] - values.mean(axis=0)[pairs[:, 1]]  # [pair, statistic, 1 + replicate]
    low, high = interval(difference[:, :, 1:].transpose(2, 0, 1), level)
    sides = np.stack([(difference[:, :, 1:] <= 0).sum(axis=2), (difference[:, :, 1:] >= 0).sum(axis=2)])
    p = np.where(np.isnan(difference[:, :, 0]), np.nan, np.minimum(2 * (1 + sides.min(axis=0)) / (1 + replicates), 1.0))
    corrected = np.full_like(p, np.nan)
    for column, own in zip(corrected.T, p.T, strict=True):
        column[~np.isnan(own)] = correct_p_values(own[~np.isnan(own)], method=correction)
    labels = np.array(names, dtype=object)
    return pandas.concat(
        [
            pandas.DataFrame({
                "statistic": statistic, "first": labels[pairs[:, 0]], "second": labels[pairs[:, 1]], "difference": difference[:, at, 0],
                "low": low[:, at], "high": high[:, at], "p": p[:, at], "p_corrected": corrected[:, at],
            })
            for at, statistic in enumerate(STATISTICS)
        ],
        ignore_index=True,
    )  # fmt: skip
