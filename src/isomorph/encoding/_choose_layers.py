"""The best layer of each model, chosen on one side of the split and reported on the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from isomorph.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import pandas

BY = ("model", "metric", "region", "subject")


def choose_layers(
    table: pandas.DataFrame,
    *,
    by: Sequence[str] = BY,
    criterion: Mapping[str, Any] | None = None,
    report: Mapping[str, Any] | None = None,
    filters: Mapping[str, Any] | None = None,
) -> pandas.DataFrame:
    """Of each group of rows the layer with the largest score among rows that meet `criterion`, as the row of it that meets `report`.

    A layer that is chosen by the score it is reported with looks better than it is; chosen on train and reported on test it does not. Of
    layers with equal scores the first is taken. Layers without a score (NaN) are never chosen.

    Args:
        table: As `BrainScores.table`; at least `layer`, `score` and the columns that are named here.
        by: One layer is chosen for each combination of these.
        criterion: Of each column what rows are chosen by; None: `{"split": "train"}`.
        report: Of each column what rows are reported; None: `{"split": "test"}`.
        filters: Rows to choose from: of each column a value, a collection of values, or a function of the column that says which:
            `{"depth": lambda depth: depth >= 0.5}`.

    Returns:
        The rows that were chosen, with `chosen_by`: the score that they were chosen by.

    Raises:
        UnknownNameError: A column is missing.
        InputError: Nothing meets the criterion.

    Example:
        >>> import pandas
        >>> table = pandas.DataFrame({"layer": ["a", "b"] * 2, "split": ["train"] * 2 + ["test"] * 2, "score": [0.1, 0.3, 0.5, 0.2]})
        >>> choose_layers(table, by=())[["layer", "score", "chosen_by"]].values.tolist()
        [['b', 0.2, 0.3]]
    """
    by, criterion, report = list(by), criterion or {"split": "train"}, report or {"split": "test"}
    for name in ("layer", "score", *by, *criterion, *report, *(filters or {})):
        if name not in table:
            raise UnknownNameError("column of scores", str(name), map(str, table.columns))
    allowed = _matching(table, filters or {})
    candidates = _matching(allowed, criterion).dropna(subset=["score"])
    if candidates.empty:
        raise InputError(f"no layer has a score with {_said(criterion)}{f' and {_said(filters)}' if filters else ''}.")
    best = candidates.groupby(by, sort=False, dropna=False)["score"].idxmax() if by else [candidates["score"].idxmax()]
    keys = [*by, "layer"] if "model" in by or "model" not in table else [*by, "model", "layer"]
    chosen = candidates.loc[best, [*keys, "score"]].rename(columns={"score": "chosen_by"})
    return chosen.merge(_matching(table, report), on=keys, how="left")[[*table.columns, "chosen_by"]]


def marked_best(table: pandas.DataFrame) -> pandas.DataFrame:
    """With `best_on_train`: whether the layer has its model's best train score; of layers with equal ones the first."""
    train = table[table["split"] == "train"].dropna(subset=["score"])
    best = train.loc[train.groupby(list(BY), sort=False)["score"].idxmax(), [*BY, "layer"]]
    chosen = set(best.itertuples(index=False, name=None))
    return table.assign(best_on_train=[row in chosen for row in table[[*BY, "layer"]].itertuples(index=False, name=None)])


def _matching(table: pandas.DataFrame, wanted: Mapping[str, Any]) -> pandas.DataFrame:
    for name, value in wanted.items():
        column = table[name]
        if callable(value):
            table = table[value(column)]
        elif isinstance(value, Collection) and not isinstance(value, str):
            table = table[column.isin(list(value))]
        else:
            table = table[column == value]
    return table


def _said(wanted: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {'as asked' if callable(value) else f'= {value!r}'}" for name, value in wanted.items())
