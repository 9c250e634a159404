"""Assemblies of BrainIO and Brain-Score: netCDF-4 files, read as the HDF5 that they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.brains._assembly import TIME, Assembly
from isomorph.brains._presentations import gather, of_stimuli
from isomorph.brains._recording import BadUnits, Recording, SmallROIs
from isomorph.brains._units import rois_of_text
from isomorph.data._read_npz import LIMIT_BYTES
from isomorph.errors import InputError, IsomorphError

if TYPE_CHECKING:
    import pandas

_STIMULUS = ("stimulus_id", "image_id", "sentence_id", "stimulus", "image_name")
_SUBJECT = ("subject", "subject_id", "animal", "monkey", "subj")


def read_brainio(
    path: Path | str,
    *,
    key: str | None = None,
    roi: str | None = None,
    name: str | None = None,
    bad_units: BadUnits = "error",
    small_rois: SmallROIs = "warn",
    limit_bytes: int = LIMIT_BYTES,
) -> Recording:
    """Read an assembly with the axes presentation × neuroid (× time_bin), as `xarray` and Brain-Score write them.

    What was shown comes from the coordinate `stimulus_id` (or `image_id`) of presentations. Several presentations of one stimulus become
    its repeats, in the order of the coordinate `repetition` if there is one. Coordinates of neuroids become the table of units (`subject`
    from `animal` too, ROIs from `region`), those of presentations that say the same of every repeat the table of stimuli. Times are the
    middles of `time_bin_start` and `time_bin_end`, which are milliseconds there; a single time bin is no axis.

    Args:
        path: A netCDF-4 file.
        key: The variable with the responses, if there are several.
        roi: The coordinate of neuroids whose texts are ROIs; `region` or `roi` unless given.
        name: What to call it; the name of the file unless given.
        bad_units: See `Recording`.
        small_rois: See `Recording`.
        limit_bytes: The most bytes that the file may take in memory.

    Raises:
        FileError: The file is missing, damaged, netCDF-3, too large, or no assembly.
        InputError: Several variables could be the responses; nothing says what was shown; and the errors of `Recording`.

    References:
        Schrimpf et al., 2018, <https://doi.org/10.1101/407007>.
    """
    path = Path(path)
    content = Assembly(path, limit_bytes)
    values, axes = content.responses(key)
    shown, neuroids = content.table("presentation"), content.table("neuroid")
    column = next((each for each in _STIMULUS if each in shown), None)
    if column is None:
        raise InputError(f"{path} does not say what was shown: it has no coordinate 'stimulus_id' or 'image_id' of presentations.")
    stimuli = [str(each) for each in shown[column]]
    ids, parts = gather(values, stimuli, order=shown["repetition"].to_numpy() if "repetition" in shown else None)
    units, notes = _units(neuroids, roi)
    if TIME in axes:
        parts["times"], said = content.times()
        notes += said
        if len(parts["times"]) == 1:
            parts = {each: array[..., 0] for each, array in parts.items() if each != "times"}
    table = of_stimuli(shown.drop(columns=[column]), stimuli)
    try:
        return Recording(
            ids=ids, units=units, stimuli=table, name=path.stem if name is None else name, notes=notes, bad_units=bad_units,
            small_rois=small_rois, **parts,
        )  # fmt: skip
    except IsomorphError as error:
        raise type(error)(f"{path}: {error}") from error


def _units(neuroids: pandas.DataFrame, roi: str | None) -> tuple[pandas.DataFrame, tuple[str, ...]]:
    found = next((each for each in _SUBJECT if each in neuroids), None)
    renamed = neuroids.rename(columns={found: "subject"} if found else {})
    return rois_of_text(renamed, roi)
