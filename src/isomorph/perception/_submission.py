"""The exchange format of VisAlign's leaderboard: one JSON object, file name → 11 numbers or null."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isomorph.errors import FileError, InputError
from isomorph.perception._answers import Answers

VISALIGN_OUTCOMES = ("tiger", "zebra", "camel", "giraffe", "elephant", "rhino", "gorilla", "bear", "kangaroo", "human", "abstain")
"""VisAlign's ten classes and abstaining, in the order of every one of its files."""


def read_submission(path: Path | str, *, names: Sequence[str] | None = None) -> Answers:
    """A submission: each file name's 11 numbers ≥ 0 (of any sum > 0; shares are formed) or null, which is full abstention.

    `given` keeps the numbers as they stand there (a row of NaN for null), so that `write_submission` gives them back.

    Args:
        path: The JSON file.
        names: The file names of the test set: none may be missing, none be added.

    Raises:
        FileError: It is no JSON object of lists, or a name stands twice.
        InputError: An image has other than 11 finite numbers ≥ 0 with a positive sum, or is missing or unknown; it is named.
    """
    path = Path(path)
    rows = _rows(path)
    if names is not None:
        check_names(rows, names, what=str(path))
    if not rows:
        raise FileError(f"{path} holds no image.")
    width = len(VISALIGN_OUTCOMES)
    given = np.array([_numbers(path, name, row) for name, row in rows.items()])
    null = np.isnan(given[:, 0])
    shares = np.where(null[:, None], np.eye(width)[-1], given)
    return Answers(
        ids=tuple(rows), outcomes=VISALIGN_OUTCOMES, probabilities=shares / shares.sum(axis=1, keepdims=True), abstain="abstain",
        given=given, subject=path.stem, provenance=path.name,
    )  # fmt: skip


def write_submission(answers: Answers, path: Path | str, *, names: Sequence[str] | None = None) -> None:
    """Write answers as a submission: the numbers that were `given` to them, else their probabilities.

    Args:
        answers: Answers over `VISALIGN_OUTCOMES`, in that order.
        path: The JSON file to write.
        names: The file names of the test set, to be sure that none is missing.

    Raises:
        InputError: The outcomes are others or in another order; or an image is missing or unknown.
    """
    if answers.outcomes != VISALIGN_OUTCOMES:
        wrong = [f"{a!r} where {b!r} belongs" for a, b in zip(answers.outcomes, VISALIGN_OUTCOMES, strict=False) if a != b]
        detail = wrong[0] if wrong else f"{len(answers.outcomes)} outcomes where 11 belong"
        raise InputError(f"a submission has the outcomes {', '.join(VISALIGN_OUTCOMES)}, in this order; these answers have {detail}.")
    if names is not None:
        check_names(answers.ids, names, what=answers.subject or "the answers")
    values = answers.probabilities if answers.given is None else answers.given
    rows = {name: None if np.isnan(row[0]) else row.tolist() for name, row in zip(answers.ids, values, strict=True)}
    Path(path).write_text(json.dumps(rows, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def check_names(found: Any, names: Sequence[str], *, what: str) -> None:
    """Raise `InputError` that lists what is missing and what is unknown unless `found` are exactly `names`."""
    wanted, there = dict.fromkeys(names), dict.fromkeys(found)
    missing, unknown = [each for each in wanted if each not in there], [each for each in there if each not in wanted]
    if missing or unknown:
        parts = [f"{len(each)} {word}: {_some(each)}" for each, word in ((missing, "missing"), (unknown, "unknown")) if each]
        raise InputError(f"{what} does not hold the {len(names)} images of the test set: {'; '.join(parts)}.")


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (" …" if len(names) > 5 else "")


def _rows(path: Path) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) < len(pairs):
            keys = [key for key, _ in pairs]
            raise FileError(f"{path} holds the image {next(key for key in keys if keys.count(key) > 1)!r} twice.")
        return table

    try:
        table = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)
    except FileError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(f"{path} cannot be read as a JSON file: {error}.") from error
    if not isinstance(table, dict):
        raise FileError(f"{path} holds a {type(table).__name__}; a submission is one JSON object, file name → 11 numbers or null.")
    return table


def _numbers(path: Path, name: str, row: Any) -> list[float]:
    width = len(VISALIGN_OUTCOMES)
    if row is None:
        return [math.nan] * width
    if not isinstance(row, list) or len(row) != width:
        what = f"{len(row)} entries" if isinstance(row, list) else f"{row!r:.40}"
        raise InputError(f"{path}: the image {name!r} has {what}; it needs 11 numbers ({', '.join(VISALIGN_OUTCOMES)}) or null.")
    for outcome, value in zip(VISALIGN_OUTCOMES, row, strict=True):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e300:  # NaN fails, too
            raise InputError(f"{path}: the image {name!r} has {value!r:.40} for {outcome!r}; a finite number of 0 or more is needed.")
    if sum(row) <= 0:
        raise InputError(f"{path}: the image {name!r} has nothing but zeros; write null for full abstention.")
    return [float(each) for each in row]
