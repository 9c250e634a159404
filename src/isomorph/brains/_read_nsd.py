"""The Natural Scenes Dataset from the files that it is given out in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.brains._nsd_design import SUBJECTS, NSDDesign
from isomorph.brains._nsd_subject import NSDSubject
from isomorph.brains._recording import BadUnits, Recording, SmallROIs
from isomorph.errors import InputError

if TYPE_CHECKING:
    import pandas


def read_nsd(
    folder: Path | str,
    *,
    subjects: Sequence[int] = (1, 2, 5, 7),
    stimuli: Literal["shared", "all"] = "shared",
    trials: bool = False,
    min_ncsnr: float = 0.2,
    min_t: float | None = 1.0,
    space: str = "func1pt8mm",
    betas: str = "betas_fithrf_GLMdenoise_RR",
    bad_units: BadUnits = "error",
    small_rois: SmallROIs = "warn",
) -> Recording:
    """Read voxels of early visual and occipito-temporal cortex, as Conwell et al. (2024) prepared them.

    Betas are z-scored per voxel within each session (standard deviation with n − 1), then averaged over repeats. EVC: all voxels of
    `prf-visualrois` (V1v … hV4), whatever their reliability. OTC: voxels of `nsdgeneral` outside the streams early, midparietal and
    parietal, and those of the localisers FFA-1/2, OFA, EBA, FBA-1/2, OPA, PPA, VWFA-1/2 and OWFA with t ≥ `min_t`; all with ncsnr ≥
    `min_ncsnr`. A voxel may be in both: `where(mask)` counts it once.

    The folder has the layout of the public bucket, of which these files are read (subjXX, YY: numbers)::

        nsddata/experiments/nsd/nsd_expdesign.mat                   masterordering, subjectim, sharedix
        nsddata/experiments/nsd/nsd_stim_info_merged.csv            if there: cocoId, cocoSplit
        nsddata/ppdata/subjXX/func1pt8mm/
            roi/{nsdgeneral,streams,prf-visualrois}.nii.gz
            roi/floc-{faces,bodies,places,words}.nii.gz
            floc_{faces,bodies,places,word}tval.nii.gz              unless min_t is None
        nsddata_betas/ppdata/subjXX/func1pt8mm/betas_fithrf_GLMdenoise_RR/
            ncsnr.nii.gz
            betas_sessionYY.hdf5                                    betas [trial, z, y, x]; or .nii.gz

    Ids are `"nsd00000"` … `"nsd72999"`: rows of the stimulus file, counted from 0 (its `nsdId`). One session at a time is in memory, of
    these voxels alone: about 40 MB, and the result (with trials about 0.5 GB for four subjects).

    Args:
        folder: Where `nsddata` and `nsddata_betas` lie.
        subjects: Of 1 to 8; 1, 2, 5 and 7 saw all shared images three times.
        stimuli: `"shared"`: those of the 1,000 shared images that all of these subjects were shown; `"all"`: of one subject, all it was
            shown.
        trials: Keep single trials beside the averages.
        min_ncsnr: What is reliable enough for OTC.
        min_t: What counts as selective in a localiser; None takes localiser ROIs as drawn (t > 0), without t-values.
        space: The folder of the resolution.
        betas: The folder of the version of the betas.
        bad_units: See `Recording`. Voxels that are constant in a session have no z-scores there: among trials these are missing, in
            averages NaN.
        small_rois: See `Recording`.

    Raises:
        FileError: A file is missing or damaged.
        ShapeError: Betas, ROIs and the design do not fit together.
        InputError: There is no such subject; and the errors of `Recording`.
        MissingDependencyError: nibabel is not installed.

    References:
        Allen et al., 2022, <https://doi.org/10.1038/s41593-021-00962-x>.
    """
    import pandas

    if not subjects or not set(subjects) <= set(range(1, SUBJECTS + 1)) or len(set(subjects)) != len(subjects):
        raise InputError(f"subjects are numbers from 1 to {SUBJECTS}, each once; got {tuple(subjects)}.")
    if stimuli not in ("shared", "all") or (stimuli == "all" and len(subjects) > 1):
        raise InputError("stimuli are 'shared', or 'all' of one subject: others were not shown those.")
    design = NSDDesign(Path(folder))
    people = [NSDSubject(folder=Path(folder), number=each, space=space, betas=betas) for each in subjects]
    wanted, left_out = design.stimuli(people, shared=stimuli == "shared")
    parts = [_responses(each, design, wanted, trials=trials, min_ncsnr=min_ncsnr, min_t=min_t) for each in people]
    most = max(each.shape[1] for each, _, _ in parts)
    padded = [np.pad(each, ((0, 0), (0, most - each.shape[1]), (0, 0)), constant_values=np.nan) for each, _, _ in parts]
    units = pandas.concat([each for _, _, each in parts], ignore_index=True)
    rois = [each for each in units.columns if each not in ("subject", "voxel", "i", "j", "k", "ncsnr")]
    units[rois] = units[rois].fillna(0).astype(np.int8)
    together = np.concatenate(padded, axis=2)
    counted: dict[str, Any] = {"trials": together}
    if not trials:
        counts = np.concatenate([np.repeat(each[:, None], table.shape[0], axis=1) for _, each, table in parts], axis=1)
        counted = {"responses": together[:, 0], "repeats": counts}
    notes = (f"{len(left_out)} of the shared images left out: some subject was not shown them",) if left_out else ()
    return Recording(
        ids=tuple(f"nsd{each:05d}" for each in wanted), units=units, stimuli=design.table(wanted), roi_columns=tuple(rois),
        name="NSD", notes=notes, bad_units=bad_units, small_rois=small_rois, **counted,
    )  # fmt: skip


def _responses(
    person: NSDSubject, design: NSDDesign, wanted: list[int], *, trials: bool, min_ncsnr: float, min_t: float | None
) -> tuple[FloatArray, IntArray, pandas.DataFrame]:
    """`[stimulus, repeat, voxel]`, or with a single "repeat", the mean; how many there were; the table of units."""
    inside, units = person.voxels(min_ncsnr=min_ncsnr, min_t=min_t)
    shown = design.shown_by_session(person)
    place = {each: row for row, each in enumerate(wanted)}
    counts = np.zeros(len(wanted), dtype=np.int32)
    total = np.bincount([place[each] for session in shown.values() for each in session if each in place], minlength=len(wanted))
    kept = np.full((len(wanted), int(total.max()) if trials else 1, len(units)), np.nan if trials else 0, dtype=np.float32)
    for number, path in person.sessions():
        values = _z_scored(person.session(path, inside, trials=len(shown[number])))
        for trial, stimulus in enumerate(shown[number]):
            if (row := place.get(stimulus)) is not None:
                if trials:
                    kept[row, counts[row]] = values[trial]
                else:
                    kept[row, 0] += values[trial]
                counts[row] += 1
    return kept if trials else kept / counts[:, None, None], counts, units


def _z_scored(values: FloatArray) -> FloatArray:
    """Per voxel over the trials of a session; NaN where it is constant."""
    mean, spread = values.mean(axis=0, dtype=np.float64), values.std(axis=0, ddof=1, dtype=np.float64)
    result: FloatArray = ((values - mean) / np.where((values == values[:1]).all(axis=0), np.nan, spread)).astype(np.float32)
    return result
