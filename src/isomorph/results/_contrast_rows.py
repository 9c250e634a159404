"""The scores of a contrast: checked, met with what is known of the models, sorted into comparisons."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.errors import IdError, InputError, NonFiniteError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two levels of a factor in one cell (a region and a metric, say).

    Attributes:
        cell: What the cell is, by column.
        levels: The two levels.
        rows: A row a unit and subject: unit columns, `_unit`, `_subject` (where there are subjects), `_score`, `_first` (1 for the first
            level, 0 for the second), the held columns, `_stratum` (their values as one text).
    """

    cell: dict[str, Any]
    levels: tuple[str, str]
    rows: pd.DataFrame


def read_metadata(metadata: pd.DataFrame | Mapping[str, Any], columns: Sequence[str], models: Sequence[str]) -> pd.DataFrame:
    """What is known of each of `models` in `columns`, as texts.

    Raises:
        UnknownNameError: There is no such column.
        IdError: A model has no row, or two.
        InputError: A model's value is missing.
    """
    import pandas as pd

    if isinstance(metadata, Mapping):
        plain = {key: dict(each) if isinstance(each, Mapping) else dataclasses.asdict(each) for key, each in metadata.items()}
        table = pd.DataFrame.from_dict(plain, orient="index")
    else:
        table = metadata.set_index("model") if "model" in metadata.columns else metadata
    table = table.set_axis(table.index.astype(str), axis="index")
    for column in columns:
        if column not in table.columns:
            raise UnknownNameError("column of the metadata", column, map(str, table.columns))
    unknown = [each for each in models if each not in table.index]
    if unknown:
        raise IdError(f"the metadata has no row for {len(unknown)} of {len(models)} models; the first is {unknown[0]!r}.")
    doubled = table.index[table.index.duplicated()]
    if len(doubled):
        raise IdError(f"the metadata has more than one row for {doubled[0]!r}; models must stand once.")
    known = table.loc[list(models), list(columns)]
    for column in columns:
        missing = known.index[known[column].isna() | (known[column].astype(str) == "")]
        if len(missing):
            raise InputError(
                f"the metadata does not say {column!r} of {len(missing)} of {len(known)} models; the first is {missing[0]!r}. "
                "Fill it in, or leave these models out of the table."
            )
    return known.astype(str)


def read_scores(table: pd.DataFrame, *, score: str, by: Sequence[str], unit: Sequence[str]) -> pd.DataFrame:
    """The rows of `table` with `_unit`, `_subject` and `_score`; each unit stands once a cell and subject.

    Raises:
        UnknownNameError: A column is missing.
        NonFiniteError: A score is NaN.
        InputError: There are no rows, or a unit stands twice.
    """
    if not len(table):
        raise InputError("the table of scores is empty.")
    for column in (*unit, *by, score):
        if column not in table.columns:
            raise UnknownNameError("column of the table", column, map(str, table.columns))
    if "model" not in unit:
        raise InputError(f"a unit is a model, or a part of one: unit must hold 'model'; got {tuple(unit)!r}.")
    rows = table.copy()
    rows["_score"] = rows[score].astype(float)
    bad = rows.index[~np.isfinite(rows["_score"])]
    if len(bad):
        raise NonFiniteError(
            f"the column {score!r} has {len(bad)} of {len(rows)} values that are NaN or infinite; the first is of "
            f"{rows.loc[bad[0], 'model']!r}. Leave these rows out: table[table[{score!r}].notna()]."
        )
    rows["_unit"] = rows[list(unit)].astype(str).agg(" · ".join, axis=1)
    rows["_subject"] = rows["subject"].astype(str) if "subject" in rows.columns and "subject" not in by else ""
    keys = [*by, "_unit", "_subject"]
    doubled = rows.duplicated(keys, keep=False)
    if doubled.any():
        first = rows[doubled].iloc[0]
        many = int((rows[keys] == first[keys]).all(axis=1).sum())
        where = ", ".join(f"{column} {first[column]!r}" for column in by)
        raise InputError(
            f"{first['_unit']!r} has {many} rows for {where or 'the whole table'}; a contrast takes one. Choose a layer first (BrainScores"
            ".chosen(), or the rows of Results.table that are best_on_same_data), or name what tells rows apart in by=… or unit=…."
        )
    return rows


def comparisons(
    rows: pd.DataFrame, known: pd.DataFrame, factor: str, levels: Sequence[str] | None, *, hold: Sequence[str], by: Sequence[str]
) -> Iterator[Comparison]:
    """Every two levels of the factor in every cell.

    Raises:
        UnknownNameError: No model has such a level.
        InputError: There is one level only, or a cell lacks a level.
    """
    present = list(dict.fromkeys(known[factor]))
    for each in levels or ():
        if str(each) not in present:
            raise UnknownNameError(f"level of {factor!r}", str(each), present)
    wanted = [str(each) for each in levels] if levels else present
    if len(set(wanted)) < 2:
        raise InputError(f"a contrast needs two levels of {factor!r}; all {len(known)} models have {wanted[0]!r}.")
    met, of_rows = rows.copy(), known.loc[rows["model"].astype(str).tolist()]
    met["_level"] = of_rows[factor].to_numpy()
    for column in hold:
        met[column] = of_rows[column].to_numpy()
    met["_stratum"] = met[list(hold)].agg(" · ".join, axis=1) if hold else ""
    for cell, part in met.groupby(list(by), sort=False, dropna=False) if by else [((), met)]:
        named = dict(zip(by, cell, strict=True))
        for first, second in combinations(wanted, 2):
            chosen = part[part["_level"].isin((first, second))]
            for level in (first, second):
                if not (chosen["_level"] == level).any():
                    where = ", ".join(f"{column} {value!r}" for column, value in named.items())
                    raise InputError(f"no model of the level {level!r} of {factor!r} has a score for {where}.")
            yield Comparison(named, (first, second), chosen.assign(_first=(chosen["_level"] == first).astype(float)))
