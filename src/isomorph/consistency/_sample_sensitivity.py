"""Are there enough stimuli? How much similarities still move as more are added."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.consistency._similarities import Similarities
from isomorph.errors import InputError

if TYPE_CHECKING:
    import pandas


def sample_sensitivity(steps: Mapping[int, Similarities]) -> pandas.DataFrame:
    """How much similarities change from one number of stimuli to the next.

    Args:
        steps: Number of stimuli → similarities from so many, of the same models, data sets and measures (of each step those that the
            next one has too are used).

    Returns:
        pandas.DataFrame: One row a measure, data set and step: `measure, dataset, n_from, n_to, mean, median, sd, largest, model_pairs`
        of the absolute difference between S at n_to and at n_from over pairs of models that both have.

    Raises:
        InputError: There are fewer than two steps, or two have nothing in common.

    Example:
        >>> import numpy as np
        >>> def at(offset):
        ...     return Similarities(np.full((1, 1, 3, 3), offset), ("a",), ("cka",), ("f", "g", "h"))
        >>> sample_sensitivity({100: at(0.5), 1000: at(0.75)})["mean"].tolist()
        [0.25]
    """
    import pandas

    if len(steps) < 2:
        raise InputError(f"sensitivity to the number of stimuli needs at least 2 numbers of them; got {len(steps)}.")
    rows: list[dict[str, Any]] = []
    for n_from, n_to in pairwise(sorted(steps)):
        before, after = steps[n_from], steps[n_to]
        shared: dict[str, list[str]] = {
            axis: [each for each in getattr(before, axis) if each in getattr(after, axis)] for axis in ("datasets", "measures", "models")
        }
        if not all(shared.values()) or len(shared["models"]) < 2:
            raise InputError(f"the similarities at n={n_from} and n={n_to} share no two models on one data set by one measure.")
        moved = np.abs(after.take(**shared).values - before.take(**shared).values)
        first, second = np.triu_indices(len(shared["models"]), 1)
        for k, measure in enumerate(shared["measures"]):
            for d, dataset in enumerate(shared["datasets"]):
                change = moved[d, k, first, second]
                change = change[~np.isnan(change)]
                if len(change):
                    rows.append(
                        {
                            "measure": measure,
                            "dataset": dataset,
                            "n_from": n_from,
                            "n_to": n_to,
                            "mean": change.mean(),
                            "median": np.median(change),
                            "sd": change.std(),
                            "largest": change.max(),
                            "model_pairs": len(change),
                        }
                    )
    columns = ["measure", "dataset", "n_from", "n_to", "mean", "median", "sd", "largest", "model_pairs"]
    return pandas.DataFrame(rows, columns=columns).sort_values(["measure", "dataset", "n_from"], kind="stable", ignore_index=True)
