"""Tables of stimuli and of units, met by the ids of the responses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph import data
from isomorph.errors import IdError, InputError

if TYPE_CHECKING:
    import pandas

_STIMULUS = ("stimulus_id", "stimulus", "id", "ids", "name", "filename", "image", "image_name")
UNIT_COLUMNS = ("unit_id", "unit", "voxel_id", "voxel", "neuroid_id")
_SUBJECT = ("subj_id", "subject_id", "subj")
Ids = tuple[str, ...] | None


def id_column(table: pandas.DataFrame) -> Any:
    """The first of the names that a column of ids goes by; None without one."""
    lower = {str(each).lower(): each for each in reversed(table.columns)}
    return next((lower[each] for each in _STIMULUS if each in lower), None)


def join_stimuli(ids: Ids, table: pandas.DataFrame, path: Path) -> tuple[Ids, pandas.DataFrame]:
    """Ids, and the stimuli's table in their order."""
    import pandas

    if isinstance(table.index, pandas.RangeIndex):
        column = id_column(table)
        if column is None:
            return ids, table
        theirs = pandas.Index([str(each) for each in table[column]])
    else:
        theirs = pandas.Index([str(each) for each in table.index])
    if not theirs.is_unique:
        raise IdError(f"{path} has the stimulus {theirs[theirs.duplicated()][0]!r} twice. Ids must be unique.")
    table = table.set_axis(theirs)
    if ids is None:
        return tuple(theirs), table
    missing = [each for each in ids if each not in theirs]
    if missing:
        raise IdError(f"{path} lacks {len(missing)} of the {len(ids)} stimuli of the responses; the first is {missing[0]!r}.")
    return ids, table.loc[list(ids)]


def stimulus_ids(path: Path | str) -> tuple[str, ...]:
    """The ids in a table of stimuli.

    Raises:
        InputError: It has no column of ids.
        IdError: One stands twice.
    """
    ids, _ = join_stimuli(None, data.read_table(path), Path(path))
    if ids is None:
        raise InputError(f"{path} has no column of ids: {', '.join(map(repr, _STIMULUS))}.")
    return ids


def join_units(ids: Ids, table: pandas.DataFrame, path: Path) -> pandas.DataFrame:
    """The table of units in the order of the responses, if both name units; `subj_id` and the like are called `subject`.

    Raises:
        IdError: The table has some of the units, but not all, or one of them twice.
    """
    found = next((each for each in _SUBJECT if each in table), None)
    if found is not None and "subject" not in table:
        table = table.rename(columns={found: "subject"})
    column = next((each for each in UNIT_COLUMNS if each in table), None)
    if ids is None or column is None:
        return table
    theirs = [str(each) for each in table[column]]
    missing = [each for each in ids if each not in set(theirs)] if set(ids) & set(theirs) else list(ids)
    if len(missing) == len(ids):
        return table  # columns that are merely numbered, or named in another way
    if missing:
        raise IdError(f"{path} lacks {len(missing)} of the {len(ids)} units of the responses; the first is {missing[0]!r}.")
    if len(set(theirs)) != len(theirs):
        raise IdError(f"{path} has the unit {next(each for each in theirs if theirs.count(each) > 1)!r} twice. Units must be unique.")
    place = {each: row for row, each in enumerate(theirs)}
    return table.iloc[[place[each] for each in ids]].reset_index(drop=True)
