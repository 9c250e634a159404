"""Multi-arrangement data as Meadows writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from isomorph import data
from isomorph.errors import FileError, IsomorphError
from isomorph.geometry import RDM


def read_meadows(path: Path | str) -> dict[str, RDM]:
    """Dissimilarities from arrangements of many things at once: Meadows' `.mat` (one person or many) or `.json` (one person, all tasks).

    `.mat` holds `rdmutv` and `stimuli`, or `rdmutv_NAME` and `stimuli_NAME` for each person; `.json` a list of `tasks`, of which those with
    the type `multiarrange` count. Stimuli are called by their file names without suffix.

    Returns:
        An RDM for each person (`.mat`; the file's stem where there is one) or task (`.json`), each with its own stimuli in the order of
        the file.

    Raises:
        FileError: The file holds no arrangement, or another number of dissimilarities than its stimuli make.
    """
    path = Path(path)
    found = _of_json(path) if path.suffix.lower() == ".json" else _of_mat(path)
    if not found:
        raise FileError(f"{path} holds no multi-arrangement: no variable rdmutv…, and no task of the type multiarrange.")
    rdms = {}
    for name, (values, stimuli) in found.items():
        ids = tuple(PurePosixPath(str(each).strip()).stem for each in stimuli)
        try:
            rdms[name] = RDM(np.asarray(values, dtype=np.float64).ravel(), ids, "multi-arrangement", subject=name)
        except (IsomorphError, ValueError, TypeError) as error:
            raise FileError(f"{path}: {name!r} cannot be read as dissimilarities: {error}") from error
    return rdms


def _of_mat(path: Path) -> dict[str, tuple[Any, Any]]:
    from isomorph.data import read_mat

    content = read_mat(path)
    found: dict[str, tuple[Any, Any]] = {}
    for name, values in content.items():
        if name == "rdmutv" or name.startswith("rdmutv_"):
            person = name.removeprefix("rdmutv").lstrip("_")
            stimuli = content.get(f"stimuli_{person}" if person else "stimuli", content.get("stimuli"))
            if stimuli is None:
                raise FileError(f"{path} has {name!r} but no stimuli for it; it has {', '.join(map(repr, content))}.")
            found[person.replace("_", "-") or path.stem] = (values, np.atleast_1d(stimuli))
    return found


def _of_json(path: Path) -> dict[str, tuple[Any, Any]]:
    content = data.read_json(path)
    tasks = content.get("tasks") if isinstance(content, Mapping) else None
    if not isinstance(tasks, list):
        raise FileError(f"{path} has no list of tasks; Meadows' files of one person, all tasks, have.")
    found: dict[str, tuple[Any, Any]] = {}
    for number, task in enumerate(tasks):
        about = task.get("task", {}) if isinstance(task, Mapping) else {}
        if not isinstance(about, Mapping) or about.get("task_type") != "multiarrange":
            continue
        try:
            values, stimuli = task["rdm"], [each["name"] for each in task["stimuli"]]
        except (KeyError, TypeError) as error:
            raise FileError(f"{path}: task {number} lacks its 'rdm' or the names of its 'stimuli'.") from error
        name = str(about.get("name", f"task {number}"))
        found[name if name not in found else f"{name} ({number})"] = (values, stimuli)
    return found
