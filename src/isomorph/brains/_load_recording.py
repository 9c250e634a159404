"""Recordings from files of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isomorph import data
from isomorph.brains._find_rdms import find_rdms
from isomorph.brains._rdm_recording import RDMRecording
from isomorph.brains._read_responses import ids_of, read_arrays, read_responses
from isomorph.brains._read_whole import read_whole
from isomorph.brains._recording import BadUnits, Recording, SmallROIs
from isomorph.brains._tables import join_stimuli, join_units, stimulus_ids
from isomorph.brains._units import rois_of_text
from isomorph.errors import InputError, IsomorphError, ShapeError, UnknownNameError


def load_recording(
    responses: Path | str,
    units: Path | str | None = None,
    stimuli: Path | str | None = None,
    *,
    key: str | None = None,
    axes: Sequence[str] | None = None,
    repeats: int | None = None,
    roi: str | None = None,
    name: str | None = None,
    bad_units: BadUnits = "error",
    small_rois: SmallROIs = "warn",
) -> Recording | RDMRecording:
    """Read responses, and what is known of units and stimuli; or a file that says all of it, by its kind.

    Files that say all of it: a folder that `save` wrote, or of the Natural Scenes Dataset (`read_nsd`); `.nc` (`read_brainio`);
    `.h5` and `.hdf5` of rsatoolbox (`read_rsatoolbox`); `.nii`, `.nii.gz` (`read_nifti`); `.fif` (`read_mne`). Their own readers have more
    options. RDMs in an `.npz`, `.mat`, `.h5` or `.hdf5` become an `RDMRecording`: symmetric arrays `[…, stimulus, stimulus]` with zeros on
    the diagonal (`[subject, stimulus, stimulus]`, say), or structs with a field `RDM` and a name "region | subject | session".

    Ids of responses are their own (the array `ids` of an `.npz`, the column of a table), else those of the stimuli's table (its column
    `stimulus_id`, `stimulus`, `id`, `name`, `filename`, `image` …), else `"0"`, `"1"`, …. Where both have ids, the table is brought into
    the order of the responses, and may have more rows. So it is with units: the table of units is met by its column `unit_id`, `unit`,
    `voxel_id`, `voxel` or `neuroid_id` if responses are a table that names the same units.

    Args:
        responses: Any of these, or `.npy`; `.npz`, `.mat`, `.h5` (an array `responses` or `trials`, and, if wanted, `ids`, `repeats`,
            `times`); or a table `.csv`, `.tsv`, `.parquet` with one row a stimulus, one column a unit, and a column of ids (called as
            above, or of text).
        units: A table with one row a unit, in the order of the responses if these do not name them; see `Recording.units`. `subj_id`
            and `subject_id` are read as `subject`.
        stimuli: A table with one row a stimulus.
        key: The array of a file to read.
        axes: What the axes of the array are, in its order, of `"stimulus"`, `"repeat"`, `"unit"`, `"time"`; needed where an array of three
            or four axes is not called `responses` or `trials`. Arrays and tables with one row a unit are `("unit", "stimulus")`; ids are
            then the header of the table.
        repeats: Of how many repeats each response is the mean.
        roi: The column of units whose texts name ROIs; it becomes columns of 0 and 1, and `notes` says so. `roi`, `region`, `area`
            unless given.
        name: What to call it; the name of the file of responses unless given.
        bad_units: See `Recording`. What was saved is as it was.
        small_rois: See `Recording`.

    Raises:
        FileError: A file is missing, damaged, of an unknown kind, or holds pickled objects.
        InputError: It is not clear which array to read, or what its axes are; and the errors of both recordings.
    """
    path = Path(responses)
    options = {"units": units, "stimuli": stimuli, "key": key, "axes": axes, "repeats": repeats, "roi": roi, "name": name}
    given = {each: value for each, value in options.items() if value is not None}
    found = read_whole(path, given, bad_units, small_rois)
    if found is not None:
        return found
    content = read_arrays(path)
    try:
        if axes is None and (rdms := find_rdms(path, content, key)) is not None:
            if spare := [each for each in ("units", "repeats", "roi") if each in given]:
                raise InputError(f"it holds RDMs, which have no {spare[0]}.")
            ids = ids_of(content) if stimuli is None else stimulus_ids(stimuli)
            return rdms.recording(ids, name=path.stem if name is None else name)
        parts: Any
        parts, ids, unit_ids = read_responses(path, content, key=key, axes=axes)
        if repeats is not None:
            parts["repeats"] = np.asarray(repeats)
        notes: tuple[str, ...] = ()
        if units is None and roi is not None:
            raise InputError(f"roi={roi!r} is a column of the table of units, and none was given.")
        if units is not None:
            parts["units"], notes = rois_of_text(join_units(unit_ids, data.read_table(units), Path(units)), roi)
        if stimuli is not None:
            ids, parts["stimuli"] = join_stimuli(ids, data.read_table(stimuli), Path(stimuli))
        if ids is None:
            ids = tuple(map(str, range(len(next(iter(parts.values()))))))
        called = path.stem if name is None else name
        return Recording(ids=ids, name=called, notes=notes, bad_units=bad_units, small_rois=small_rois, **parts)
    except UnknownNameError:
        raise
    except IsomorphError as error:
        if str(path) in str(error):
            raise
        way_out = " Of a file, say axes=('unit', 'stimulus')." if isinstance(error, ShapeError) and "transpose" in str(error) else ""
        raise type(error)(f"{path}: {error}{way_out}") from error
