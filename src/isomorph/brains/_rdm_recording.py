"""Recordings of which nothing but RDMs are had."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from isomorph.arrays import FloatArray, positions, unique_ids
from isomorph.brains._rdm_check import check_regions
from isomorph.errors import UnknownNameError
from isomorph.geometry import RDM

if TYPE_CHECKING:
    from isomorph.brains._recording import Recording
    from isomorph.inference import Ceiling


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RDMRecording:
    """RDMs of regions and subjects on named stimuli: all that many studies publish of their brains.

    Attributes:
        ids: The stimuli, in the order of the rows of every RDM; unique.
        rdms: Of each region `[subject, repeat, pair]` in float64: strict upper triangles, row by row. Given as such, as `[subject, pair]`,
            `[pair]`, or with square matrices, symmetric with zeros on the diagonal, in place of pairs. Integers are turned into floats
            before anything is computed.
        subjects: Of each region whose RDMs these are. Given so, or as one list for all regions; `"1"`, `"2"` … unless given.
        distance: What distances the RDMs hold, if that is known: `"correlation"` …
        name: What it is called.
        notes: What a reader should know.

    Raises:
        ShapeError: A region has another number of pairs than the stimuli make, or of subjects than of names.
        IdError: An id stands twice.
        NonFiniteError: A distance is NaN or infinite.
        InputError: A square matrix is not symmetric, or its diagonal is not zero; a subject stands twice in a region.

    Example:
        >>> import numpy as np
        >>> it = RDMRecording(ids=("cat", "dog", "car"), rdms={"IT": np.array([[1, 8, 9], [2, 9, 9]], dtype=np.uint8)}, name="ours")
        >>> it
        RDMRecording 'ours': 3 stimuli, 1 region (IT 2 subjects)
        >>> it.mean("IT").values.tolist(), it.take(["car", "cat"]).rdm("IT", "2").values.tolist()
        ([1.5, 8.5, 9.0], [9.0])
    """

    ids: tuple[str, ...]
    rdms: Mapping[str, FloatArray]
    subjects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    distance: str = ""
    name: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ids = unique_ids(self.ids, name="the recording")
        rdms, subjects = check_regions(self.rdms, self.subjects, ids)
        for name, value in {"ids": ids, "rdms": rdms, "subjects": subjects, "notes": tuple(self.notes)}.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def regions(self) -> tuple[str, ...]:
        """What RDMs there are of."""
        return tuple(self.rdms)

    def subjects_of(self, region: str) -> tuple[str, ...]:
        """Whose RDMs there are of a region."""
        return self.subjects[self._known(region)]

    def take(self, ids: Sequence[str]) -> RDMRecording:
        """The stimuli `ids`, in that order: the training half, for example.

        Raises:
            IdError: One was not shown, or stands twice.
        """
        at = positions(self.ids, unique_ids(ids, name="the wanted stimuli"), name=self._called)
        rows, columns = np.triu_indices(len(at), 1)
        first, second = np.minimum(at[rows], at[columns]), np.maximum(at[rows], at[columns])
        pairs = first * (2 * len(self.ids) - first - 1) // 2 + second - first - 1
        return RDMRecording(
            ids=tuple(ids), rdms={region: values[:, :, pairs] for region, values in self.rdms.items()}, subjects=self.subjects,
            distance=self.distance, name=self.name, notes=self.notes,
        )  # fmt: skip

    def mean(self, region: str) -> RDM:
        """The average over repeats, then over subjects."""
        values = self.rdms[self._known(region)].mean(axis=1).mean(axis=0)
        return RDM(values, self.ids, self.distance, region, self.name)

    def rdm(self, region: str, subject: str) -> RDM:
        """One subject's RDM, averaged over repeats."""
        known = self.subjects_of(region)
        if subject not in known:
            raise UnknownNameError(f"subject of {region!r}", str(subject), known, listing="`RDMRecording.subjects` has them")
        values = self.rdms[region][known.index(subject)].mean(axis=0)
        return RDM(values, self.ids, self.distance, region, f"{self.name} {subject}".strip())

    def ceiling(self, region: str, comparison: str = "pearson") -> Ceiling | None:
        """The range in which the best possible model would score, as `inference.noise_ceiling`; None of a single subject."""
        from isomorph.inference import noise_ceiling

        values = self.rdms[self._known(region)]
        return noise_ceiling(values, comparison=comparison) if len(values) > 1 else None

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of ids, regions, subjects and numbers."""
        result = hashlib.sha256("\0".join(self.ids).encode())
        for region, values in self.rdms.items():
            result.update("\0".join(("", region, *self.subjects[region], str(values.shape))).encode())
            result.update(np.ascontiguousarray(values).data)
        return result.hexdigest()

    @staticmethod
    def from_recording(
        recording: Recording,
        distance: str = "correlation",
        *,
        rois: Sequence[str] | None = None,
        time: float | tuple[float, float] | Literal["all"] | None = None,
        halves: bool = False,
        min_units: int = 1,
    ) -> RDMRecording:
        """The RDM of every ROI (all units are the region `"all"` if there is none) of every subject.

        Args:
            recording: Responses of units.
            distance: One of `geometry.DISTANCES` that features alone give; `"crossnobis"` needs trials, each repeat a fold.
            rois: Some of its ROIs.
            time: Of responses over time, which: as in `Recording.features`.
            halves: Two repeats of each RDM, of the mean responses to the odd and the even presentations. Their average is noisier than the
                RDM of all.
            min_units: Subjects with fewer units in an ROI are left out of it; `notes` says who.

        Raises:
            ShapeError: The responses of an ROI to a stimulus do not vary (one unit, for example), so that there is no correlation.
            InputError: Halves or a crossnobis distance of a recording without trials; or of stimuli that were shown but once.
        """
        from isomorph.brains._rdms_of_units import rdms_of_units

        return rdms_of_units(recording, distance, rois=rois, time=time, halves=halves, min_units=min_units)

    def save(self, folder: Path | str) -> None:
        """Write a new folder, whole or not at all; the errors of `Recording.save`."""
        from isomorph.brains._recording_folder import save_rdms

        save_rdms(self, Path(folder))

    @staticmethod
    def load(folder: Path | str) -> RDMRecording:
        """Read what `save` wrote; the errors of `Recording.load`."""
        from isomorph.brains._recording_folder import read_rdms

        return read_rdms(Path(folder))

    def __repr__(self) -> str:
        sizes = []
        for region, values in self.rdms.items():
            people, repeats = values.shape[:2]
            said = f"{region} {people} subject{'s' * (people > 1)}"
            sizes.append(said + (f" × {repeats} repeats" if repeats > 1 else ""))
        listed = ", ".join(sizes[:6]) + (f" and {len(sizes) - 6} more" if len(sizes) > 6 else "")
        regions = f"{len(sizes)} region{'s' * (len(sizes) > 1)} ({listed})"
        return f"RDMRecording{f' {self.name!r}' if self.name else ''}: {len(self.ids):,} stimuli, {regions}"

    @property
    def _called(self) -> str:
        return repr(self.name) if self.name else "the recording"

    def _known(self, region: str) -> str:
        if region not in self.rdms:
            raise UnknownNameError("region", region, self.rdms, listing="`RDMRecording.regions` has them")
        return region
