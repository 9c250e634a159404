"""The ceiling of every unit of a recording."""

from __future__ import annotations

from typing import Literal

import numpy as np

from isomorph.brains._ceiling import Doubles, leave_one_subject_out, ncsnr, ncsnr_ceiling, split_half_reliability
from isomorph.brains._recording import Recording
from isomorph.brains._units import ncsnr_column, subjects_of
from isomorph.errors import InputError, ShapeError, UnknownNameError

Method = Literal["ncsnr", "split-half", "leave-one-subject-out"]


def unit_ceilings(recording: Recording, method: Method = "ncsnr", *, splits: int = 20, seed: int = 0) -> Doubles:
    """The largest correlation that a model can be expected to have with each unit's mean responses.

    An estimate: of weak units it is uncertain and low on average, as roots are (0.38 in place of 0.42 for an ncsnr of 0.3 from 100 stimuli
    with two or three repeats), so that scores divided by it are too high.

    Args:
        recording: The responses, with trials or a table that has `ncsnr`.
        method: `"ncsnr"`: `ncsnr_ceiling` of the table's `ncsnr` if it has one, else of what trials say. `"split-half"`: the root of
            `split_half_reliability`, 0 where that is negative. `"leave-one-subject-out"`: the mean over subjects of how well the others'
            mean foretells each, for subjects whose units correspond one by one, in the same order (a lower bound, and an r as it is).
        splits: Of split halves.
        seed: Of split halves.

    Returns:
        `[unit]` or `[unit, time]`.

    Raises:
        InputError: There is neither what the method needs.
        ShapeError: Subjects have different numbers of units, or stimuli too few repeats.

    Example:
        >>> trials = np.random.default_rng(0).normal(size=(200, 1, 5)) + np.random.default_rng(1).normal(size=(200, 4, 5))
        >>> recording = Recording(ids=tuple(map(str, range(200))), trials=trials)
        >>> bool(abs(unit_ceilings(recording).mean() - (4 / 5) ** 0.5) < 0.03)
        True
    """
    if method == "ncsnr":
        return _from_ncsnr(recording)
    if method == "split-half":
        if recording.trials is None:
            raise InputError("split halves need trials, and the recording holds only means over repeats.")
        return np.sqrt(np.maximum(0.0, split_half_reliability(recording.trials, splits=splits, seed=seed)))
    if method == "leave-one-subject-out":
        return _from_other_subjects(recording)
    raise UnknownNameError("ceiling", str(method), ("ncsnr", "split-half", "leave-one-subject-out"))


def _from_ncsnr(recording: Recording) -> Doubles:
    known = "ncsnr" in recording.units
    if recording.trials is None and not known:
        raise InputError("a ceiling from ncsnr needs trials, or a column 'ncsnr' in the table of units; the recording has neither.")
    if recording.repeats is None:
        raise InputError("a ceiling from ncsnr needs to know of how many repeats responses are the mean: Recording(…, repeats=3).")
    if not known and recording.trials is not None:
        ratio = ncsnr(recording.trials)
        repeats = recording.repeats
        if ratio.ndim == 2:  # one ratio a time
            return ncsnr_ceiling(ratio.T, repeats).T
        return ncsnr_ceiling(ratio, repeats)
    ceiling = ncsnr_ceiling(ncsnr_column(recording.units), recording.repeats)
    times = recording.responses.shape[2:]
    return np.repeat(ceiling[:, None], times[0], axis=1) if times else ceiling


def _from_other_subjects(recording: Recording) -> Doubles:
    whose = np.array(subjects_of(recording.units), dtype=object)
    columns = [np.flatnonzero(whose == each) for each in recording.subjects]
    sizes = {each: len(found) for each, found in zip(recording.subjects, columns, strict=True)}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{each!r} has {count}" for each, count in sizes.items())
        raise ShapeError(f"subjects are compared unit by unit, but {listed}. Bring them into a common space, or average over ROIs.")
    shape = recording.responses.shape
    flat = [recording.responses[:, each].reshape(shape[0], -1) for each in columns]
    mean = leave_one_subject_out(np.stack(flat)).mean(axis=0).reshape(len(columns[0]), *shape[2:])
    result = np.empty(shape[1:])
    for each in columns:
        result[each] = mean
    return result
