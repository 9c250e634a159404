"""NIGHTS: which of two variations is closer to a reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isomorph.errors import FileError, IsomorphError
from isomorph.judgments._things_csv import need_columns, numbers, read_delimited
from isomorph.judgments._triplets import Triplets


def read_nights(path: Path | str, *, split: str | None = None, minimum_votes: int | None = 6) -> Triplets:
    """NIGHTS' `data.csv`: two alternatives to a reference, with the votes of many people.

    Counted from 0, column 2 is the share that chose the right picture, columns 4 to 6 are the paths of reference, left and right; `votes`
    and `split` are found by name.

    Column 0 of the items is the reference, column 1 the picture that more people chose; `soft` holds the shares, so that scores are the
    expected share of people that agree. Of a draw the left one stands first.

    Args:
        path: The file.
        split: Only rows of this split: `"train"`, `"val"` or `"test"`.
        minimum_votes: Only rows with at least so many votes (6 as the authors' loader has it); None for all.

    Raises:
        FileError: A column is missing, or a share lies outside 0 … 1.
    """
    path = Path(path)
    table = read_delimited(path)
    if len(table.columns) < 7:
        raise FileError(
            f"{path} has {len(table.columns)} columns; NIGHTS has at least 7: id, …, share of right (2), …, three paths (4 to 6)."
        )
    total = len(table)
    if split is not None:
        need_columns(path, table, ("split",))
        table = table[table["split"] == split]
    if minimum_votes is not None:
        need_columns(path, table, ("votes",))
        table = table[numbers(path, table, "votes") >= minimum_votes]
    if not len(table):
        raise FileError(f"{path} holds no rows{f' of the split {split!r}' if split else ''} with at least {minimum_votes} votes.")
    share = numbers(path, table, table.columns[2])
    bad = np.flatnonzero(~((share >= 0) & (share <= 1)))
    if len(bad):
        raise FileError(
            f"{path}: the column {table.columns[2]!r} is the share of people that chose right, 0 … 1; row {bad[0]} has {share[bad[0]]}."
        )
    paths = table.iloc[:, 4:7].astype(str).to_numpy()
    right = share > 0.5
    ordered = np.where(right[:, None], paths[:, [0, 2, 1]], paths)
    chosen = np.where(right, share, 1 - share)
    objects, inverse = np.unique(ordered, return_inverse=True)
    try:
        return Triplets(
            items=inverse.reshape(-1, 3).astype(np.int32), objects=tuple(map(str, objects)), task="two-alternative",
            soft=np.stack([chosen, 1 - chosen, np.zeros(len(chosen))], axis=1),
            source=f"{path.name}, nights; {total - len(table)} of {total} rows left out",
        )  # fmt: skip
    except IsomorphError as error:
        raise type(error)(f"{path}: {error}") from error
