"""Levels: odd-one-out judgments of pictures at three levels of abstraction."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from isomorph.data._plain_pickle import read_plain_pickle
from isomorph.errors import FileError, IsomorphError
from isomorph.judgments._triplets import Triplets

_PATHS = ("image1Path", "image2Path", "image3Path")


def read_levels(
    path: Path | str, *, triplet_type: str | None = None, time_key: str | None = None, time_unit: str = "milliseconds"
) -> Triplets:
    """Levels' `pruned_dataset.pkl`: participant → trials, with `image1Path` … `image3Path` and `selected_image`, the odd one.

    The pickle is read as plain data: nothing in it is run. Only trials whose `exp_trial_type` is `"exp_trial"` are kept; `source` says
    how many others there were. Objects are file names, in order.

    Args:
        path: The file.
        triplet_type: Only trials of one `triplet_type`, e.g. `"class_border"`.
        time_key: The field of response times; its name is not documented, so none is read unless named.
        time_unit: `"milliseconds"` or `"seconds"`.

    Raises:
        FileError: The file is no such pickle, asks for code to be run, or a trial lacks a field.
    """
    path = Path(path)
    content = read_plain_pickle(path)
    if not isinstance(content, Mapping):
        raise FileError(f"{path} holds a {type(content).__name__}; Levels is a dict of participants, each with a list of trials.")
    rows: list[tuple[str, str, str]] = []
    people: list[str] = []
    times: list[float] = []
    others = 0
    for person, trials in content.items():
        for trial in trials if isinstance(trials, list | tuple) else _no_trials(path, person):
            if not isinstance(trial, Mapping) or trial.get("exp_trial_type", "exp_trial") != "exp_trial":
                others += 1
            elif triplet_type is None or trial.get("triplet_type") == triplet_type:
                rows.append(_odd_last(path, person, trial))
                people.append(str(person))
                if time_key is not None:
                    times.append(_time(path, person, trial, time_key) / (1000 if time_unit == "milliseconds" else 1))
    if not rows:
        raise FileError(f"{path} holds no trials{f' of the type {triplet_type!r}' if triplet_type else ''}.")
    objects, inverse = np.unique(np.array(rows), return_inverse=True)
    try:
        return Triplets(
            items=inverse.reshape(-1, 3).astype(np.int32), objects=tuple(objects.tolist()), participants=tuple(people),
            response_times=np.array(times) if time_key else None, source=f"{path.name}, levels; {others} other trials left out",
        )  # fmt: skip
    except IsomorphError as error:
        raise type(error)(f"{path}: {error}") from error


def _no_trials(path: Path, person: Any) -> Any:
    raise FileError(f"{path}: the participant {person!r} has no list of trials.")


def _odd_last(path: Path, person: Any, trial: Mapping[str, Any]) -> tuple[str, str, str]:
    missing = [each for each in (*_PATHS, "selected_image") if not isinstance(trial.get(each), str)]
    if missing:
        raise FileError(f"{path}: a trial of {person!r} has no text {missing[0]!r}.")
    shown = [PurePosixPath(trial[each]).name for each in _PATHS]
    odd = PurePosixPath(trial["selected_image"]).name
    if odd not in shown:
        raise FileError(f"{path}: {person!r} selected {odd!r}, but was shown {', '.join(map(repr, shown))}.")
    at = shown.index(odd)
    first, second = (each for place, each in enumerate(shown) if place != at)
    return first, second, odd


def _time(path: Path, person: Any, trial: Mapping[str, Any], key: str) -> float:
    if key not in trial:
        raise FileError(f"{path}: a trial of {person!r} has no field {key!r}; it has {', '.join(map(repr, trial))}.")
    try:
        return float(trial[key])
    except (TypeError, ValueError):
        return float("nan")
