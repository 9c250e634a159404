"""Which of two materials looks more like a reference: the crowd's votes of Lagunas et al."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from isomorph import data
from isomorph.arrays import IntArray
from isomorph.errors import FileError, InputError
from isomorph.judgments._numbered import Objects, numbered_triplets
from isomorph.judgments._triplets import Triplets

MATERIALS = 100


def read_material_appearance(
    path: Path | str, *, objects: Objects = MATERIALS, votes: Literal["shares", "rows"] = "shares", draws: bool = True
) -> Triplets:
    """The material-appearance study's `answers_processed_train.json` or `answers_processed_test.json`: two alternatives, with votes.

    `answers` holds rows `[reference, a, b]` of materials 0 to 99, `agreement` the votes for a and for b. Column 0 of the items is the
    reference, column 1 the material that more people chose; in draws the one that stands first. The file's other lists are parts of these
    two, with a majority (`_diff`) and without (`_equal`), and are not read.

    Args:
        path: The file.
        objects: The ids of the materials, in order: the alphabetical order of the pictures' names; default `"0"` to `"99"`.
        votes: `"shares"`: one trial a triplet, with the shares of the votes as `soft`; `"rows"`: one trial a vote, as ceilings need.
        draws: Keep triplets with as many votes for a as for b; the authors train and test without them.

    Raises:
        FileError: There are no such lists, or they are not rows of whole numbers, equally many; a triplet has no votes.
        IdError: A number lies outside the materials.
        InputError: A row shows one material twice, or an option is unknown.

    References:
        Lagunas, Malpica, Serrano, Garces, Gutierrez and Masia, 2019, <https://doi.org/10.1145/3306346.3323036>.
    """
    path = Path(path)
    if votes not in ("shares", "rows"):
        raise InputError(f"votes are read as 'shares' or 'rows'; got {votes!r}.")
    content = data.read_json(path)
    if not isinstance(content, dict) or not {"answers", "agreement"} <= content.keys():
        raise FileError(f"{path} lacks the lists 'answers' and 'agreement', which the material-appearance study's files have.")
    answers, counts = _rows(path, content, "answers", 3), _rows(path, content, "agreement", 2)
    if len(answers) != len(counts):
        raise FileError(f"{path} has {len(answers):,} answers but {len(counts):,} rows of agreement; each triplet has its votes.")
    bad = np.flatnonzero((counts < 0).any(axis=1) | (counts.sum(axis=1) == 0))
    if len(bad):
        raise FileError(f"{path}: agreement holds the votes for both alternatives; row {bad[0]} has {counts[bad[0]].tolist()}.")
    if not draws:
        decided = counts[:, 0] != counts[:, 1]
        if not decided.any():
            raise FileError(f"{path} holds {len(counts):,} triplets, all of them draws, which draws=False leaves out.")
        answers, counts = answers[decided], counts[decided]
    source = f"{path.name}, material-appearance"
    swapped = counts[:, 1] > counts[:, 0]
    answers[swapped] = answers[swapped][:, [0, 2, 1]]
    counts = np.sort(counts, axis=1)[:, ::-1]
    parts: dict[str, Any] = {"task": "two-alternative", "source": source}
    if votes == "rows":
        both = np.stack([answers, answers[:, [0, 2, 1]]], axis=1).reshape(-1, 3)
        return numbered_triplets(path, np.repeat(both, counts.ravel(), axis=0), (0, 1, 2), objects, 0, **parts)
    shares = np.column_stack([counts / counts.sum(axis=1, keepdims=True), np.zeros(len(counts))])
    return numbered_triplets(path, answers, (0, 1, 2), objects, 0, soft=shares, **parts)


def _rows(path: Path, content: dict[str, Any], name: str, width: int) -> IntArray:
    try:
        rows = np.array(content[name])
    except ValueError:  # of different lengths
        rows = np.zeros(0, dtype=object)
    if rows.ndim != 2 or rows.shape[1] != width or not len(rows) or rows.dtype.kind not in "iu":
        raise FileError(f"{path}: {name!r} must be rows of {width} whole numbers; it holds {content[name]!r:.60}.")
    return rows.astype(np.int64)
