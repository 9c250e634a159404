"""Files that say all of a recording, by their kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from isomorph.brains._rdm_recording import RDMRecording
from isomorph.brains._recording import BadUnits, Recording, SmallROIs
from isomorph.brains._recording_folder import read_folder
from isomorph.errors import FileError, InputError

_HDF5 = (".h5", ".hdf5")


def read_whole(path: Path, given: Mapping[str, Any], bad_units: BadUnits, small_rois: SmallROIs) -> Recording | RDMRecording | None:
    """What the reader of a file's own kind makes of it; None of plain arrays and tables.

    Raises:
        InputError: An option was given that this reader does not take.
    """
    found = _reader(path)
    if found is None:
        return None
    kind, read, takes = found
    if spare := [each for each in given if each not in takes]:
        raise InputError(f"{path} is {kind}, which is read without {spare[0]}=…; isomorph.brains has its reader, with more options.")
    policies = {} if read is read_folder else {"bad_units": bad_units, "small_rois": small_rois}  # what was saved is as it was
    recording: Recording | RDMRecording = read(path, **given, **policies)
    return recording


def _reader(path: Path) -> tuple[str, Callable[..., Any], tuple[str, ...]] | None:
    name = path.name.lower()
    if path.is_dir():
        if (path / "nsddata_betas").is_dir():
            from isomorph.brains._read_nsd import read_nsd

            return "a folder of NSD", read_nsd, ()
        return "a saved folder", read_folder, ()
    if name.endswith(".nc"):
        from isomorph.brains._read_brainio import read_brainio

        return "an assembly", read_brainio, ("key", "roi", "name")
    if name.endswith((".nii", ".nii.gz")):
        from isomorph.brains._read_nifti import read_nifti

        return "a brain image", read_nifti, ("name",)
    if name.endswith((".fif", ".fif.gz")):
        from isomorph.brains._read_mne import read_mne

        return "epochs of MNE", read_mne, ("roi", "name")
    if name.endswith((".pkl", ".pickle")) or (name.endswith(_HDF5) and _is_rsatoolbox(path)):
        from isomorph.brains._read_rsatoolbox import read_rsatoolbox

        return "a file of rsatoolbox", lambda path, roi=None, **options: read_rsatoolbox(path, region=roi, **options), ("roi", "name")
    return None


def _is_rsatoolbox(path: Path) -> bool:
    """Whether an HDF5 file says so, or is a pickle under a false name."""
    import h5py

    try:
        with path.open("rb") as stream:
            if stream.read(1) == b"\x80":
                return True
        with h5py.File(path, "r") as file:
            return "rsatoolbox_version" in file.attrs
    except FileNotFoundError as error:
        raise FileError(f"there is no file {path}.") from error
    except OSError:
        return False  # the reader of arrays says what is wrong
