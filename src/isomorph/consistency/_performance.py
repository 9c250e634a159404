"""How well each model does on each data set, from a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from isomorph import data
from isomorph.arrays import FloatArray
from isomorph.errors import IdError, InputError


def load_performance(path: Path | str, *, datasets: Sequence[str], models: Sequence[str], column: str | None = None) -> FloatArray:
    r"""Read a long table of performances: one row a data set and model, or several (seeds, folds), which are averaged.

    Args:
        path: A `.csv`, `.tsv` or `.parquet` file with the columns `dataset`, `model` and numbers.
        datasets: Whose rows are wanted, in the order of the result.
        models: Likewise.
        column: Which numbers; needed where there are several columns of them.

    Returns:
        `[dataset, model]`, NaN where the table has no row: as `Similarities(performance=…)` takes it.

    Raises:
        InputError: A column is not there, or it is not clear which holds the numbers.
        IdError: No row is of these data sets and models.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "x.csv").write_text("dataset,model,accuracy\npets,vgg,0.8\npets,vit,0.7\npets,vit,0.9\n")
        ...     load_performance(f"{folder}/x.csv", datasets=["pets"], models=["vit", "vgg", "mae"]).round(2).tolist()
        [[0.8, 0.8, nan]]
    """
    from pandas.api.types import is_numeric_dtype

    table = data.read_table(path)
    numbers = [str(name) for name in table.columns if name not in ("dataset", "model") and is_numeric_dtype(table[name])]
    if column is None and len(numbers) == 1:
        column = numbers[0]
    for name in ("dataset", "model", *([column] if column else [])):
        if name not in table.columns:
            raise InputError(f"{path} has no column {name!r}; it has {', '.join(repr(str(each)) for each in table.columns)}.")
    if column is None:
        listed = ", ".join(map(repr, numbers)) or "none"
        raise InputError(f"{path} must have one column of numbers beside 'dataset' and 'model', or name it with column=…; it has {listed}.")
    means = table.groupby([table["dataset"].astype(str), table["model"].astype(str)])[column].mean()
    found = np.array([[float(means.get((dataset, model), np.nan)) for model in models] for dataset in datasets])
    if np.isnan(found).all():
        raise IdError(
            f"{path} has no row for any of these data sets and models; it begins with {str(table['dataset'].iloc[0])!r} and "
            f"{str(table['model'].iloc[0])!r}, wanted are {datasets[0]!r} and {models[0]!r}. Names must be equal on both sides."
            if len(table)
            else f"{path} has no rows."
        )
    return found
