"""What brains did when they were shown stimuli."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray, positions
from isomorph.brains._check import check_rois, chosen_times, settle, usable_units
from isomorph.brains._units import members, roi_counts, subjects_of
from isomorph.errors import InputError, NonFiniteError, ShapeError
from isomorph.features import Features

if TYPE_CHECKING:
    import pandas

BadUnits = Literal["error", "drop", "keep"]
SmallROIs = Literal["warn", "error", "keep"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Recording:
    """Responses of units (voxels, electrodes, cells) to named stimuli.

    Give either `responses`, averaged over repeats, or `trials`, from which responses are the mean over the repeats that there are.

    Attributes:
        ids: The stimulus of each row; unique.
        responses: `[stimulus, unit]` or `[stimulus, unit, time]`.
        trials: `[stimulus, repeat, unit]` or `[stimulus, repeat, unit, time]`; NaN where there was no such repeat. Stimuli, and units, may
            have different numbers of them.
        repeats: How many repeats each response is the mean of: `[stimulus]`, or `[stimulus, unit]` where units differ. Counted if there
            are trials.
        units: A table with one row a unit: `subject`, ROI membership as columns of 0 and 1 (a unit may be in several), `ncsnr`,
            coordinates, anything else.
        stimuli: A table with one row a stimulus; its index are the ids.
        times: `[time]`, in seconds after the stimulus came on; increasing.
        roi_columns: The columns of `units` that are ROIs; if not given, all that hold nothing but 0 and 1, save `subject`, `ncsnr`,
            coordinates, `hemisphere` and numbers of units.
        name: What it is called.
        notes: What a reader should know: units that were dropped, repeats of unequal number.

    Args:
        bad_units: What to do with units that are NaN for some stimulus, or constant: `"error"`, `"drop"` (`notes` has the numbers), or
            `"keep"`.
        small_rois: What to do where a subject has an ROI of 1 to 9 units: `"warn"`, `"error"`, or `"keep"`.

    Raises:
        ShapeError: The parts do not fit together: a wrong number of axes or rows, responses in the wrong orientation.
        IdError: An id stands twice, or the stimuli's table has other ids.
        NonFiniteError: A response is infinite, or NaN.
        InputError: A unit is constant; repeats are no counts; times do not increase; a column of ROIs holds other than 0 and 1.

    Example:
        >>> import numpy as np, pandas
        >>> units = pandas.DataFrame({"subject": ["1", "1", "2"], "V1": [1, 0, 1]})
        >>> it = Recording(ids=("cat", "dog"), responses=np.eye(2, 3) + 1, units=units, bad_units="keep", small_rois="keep")
        >>> it
        Recording: 2 stimuli × 3 units, 2 subjects, 1 ROI (V1 2)
        >>> it.features("V1", subject="2").values.tolist()
        [[1.0], [1.0]]
    """

    ids: tuple[str, ...]
    responses: FloatArray = None  # type: ignore[assignment]  # always there once built
    trials: FloatArray | None = None
    repeats: IntArray | None = None
    units: pandas.DataFrame = None  # type: ignore[assignment]  # as above
    stimuli: pandas.DataFrame = None  # type: ignore[assignment]  # as above
    times: FloatArray | None = None
    roi_columns: tuple[str, ...] | None = None
    name: str = ""
    notes: tuple[str, ...] = ()
    bad_units: InitVar[BadUnits] = "error"
    small_rois: InitVar[SmallROIs] = "warn"

    def __post_init__(self, bad_units: BadUnits, small_rois: SmallROIs) -> None:
        names = ("ids", "responses", "trials", "repeats", "units", "stimuli", "times", "roi_columns", "notes")
        parts = settle({name: getattr(self, name) for name in names}, bad_units)
        for name, value in parts.items():
            object.__setattr__(self, name, value)
        check_rois(self.rois, small_rois)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, roi: str) -> Recording:
        """The units of one ROI, of every subject, as a recording that has this ROI alone: those that overlap it would be but parts.

        Raises:
            UnknownNameError: There is no such ROI.
        """
        found = self.where(roi=roi)
        derived: dict[str, Any] = {} if found.trials is None else {"responses": None, "repeats": None}  # which come from trials
        return replace(found, roi_columns=(roi,), bad_units="keep", small_rois="keep", **derived)

    @property
    def width(self) -> int:
        """How many units there are."""
        return int(self.responses.shape[1])

    @property
    def subjects(self) -> tuple[str, ...]:
        """Whose units these are, in order; one empty name if the table does not say."""
        return tuple(dict.fromkeys(subjects_of(self.units)))

    @cached_property
    def rois(self) -> dict[str, dict[str, int]]:
        """Of each ROI how many units each subject has; subjects without any are left out."""
        return roi_counts(self.units, self.roi_columns or ())

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of everything that is stored, names and notes aside."""
        from isomorph.brains._digest import recording_digest

        return recording_digest(self)

    def features(
        self, roi: str | None = None, *, subject: str | None = None, time: float | tuple[float, float] | Literal["all"] | None = None
    ) -> Features:
        """The mean responses as features, one row a stimulus: what every measure of models takes.

        Args:
            roi: Its units only.
            subject: Their units only.
            time: Of responses over time, which: the sample nearest to a time, the mean from a time to another (both included), or
                `"all"`: every unit at every time is a feature.

        Raises:
            UnknownNameError: There is no such ROI or subject.
            InputError: The subject has no units there; or responses go over time and `time` is not given, or the reverse.
            NonFiniteError: A response is NaN (units were kept that should not be used).
        """
        chosen = self if roi is None and subject is None else self.where(roi=roi, subject=subject)
        values = chosen_times(chosen.responses, chosen.times, time)
        usable = usable_units(values)[0]
        if not usable.all():
            raise NonFiniteError(
                f"{int((~usable).sum())} of {len(usable)} features of {self._called} are NaN for some stimulus. Drop those units: "
                "Recording(…, bad_units='drop')."
            )
        read = {"recording": self.digest, "roi": roi, "subject": subject, "time": time}
        whose = self.name if subject is None else f"{self.name} {subject}".strip()
        return Features(values, self.ids, layer=roi or "", subject=whose, provenance=read)

    def take(self, ids: Sequence[str]) -> Recording:
        """The stimuli `ids`, in that order."""
        rows = positions(self.ids, ids, name=self._called)
        return self._derived(rows, slice(None))

    def where(
        self,
        mask: npt.NDArray[np.bool_] | None = None,
        *,
        roi: str | None = None,
        subject: str | None = None,
        min_ncsnr: float | None = None,
    ) -> Recording:
        """The units that meet every condition that is given.

        Args:
            mask: `[unit]`: which to keep.
            roi: In that ROI.
            subject: Of that subject.
            min_ncsnr: With at least that `ncsnr`; units whose ncsnr is NaN are left out.

        Raises:
            UnknownNameError: There is no such ROI or subject.
            InputError: No unit is left, or the table has no `ncsnr`.
        """
        kept = members(self.units, self.rois, roi=roi, subject=subject, min_ncsnr=min_ncsnr)
        if mask is not None:
            if np.shape(mask) != (self.width,) or np.asarray(mask).dtype != np.bool_:
                raise ShapeError(f"a mask of units needs {self.width} booleans; got shape {np.shape(mask)} of {np.asarray(mask).dtype}.")
            kept &= np.asarray(mask)
        if not kept.any():
            given = {"roi": roi, "subject": subject, "min_ncsnr": min_ncsnr, "mask": None if mask is None else "…"}
            asked = ", ".join(f"{name}={value!r}" for name, value in given.items() if value is not None)
            raise InputError(f"none of the {self.width} units of {self._called} meets {asked}. `Recording.rois` says who has what.")
        return self._derived(slice(None), np.flatnonzero(kept))

    def roi(self, name: str) -> Recording:
        """The units of one ROI, of every subject."""
        return self.where(roi=name)

    def mean(self) -> Recording:
        """Without trials: their mean over repeats alone, a fraction of the memory; the counts stay."""
        return self if self.trials is None else self._derived(slice(None), slice(None), trials=False)

    def random_stimulus(self, seed: int = 0) -> str:
        """An id drawn by `seed`; `stimuli.loc[id]` is what is known of it."""
        return self.ids[int(np.random.default_rng(seed).integers(len(self.ids)))]

    def save(self, folder: Path | str) -> None:
        """Write a new folder, whole or not at all: `.npy` for arrays, Parquet for tables, JSON for the rest.

        Raises:
            InputError: The folder is there already.
            FileError: It cannot be written.
        """
        from isomorph.brains._recording_folder import save_recording

        save_recording(self, Path(folder))

    @staticmethod
    def load(folder: Path | str) -> Recording:
        """Read what `save` wrote; arrays are memory-mapped where they can be.

        Raises:
            FileError: A file is missing, damaged, or no part of a recording.
            DigestError: The files are not those that were saved.
        """
        from isomorph.brains._recording_folder import read_recording

        return read_recording(Path(folder))

    def __repr__(self) -> str:
        shape = f"{len(self.ids):,} stimuli × {self.width:,} units"
        said = [shape if self.responses.ndim == 2 else f"{shape} × {self.responses.shape[2]:,} times"]
        if self.subjects != ("",):
            said.append(f"{len(self.subjects)} subject{'s' * (len(self.subjects) > 1)}")
        if self.rois:
            sizes = [f"{roi} {sum(counts.values()):,}" for roi, counts in self.rois.items()]
            listed = ", ".join(sizes[:6]) + (f" and {len(sizes) - 6} more" if len(sizes) > 6 else "")
            said.append(f"{len(sizes)} ROI{'s' * (len(sizes) > 1)} ({listed})")
        if self.repeats is not None:
            low, high = int(self.repeats.min()), int(self.repeats.max())
            said.append(f"{low if low == high else f'{low} to {high}'} repeat{'s' * (high > 1)}")
        return f"Recording{f' {self.name!r}' if self.name else ''}: {', '.join(said)}"

    @property
    def _called(self) -> str:
        return repr(self.name) if self.name else "the recording"

    def _derived(self, rows: Any, columns: Any, *, trials: bool = True) -> Recording:
        """Some stimuli and units; what was accepted once is not judged again."""
        repeats = self.repeats
        if repeats is not None:
            repeats = repeats[rows] if repeats.ndim == 1 else repeats[rows][:, columns]
        keep = trials and self.trials is not None
        return Recording(
            ids=tuple(np.array(self.ids, dtype=object)[rows]), name=self.name, notes=self.notes, times=self.times,
            responses=None if keep else self.responses[rows][:, columns],  # type: ignore[arg-type]
            trials=self.trials[rows][:, :, columns] if keep and self.trials is not None else None, repeats=None if keep else repeats,
            units=self.units.iloc[columns], stimuli=self.stimuli.iloc[rows], roi_columns=self.roi_columns,
            bad_units="keep", small_rois="keep",
        )  # fmt: skip
