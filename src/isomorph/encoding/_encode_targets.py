"""What is to be foretold: the units of each region and subject, and their geometry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.brains import RDMRecording, Recording
from isomorph.brains._check import chosen_times
from isomorph.encoding._encode_geometry import rdm_or_nan
from isomorph.encoding._units import unit_parts
from isomorph.errors import InputError, NonFiniteError, ShapeError, UnknownNameError
from isomorph.features import Features
from isomorph.geometry import Gram

if TYPE_CHECKING:
    import pandas

_SMALL = 10
_COLUMNS = 1024  # of a product: its block stays in the cache


@dataclass(frozen=True, eq=False)
class Group:
    """One region of one subject, and its units: columns of the responses; none where there are only RDMs."""

    region: str
    subject: str
    units: IntArray

    @property
    def called(self) -> str:
        """What notes call it."""
        return f"{self.region} of {self.subject}" if self.subject else self.region


class Targets(ABC):
    """A recording as regions × subjects."""

    recording: Any
    groups: list[Group]
    notes: list[str]

    @property
    def ids(self) -> tuple[str, ...]:
        """The stimuli."""
        return tuple(self.recording.ids)

    @property
    @abstractmethod
    def stimuli(self) -> pandas.DataFrame | None:
        """What is known of the stimuli."""

    @abstractmethod
    def rdms(self, rows: IntArray, distance: str) -> FloatArray:
        """Condensed RDMs of some stimuli `[group, pair]`; NaN where there is none."""

    def summary(self) -> dict[str, Any]:
        """What a result says of the recording."""
        regions, subjects = (list(dict.fromkeys(getattr(each, part) for each in self.groups)) for part in ("region", "subject"))
        return {"name": self.recording.name, "digest": self.recording.digest, "regions": regions, "subjects": subjects}


class UnitTargets(Targets):
    """Of a recording of units; `means` are theirs, `[unit]` of `units`.

    Raises:
        NonFiniteError: A response is NaN or infinite.
    """

    def __init__(self, recording: Recording, *, regions: Sequence[str] | None, time: Any, min_units: int) -> None:
        self.notes = []
        self.recording: Recording = _at_time(recording, time)
        found = _groups(self.recording, regions)
        small = [each for each in found if len(each.units) < min_units]
        self.groups = [each for each in found if len(each.units) >= min_units]
        if not self.groups:
            most = max(found, key=lambda each: len(each.units))
            raise ShapeError(
                f"no region has {min_units} units or more; the largest is {most.called} with {len(most.units)}. "
                "Pass min_units= to score smaller ones."
            )
        if small:
            listed = ", ".join(f"{each.called} ({len(each.units)})" for each in small[:6])
            self.notes.append(f"left out, with fewer than {min_units} units: {listed}{_more(len(small))}.")
        few = [each for each in self.groups if len(each.units) < _SMALL]
        if few:
            listed = ", ".join(f"{each.called} ({len(each.units)})" for each in few[:6])
            self.notes.append(f"with fewer than {_SMALL} units, scores are of these few: {listed}{_more(len(few))}.")
        self.notes += list(self.recording.notes)
        self.means = self._finite_means()

    @property
    def stimuli(self) -> pandas.DataFrame:
        """What is known of the stimuli."""
        table: pandas.DataFrame = self.recording.stimuli
        return table

    @cached_property
    def units(self) -> IntArray:
        """The units that any group has: columns of `responses`."""
        return np.unique(np.concatenate([each.units for each in self.groups]))

    @cached_property
    def responses(self) -> FloatArray:
        """`[stimulus, unit]` of `units`, less their means, in float32; the stimuli of a unit are contiguous."""
        result = np.empty((len(self.ids), len(self.units)), np.float32, order="F")
        for part in unit_parts(len(self.units)):
            result[:, part] = self.recording.responses[:, self.units[part]] - self.means[part]
        return result

    def _finite_means(self) -> FloatArray:
        parts = [self.recording.responses[:, self.units[part]].mean(axis=0, dtype=np.float64) for part in unit_parts(len(self.units))]
        result = np.concatenate(parts)
        bad = ~np.isfinite(result)
        if bad.any():
            raise NonFiniteError(
                f"{int(bad.sum())} of the {len(bad)} units to be foretold are NaN or infinite for some stimulus; the first is unit "
                f"{int(self.units[bad.argmax()])}. Leave them out: Recording(…, bad_units='drop')."
            )
        return result

    def columns(self, group: Group) -> IntArray:
        """Where the units of a group stand in `responses`."""
        return np.searchsorted(self.units, group.units)

    def of_stimuli(self, rows: IntArray, units: IntArray) -> Features:
        """Responses of some of `units` to some stimuli; the stimuli of a unit are contiguous."""
        by_unit = self.responses.T if len(units) == len(self.units) else self.responses.T[units]
        return Features(by_unit[:, rows].T, tuple(self.ids[row] for row in rows))

    def spread(self, values: FloatArray) -> FloatArray:
        """Numbers of `units` as numbers of all units of the recording `[unit]`, float32; NaN of those that are in no group."""
        result = np.full(self.recording.width, np.nan, dtype=np.float32)
        result[self.units] = values
        return result

    def rdms(self, rows: IntArray, distance: str) -> FloatArray:
        """As `Targets.rdms`: of mean responses."""
        return np.stack([condensed(self.recording.responses[np.ix_(rows, each.units)], distance) for each in self.groups])


class RDMTargets(Targets):
    """Of a recording that is but RDMs."""

    def __init__(self, recording: RDMRecording, *, regions: Sequence[str] | None) -> None:
        self.recording: RDMRecording = recording
        chosen = _chosen(recording.regions, regions)
        self.groups = [Group(region, who, np.empty(0, dtype=np.intp)) for region in chosen for who in recording.subjects_of(region)]
        self.notes = list(recording.notes)

    @property
    def stimuli(self) -> None:
        """Nothing is known of them."""
        return None

    def rdms(self, rows: IntArray, distance: str) -> FloatArray:
        """As `Targets.rdms`: whatever the distance, as they were given, averaged over repeats."""
        part = self.recording.take([self.ids[row] for row in rows])
        return np.stack([part.rdm(each.region, each.subject).values for each in self.groups]).astype(np.float64)


def targets_of(recording: Any, *, regions: Sequence[str] | None, time: Any, min_units: int) -> UnitTargets | RDMTargets:
    """The regions and subjects of a recording.

    Raises:
        InputError: It is no recording; or it goes over time and `time` does not say which, or the reverse.
        UnknownNameError: It has no such region.
        ShapeError: No region has units enough.
        NonFiniteError: A response of a unit in a region is NaN or infinite.
    """
    if isinstance(recording, Recording):
        return UnitTargets(recording, regions=regions, time=time, min_units=min_units)
    if isinstance(recording, RDMRecording):
        if time is not None:
            raise InputError(f"time={time!r} was asked for, but a recording of RDMs does not go over time.")
        return RDMTargets(recording, regions=regions)
    raise InputError(
        f"encode needs a Recording or an RDMRecording; got {type(recording).__name__}. brains.load_recording reads one from files, "
        "Recording(ids=…, responses=…) makes one."
    )


def condensed(values: FloatArray, distance: str, *, offset: FloatArray | None = None) -> FloatArray:
    """The condensed RDM of patterns `[stimulus, unit]`, products in their precision; NaN where a stimulus has no pattern to correlate.

    Args:
        values: The patterns, less `offset` `[unit]`.
        distance: As in `Gram.rdm`.
        offset: None: of 0.
    """
    n, width = values.shape
    centred, mean_product, row_sums = np.zeros((n, n)), np.zeros(n), np.zeros(n)
    for start in range(0, width, _COLUMNS):
        block = values[:, start : start + _COLUMNS]
        mean = block.mean(axis=0, dtype=np.float64)
        block = block - mean.astype(block.dtype)
        mean += 0 if offset is None else offset[start : start + _COLUMNS]
        centred += block @ block.T
        sums = block @ np.stack([mean, np.ones_like(mean)], axis=1).astype(block.dtype)
        mean_product += sums[:, 0] + mean @ mean
        row_sums += sums[:, 1] + mean.sum()
    gram = Gram(centred, mean_product, row_sums, width, tuple(map(str, range(n))))
    return rdm_or_nan(gram, distance)


def _groups(recording: Recording, regions: Sequence[str] | None) -> list[Group]:
    """Every region of every subject that has it; all units where there are no regions."""
    from isomorph.brains._units import subjects_of

    whose = np.array(subjects_of(recording.units), dtype=object)
    if not recording.rois:
        if regions is not None:
            raise InputError(f"regions={list(regions)} were asked for, but the table of units has no columns of 0 and 1.")
        inside = {"all": np.ones(recording.width, dtype=bool)}
    else:
        inside = {roi: recording.units[roi].to_numpy() == 1 for roi in _chosen(tuple(recording.rois), regions)}
    found = [Group(roi, who, np.flatnonzero(mask & (whose == who))) for roi, mask in inside.items() for who in recording.subjects]
    return [each for each in found if len(each.units)]


def _chosen(known: tuple[str, ...], regions: Sequence[str] | None) -> tuple[str, ...]:
    wanted = known if regions is None else (regions,) if isinstance(regions, str) else tuple(dict.fromkeys(regions))
    if not wanted:
        raise InputError(f"regions=[] leaves no region to score; the recording has {', '.join(known)}.")
    for each in wanted:
        if each not in known:
            raise UnknownNameError("region", str(each), known, listing="the recording has them")
    return wanted


def _at_time(recording: Recording, time: Any) -> Recording:
    """Responses at one time, or their mean over a window."""
    if recording.responses.ndim == 2 and time is None:
        return recording
    if isinstance(time, str):
        raise InputError(f"time={time!r}: units are scored at one time. Pass a time in seconds, or a window (from, to).")
    made: dict[str, Any] = {"responses": chosen_times(recording.responses, recording.times, time)}
    if recording.trials is not None:
        flat = recording.trials.reshape(-1, *recording.trials.shape[2:])
        trials = chosen_times(flat, recording.times, time).reshape(*recording.trials.shape[:2], -1)
        made = {"responses": None, "trials": trials, "repeats": None}
    return replace(recording, times=None, bad_units="keep", small_rois="keep", **made)


def _more(count: int) -> str:
    return f" and {count - 6} more" if count > 6 else ""
