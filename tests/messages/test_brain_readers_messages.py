"""The sentences of the readers of brains, word for word: the same bad input, through every kind of file."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas
import pytest

from isomorph.brains import load_recording, read_brainio, read_mne, read_nifti, read_rsatoolbox
from isomorph.errors import FileError, IdError, InputError, MissingDependencyError, NonFiniteError, ShapeError

STIMULI, REPEATS, UNITS = 6, 2, 24
VALUES = np.random.default_rng(0).normal(size=(STIMULI, REPEATS, UNITS))
SHOWN = [f"im{each}" for each in range(STIMULI) for _ in range(REPEATS)]
Reader = Callable[..., Any]


def said(error: type[Exception], text: str):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


def as_assembly(folder: Path, values: np.ndarray, shown: list[str], rois: list[str], **options: object) -> Any:
    xarray = pytest.importorskip("xarray")
    coordinates = {"stimulus_id": ("presentation", shown), "region": ("neuroid", rois)}
    array = xarray.DataArray(values, dims=("presentation", "neuroid"), coords=coordinates, name="a")
    array.to_netcdf(folder / "it.nc", engine="h5netcdf")
    return read_brainio(folder / "it.nc", **options)


def as_dataset(folder: Path, values: np.ndarray, shown: list[str], rois: list[str], **options: object) -> Any:
    rsatoolbox = pytest.importorskip("rsatoolbox", reason="files are written by rsatoolbox itself")
    made = rsatoolbox.data.Dataset(values, obs_descriptors={"stimulus": shown}, channel_descriptors={"region": rois})
    made.save(str(folder / "it.h5"), file_type="hdf5", overwrite=True)
    return read_rsatoolbox(folder / "it.h5", **options)


def as_volumes(folder: Path, values: np.ndarray, shown: list[str], rois: list[str], **options: object) -> Any:
    nibabel = pytest.importorskip("nibabel")
    image = nibabel.Nifti1Image(values.T.reshape(4, 6, 1, -1), np.eye(4))
    masks = {roi: np.array([each == roi for each in rois]).reshape(4, 6, 1) for roi in dict.fromkeys(rois)}
    return read_nifti(image, mask=np.ones((4, 6, 1)), rois=masks, ids=shown, **options)


def as_epochs(folder: Path, values: np.ndarray, shown: list[str], rois: list[str], **options: object) -> Any:
    mne = pytest.importorskip("mne")
    names = list(dict.fromkeys(shown))
    events = np.c_[np.arange(len(shown)), np.zeros(len(shown), dtype=int), [names.index(each) + 1 for each in shown]]
    info = mne.create_info([f"E{each}" for each in range(values.shape[1])], 10.0, "eeg")
    known = {name: code for code, name in enumerate(names, start=1)}
    made = mne.EpochsArray(values[:, :, None] + np.zeros(2), info, events=events, event_id=known, verbose="error")
    table = pandas.DataFrame({"region": rois}, index=info["ch_names"])
    return read_mne(made, units=table, **options)


def as_array(folder: Path, values: np.ndarray, shown: list[str], rois: list[str], **options: object) -> Any:
    """What has repeats in a file of arrays has them on an axis."""
    kinds = list(dict.fromkeys(shown))
    trials = np.full((len(kinds), REPEATS, values.shape[1]), np.nan)
    for row, each in enumerate(shown):
        trials[kinds.index(each), shown[:row].count(each)] = values[row]
    np.savez(folder / "it.npz", trials=trials, ids=np.array(kinds))
    pandas.DataFrame({"region": rois}).to_csv(folder / "units.csv", index=False)
    return load_recording(folder / "it.npz", folder / "units.csv", **options)


READERS = {"it.nc: ": as_assembly, "it.h5: ": as_dataset, "": as_volumes, " ": as_epochs, "it.npz: ": as_array}
REGIONS = ["V4"] * 12 + ["IT"] * 12


@pytest.fixture(params=READERS, ids=["BrainIO", "rsatoolbox", "NIfTI", "MNE", "arrays"])
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Reader]:
    """What stands before the sentence, and how to read."""
    read = READERS[request.param]
    before = f"{tmp_path}/{request.param}" if request.param.strip() else ""
    return before, lambda *arguments, **options: read(tmp_path, *arguments, **options)


def flat(values: np.ndarray = VALUES) -> np.ndarray:
    return values.reshape(STIMULI * REPEATS, UNITS)


def test_good_input_is_the_same_through_all(reader: tuple[str, Reader]) -> None:
    it = reader[1](flat(), SHOWN, REGIONS)
    assert it.ids == tuple(f"im{each}" for each in range(STIMULI))
    trials = it.trials if it.trials.ndim == 3 else it.trials[..., 0]
    assert np.allclose(trials, VALUES)
    assert {roi: sum(each.values()) for roi, each in it.rois.items()} == {"V4": 12, "IT": 12}


def test_constant_units(reader: tuple[str, Reader]) -> None:
    values = VALUES.copy()
    values[:, :, [3, 9]] = 4
    with said(
        InputError, f"{reader[0]}2 of 24 units are constant; the first is unit 3. Mask them out, or drop them with bad_units='drop'."
    ):
        reader[1](flat(values), SHOWN, REGIONS)
    it = reader[1](flat(values), SHOWN, REGIONS, bad_units="drop")
    assert (it.width, it.notes[-1]) == (22, "2 of 24 units dropped: 0 with NaN, 2 constant")


def test_units_without_numbers(reader: tuple[str, Reader]) -> None:
    values = VALUES.copy()
    values[2, :, 5] = np.nan
    with said(
        NonFiniteError,
        f"{reader[0]}1 of 24 units are NaN for some stimulus; the first is unit 5. Mask them out, or drop them with bad_units='drop'.",
    ):
        reader[1](flat(values), SHOWN, REGIONS)
    it = reader[1](flat(values), SHOWN, REGIONS, bad_units="drop")
    assert (it.width, it.notes[-1]) == (23, "1 of 24 units dropped: 1 with NaN, 0 constant")


def test_infinite_responses(reader: tuple[str, Reader]) -> None:
    values = VALUES.copy()
    values[1, 0, 0] = np.inf
    with said(NonFiniteError, f"{reader[0]}trials are infinite for 1 of 6 stimuli; the first is 'im1'."):
        reader[1](flat(values), SHOWN, REGIONS)


def test_regions_of_few_units(reader: tuple[str, Reader]) -> None:
    few = ["V4"] * 21 + ["IT"] * 3
    text = "the ROI 'IT' has 3 units, fewer than 10: means and RDMs over so few are unstable. Leave it out, or pass small_rois='keep'."
    with pytest.warns(UserWarning, match="^" + re.escape(text) + "$"):
        reader[1](flat(), SHOWN, few)
    with said(InputError, f"{reader[0]}{text}"):
        reader[1](flat(), SHOWN, few, small_rois="error")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        reader[1](flat(), SHOWN, few, small_rois="keep")


def test_repeats_of_unequal_number(reader: tuple[str, Reader]) -> None:
    it = reader[1](flat()[:-1], SHOWN[:-1], REGIONS)
    assert it.repeats.tolist() == [2, 2, 2, 2, 2, 1]
    assert it.notes[-1] == "repeats of unequal number: 1 to 2 a stimulus, 1.83 on average; ceilings use the mean of 1/repeats"


def test_responses_in_the_wrong_orientation(tmp_path: Path) -> None:
    pandas.DataFrame({"region": REGIONS}).to_csv(tmp_path / "units.csv", index=False)
    np.save(tmp_path / "it.npy", VALUES[:, 0].T)
    with said(
        ShapeError,
        f"{tmp_path}/it.npy: responses have 24 rows and 6 columns, but there are 24 units: transpose them. "
        "Of a file, say axes=('unit', 'stimulus').",
    ):
        load_recording(tmp_path / "it.npy", tmp_path / "units.csv")


def test_doubled_stimuli_of_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "it.npz", responses=VALUES[:, 0], ids=np.array(["a", "b", "c", "d", "e", "a"]))
    with said(IdError, f"{tmp_path}/it.npz: the recording has 1 ids that stand more than once; the first is 'a'. Ids must be unique."):
        load_recording(tmp_path / "it.npz")


def test_netcdf_of_old(tmp_path: Path) -> None:
    (tmp_path / "old.nc").write_bytes(b"CDF\x01" + b"\0" * 40)
    with said(
        FileError,
        f"{tmp_path}/old.nc is a netCDF-3 file; assemblies are netCDF-4. Convert it: nccopy -k nc4 old.nc new.nc, or "
        "xarray.open_dataset(…).to_netcdf('new.nc', engine='h5netcdf').",
    ):
        read_brainio(tmp_path / "old.nc")


def test_pickles(tmp_path: Path) -> None:
    (tmp_path / "it.pkl").write_bytes(b"\x80\x04K\x01.")
    text = (
        "is a pickle, which can run code when it is read, so it never is. In rsatoolbox, load it and save it again with file_type='hdf5'."
    )
    for read in (read_rsatoolbox, load_recording):
        with said(FileError, f"{tmp_path}/it.pkl {text}"):
            read(tmp_path / "it.pkl")


def test_descriptors_of_another_length(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "it.h5", "w") as file:
        file["measurements"] = VALUES[:, 0]
        file["obs_descriptors/stimulus"] = [b"a", b"b"]
    with said(ShapeError, f"{tmp_path}/it.h5: the descriptor 'stimulus' has 2 values for 6 observations."):
        read_rsatoolbox(tmp_path / "it.h5")
    with h5py.File(tmp_path / "it.h5", "w") as file:
        file["measurements"] = VALUES[0, 0]
    with said(
        ShapeError,
        f"{tmp_path}/it.h5: measurements need the axes [observation, channel] or [observation, channel, time]; got shape (24,).",
    ):
        read_rsatoolbox(tmp_path / "it.h5")


@pytest.mark.parametrize(("package", "extra"), [("nibabel", "nifti"), ("mne", "mne")])
def test_packages_that_are_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, extra: str) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    (tmp_path / "it.nii").write_bytes(b"x")
    read, needed = (read_nifti, "reading it.nii") if package == "nibabel" else (read_mne, "reading epochs")
    with said(
        MissingDependencyError,
        f"{needed} needs the package {package!r}, which is not installed. Run: pip install 'isomorph[{extra}]'",
    ):
        read(tmp_path / "it.nii")
