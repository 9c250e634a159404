"""From responses of units to the RDMs of regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.brains._check import chosen_times
from isomorph.brains._rdm_recording import RDMRecording
from isomorph.brains._recording import Recording
from isomorph.errors import InputError
from isomorph.geometry import RDM

Time = float | tuple[float, float] | Literal["all"] | None


def rdms_of_units(
    recording: Recording, distance: str, *, rois: Sequence[str] | None, time: Time, halves: bool, min_units: int
) -> RDMRecording:
    """See `RDMRecording.from_recording`."""
    regions = tuple(recording.rois) if rois is None else tuple(rois)
    rdms: dict[str, npt.NDArray[np.float64]] = {}
    subjects, notes = {}, list(recording.notes)
    for region in regions or ("all",):
        part = recording.where(roi=region) if regions else recording
        parts = {each: part if part.subjects == ("",) else part.where(subject=each) for each in part.subjects}
        for who, few in [(who, each.width) for who, each in parts.items() if each.width < min_units]:
            whose = f"subject {who!r} is" if who else "it is"
            notes.append(f"{whose} left out of {region!r}: {few} unit{'s' * (few != 1)}, fewer than {min_units}")
        parts = {who: each for who, each in parts.items() if each.width >= min_units}
        if parts:
            rdms[region] = np.stack([_repeats(each, distance, time, halves) for each in parts.values()])
            subjects[region] = tuple(who or "1" for who in parts)
    if not rdms:
        raise InputError(f"no subject has {min_units} units in any region. Ask for fewer: min_units=….")
    return RDMRecording(ids=recording.ids, rdms=rdms, subjects=subjects, distance=distance, name=recording.name, notes=tuple(notes))


def _repeats(part: Recording, distance: str, time: Time, halves: bool) -> FloatArray:
    """`[repeat, pair]`: of one subject's units in one region."""
    whose = " ".join(part.subjects) or part.name
    if distance == "crossnobis":
        if halves:
            raise InputError("a crossnobis distance is already one between repeats: it has no halves.")
        return _crossnobis(part, time, whose)[None]
    means = [_half(part, time, first) for first in (0, 1)] if halves else [part.features(time=time).values]
    return np.stack([RDM.from_features(each, distance, ids=part.ids, subject=whose).values for each in means])


def _trials(part: Recording, time: Time, what: str) -> FloatArray:
    """`[stimulus, repeat, feature]`."""
    if part.trials is None:
        raise InputError(f"{what} need trials, and {part.name or 'the recording'!r} holds only means over repeats.")
    flat = part.trials.reshape(-1, *part.trials.shape[2:])
    return chosen_times(flat, part.times, time).reshape(*part.trials.shape[:2], -1)


def _half(part: Recording, time: Time, first: int) -> FloatArray:
    trials = _trials(part, time, "halves")
    once = (~np.isnan(trials)).sum(axis=1).min(axis=1) < 2
    if once.any():
        raise InputError(
            f"halves need two repeats of each stimulus, but {int(once.sum())} of {len(once)} have fewer; the first is "
            f"{part.ids[int(once.argmax())]!r}. Take the others: recording.take(ids)."
        )
    # of the presentations that there were, every second
    rank = np.cumsum(~np.isnan(trials), axis=1) - 1
    mean: FloatArray = np.nanmean(np.where(rank % 2 == first, trials, np.nan), axis=1)
    return mean


def _crossnobis(part: Recording, time: Time, whose: str) -> FloatArray:
    """Each repeat is a fold; those that there were not are left out."""
    trials = _trials(part, time, "crossnobis distances")
    shown, repeat = np.nonzero(~np.isnan(trials).all(axis=2))  # stimulus by stimulus: the RDM has them in that order
    stimuli = [part.ids[each] for each in shown]
    return RDM.from_repeats(trials[shown, repeat], stimuli=stimuli, folds=repeat.tolist(), subject=whose).values
