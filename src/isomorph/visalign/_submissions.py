"""Answers as submissions to the leaderboard."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from isomorph.perception import VISALIGN_OUTCOMES, Answers, write_submission
from isomorph.perception._submission import check_names
from isomorph.store._atomic import make_folder


def submit(answers: Answers, path: Path | str, names: Sequence[str]) -> Path:
    """Write answers as VisAlign's leaderboard takes them: one JSON object, file name → a number an outcome.

    Of a data set with other classes the same form is written, with a number for each of its own outcomes; the leaderboard takes its own
    900 pictures and 11 outcomes alone.

    Raises:
        InputError: A picture is missing or unknown; or the ten classes stand in another order than the leaderboard's.
    """
    path = Path(path)
    make_folder(path.parent)
    if set(answers.outcomes) == set(VISALIGN_OUTCOMES):
        write_submission(answers, path, names=names)
        return path
    check_names(answers.ids, names, what=answers.subject or "the answers")
    rows = {name: row.tolist() for name, row in zip(answers.ids, answers.probabilities, strict=True)}
    path.write_text(json.dumps(rows, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    return path
