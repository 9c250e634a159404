"""Runs that differ in their seed alone, as one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isomorph.errors import InputError

if TYPE_CHECKING:
    import pandas


def over_seeds(table: pandas.DataFrame, *, separator: str = "/") -> pandas.DataFrame:
    """Mean and standard deviation over seeds of a table of `compare_answers` (or any with the columns `model` and `value`).

    Args:
        table: One row a run, metric and group; runs are called `<model><separator><seed>`, such as `"vit_30_16/msp/45"`.
        separator: What stands before the seed, its last appearance in a name.

    Returns:
        `model`, the other columns that say what a row is about (`metric`, `group`), `mean`, `sd` (of the sample; NaN for one run), `seeds`.

    Raises:
        InputError: A name has no separator, or a run stands twice.

    Example:
        >>> import pandas
        >>> runs = pandas.DataFrame({"model": ["vit/45", "vit/46"], "group": ["1", "1"], "value": [0.2, 0.4]})
        >>> over_seeds(runs).round(3).to_dict("records")
        [{'model': 'vit', 'group': '1', 'mean': 0.3, 'sd': 0.141, 'seeds': 2}]
    """
    parts = table["model"].str.rsplit(separator, n=1, expand=True)
    if parts.shape[1] < 2 or parts[1].isna().any():
        name = table["model"].iloc[0] if parts.shape[1] < 2 else table["model"][parts[1].isna()].iloc[0]
        raise InputError(f"the run {name!r} does not say its seed; runs are called '<model>{separator}<seed>'.")
    keys = ["model", *(each for each in ("metric", "group", "dataset") if each in table)]
    runs = table.assign(model=parts[0], seed=parts[1])
    twice = runs.duplicated([*keys, "seed"])
    if twice.any():
        raise InputError(f"the run {table['model'][twice].iloc[0]!r} stands twice.")
    found = runs.groupby(keys, sort=False)["value"].agg(["mean", "std", "size"]).reset_index()
    return found.rename(columns={"std": "sd", "size": "seeds"})
