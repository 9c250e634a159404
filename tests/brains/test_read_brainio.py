"""Assemblies written by xarray and h5netcdf, as BrainIO writes them, and files that only look so."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import xarray

from isomorph.brains import read_brainio
from isomorph.errors import FileError, InputError, NonFiniteError, ShapeError

RNG = np.random.default_rng(0)
TRIALS = RNG.normal(size=(6, 3, 24)).astype(np.float32)


def assembly(*, time: bool = False, shuffle: bool = True) -> xarray.DataArray:
    """6 images × 3 repetitions, shuffled; 24 sites of two animals in V4 and IT."""
    image, repetition = (each.ravel() for each in np.indices((6, 3)))
    values = TRIALS[image, repetition]
    dims: tuple[str, ...] = ("presentation", "neuroid")
    coordinates = {
        "image_id": ("presentation", [f"im{each}" for each in image]),
        "repetition": ("presentation", repetition),
        "object_name": ("presentation", [f"object {each % 2}" for each in image]),
        "correct": ("presentation", image % 2 == 0),
        "session_length": ("presentation", RNG.random(18)),
        "neuroid_id": ("neuroid", [f"Chabo_L_{each}" for each in range(24)]),
        "animal": ("neuroid", ["Chabo"] * 12 + ["Tito"] * 12),
        "region": ("neuroid", ["V4"] * 12 + ["IT"] * 12),
        "x": ("neuroid", RNG.normal(size=24)),
    }
    if time:
        values = np.stack([values, 2 * values], axis=2)
        dims += ("time_bin",)
        coordinates |= {"time_bin_start": ("time_bin", [70, 170]), "time_bin_end": ("time_bin", [170, 270])}
    whole = xarray.DataArray(values, dims=dims, coords=coordinates, name="dicarlo.Test")
    return whole.isel(presentation=RNG.permutation(18)) if shuffle else whole


def written(folder: Path, content: xarray.DataArray | xarray.Dataset, **options: object) -> Path:
    content.to_netcdf(folder / "a.nc", engine="h5netcdf", **options)
    return folder / "a.nc"


def test_repetitions_become_trials(tmp_path: Path) -> None:
    it = read_brainio(written(tmp_path, assembly()))
    assert sorted(it.ids) == [f"im{each}" for each in range(6)]
    assert np.array_equal(it.take([f"im{each}" for each in range(6)]).trials, TRIALS)
    assert it.subjects == ("Chabo", "Tito")
    assert it.rois == {"V4": {"Chabo": 12}, "IT": {"Tito": 12}}
    assert it.units["neuroid_id"].tolist()[:2] == ["Chabo_L_0", "Chabo_L_1"]
    assert it.stimuli.loc["im3", "object_name"] == "object 1"
    assert it.stimuli["correct"].dtype == bool
    assert "session_length" not in it.stimuli, "differs between repeats of one image"
    assert it.notes == ("ROIs from the column 'region' of units: V4, IT",)
    assert it.name == "a"


def test_axes_in_another_order_and_averages(tmp_path: Path) -> None:
    mean = assembly(shuffle=False).groupby("image_id").mean().rename(image_id="presentation")
    mean = mean.assign_coords(stimulus_id=("presentation", mean["presentation"].values)).drop_vars("presentation")
    mean = mean.assign_coords({each: assembly()[each] for each in ("animal", "neuroid_id")})
    it = read_brainio(written(tmp_path, mean.transpose("neuroid", "presentation")), name="hvm")
    assert (it.trials, it.repeats, it.name) == (None, None, "hvm")
    assert it.responses == pytest.approx(TRIALS.mean(axis=1), abs=1e-6)


def test_time_bins(tmp_path: Path) -> None:
    it = read_brainio(written(tmp_path, assembly(time=True)))
    assert it.times.tolist() == [0.12, 0.22]
    assert np.array_equal(it.take([f"im{each}" for each in range(6)]).trials[..., 1], 2 * TRIALS)
    assert it.notes[-1] == "2 time bins from 70 to 270 ms after the stimulus came on"
    (tmp_path / "a.nc").unlink()
    one = read_brainio(written(tmp_path, assembly(time=True).isel(time_bin=[0]).transpose("time_bin", "neuroid", "presentation")))
    assert one.times is None
    assert np.array_equal(one.take([f"im{each}" for each in range(6)]).trials, TRIALS)
    assert one.notes[-1] == "1 time bin from 70 to 170 ms after the stimulus came on"


def test_unequal_repetitions(tmp_path: Path) -> None:
    it = read_brainio(written(tmp_path, assembly(shuffle=False).isel(presentation=slice(0, -2))))
    assert it.repeats.tolist() == [3, 3, 3, 3, 3, 1]
    assert it.notes[-1].startswith("repeats of unequal number: 1 to 3")


def test_multi_indices_are_flat_in_files(tmp_path: Path) -> None:
    indexed = assembly().set_index(presentation=["image_id", "repetition"], neuroid=["neuroid_id", "animal"])
    it = read_brainio(written(tmp_path, indexed.reset_index(["presentation", "neuroid"])))
    assert np.array_equal(it.take([f"im{each}" for each in range(6)]).trials, TRIALS)


def test_packed_numbers_and_fill_values(tmp_path: Path) -> None:
    whole = assembly(shuffle=False)
    values = whole.values.copy()
    values[4, 2] = np.nan
    encoding = {"dicarlo.Test": {"dtype": "int16", "scale_factor": 0.001, "add_offset": 0.5, "_FillValue": -32768}}
    it = read_brainio(written(tmp_path, whole.copy(data=values), encoding=encoding))
    assert np.isnan(it.trials[1, 1, 2])
    assert int(np.isnan(it.trials).sum()) == 1
    assert np.nan_to_num(it.trials) == pytest.approx(np.nan_to_num(values.reshape(6, 3, 24)), abs=6e-4)


def test_characters_as_netcdf_had_them(tmp_path: Path) -> None:
    text = {each: {"dtype": "S1"} for each in ("image_id", "region", "animal", "neuroid_id", "object_name")}
    it = read_brainio(written(tmp_path, assembly(), encoding=text))
    assert sorted(it.ids) == [f"im{each}" for each in range(6)]
    assert it.rois["V4"] == {"Chabo": 12}
    assert it.units["neuroid_id"].tolist()[-1] == "Chabo_L_23"


def test_a_roi_of_ones_own(tmp_path: Path) -> None:
    it = read_brainio(written(tmp_path, assembly()), roi="subject", small_rois="keep")
    assert it.rois == {"Chabo": {"Chabo": 12}, "Tito": {"Tito": 12}}


def test_missing_values_are_refused_or_dropped(tmp_path: Path) -> None:
    mean = assembly(shuffle=False).isel(presentation=slice(0, None, 3))
    values = mean.values.copy()
    values[2, 5] = np.nan
    values[:, 6] = 1
    path = written(tmp_path, mean.copy(data=values))
    with pytest.raises(NonFiniteError, match=r"a\.nc: 1 of 24 units are NaN for some stimulus; the first is unit 5"):
        read_brainio(path)
    it = read_brainio(path, bad_units="drop", small_rois="keep")
    assert it.width == 22
    assert it.notes[-1] == "2 of 24 units dropped: 1 with NaN, 1 constant"


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no file"):
        read_brainio(tmp_path / "none.nc")
    (tmp_path / "text.nc").write_text("presentation,neuroid")
    with pytest.raises(FileError, match="cannot be read as an HDF5 file"):
        read_brainio(tmp_path / "text.nc")
    whole = written(tmp_path, assembly())
    (tmp_path / "cut.nc").write_bytes(whole.read_bytes()[:3000])
    with pytest.raises(FileError, match="cannot be read as an HDF5 file"):
        read_brainio(tmp_path / "cut.nc")
    with scipy.io.netcdf_file(tmp_path / "old.nc", "w") as old:
        old.createDimension("presentation", 3)
    with pytest.raises(FileError, match=r"old\.nc is a netCDF-3 file; assemblies are netCDF-4\. Convert it: nccopy -k nc4 old\.nc new\.nc"):
        read_brainio(tmp_path / "old.nc")
    with pytest.raises(FileError, match=r"a\.nc .* unpacks to [\d,]+ bytes, over the limit of 1,000"):
        read_brainio(whole, limit_bytes=1000)
    with h5py.File(tmp_path / "link.nc", "w") as file:
        file["values"] = h5py.ExternalLink("/etc/passwd", "x")
    with pytest.raises(FileError, match="points into another file"):
        read_brainio(tmp_path / "link.nc")


def test_files_that_hold_something_else(tmp_path: Path) -> None:
    path = written(tmp_path, xarray.Dataset({"sea": (("lat", "lon"), np.ones((2, 3)))}))
    with pytest.raises(
        FileError, match=r"is no assembly: no variable has the axes presentation and neuroid. It holds sea \['lat', 'lon'\]\."
    ):
        read_brainio(path)
    path.unlink()
    two = assembly().to_dataset(name="a").assign(b=assembly(shuffle=False))
    with pytest.raises(InputError, match=r"holds 2 variables that could be responses; name one with key=…: a, b\."):
        read_brainio(written(tmp_path, two))
    assert read_brainio(tmp_path / "a.nc", key="b").width == 24
    with pytest.raises(InputError, match=r"has no responses called 'c'; with presentations and neuroids there are a, b\."):
        read_brainio(tmp_path / "a.nc", key="c")
    (tmp_path / "a.nc").unlink()
    with pytest.raises(InputError, match="does not say what was shown: it has no coordinate 'stimulus_id' or 'image_id' of presentations"):
        read_brainio(written(tmp_path, assembly().drop_vars("image_id")))
    (tmp_path / "a.nc").unlink()
    with pytest.raises(ShapeError, match="has the axes presentation, neuroid, depth; a recording takes presentation, neuroid and time_bin"):
        read_brainio(written(tmp_path, assembly().expand_dims(depth=2, axis=2)))
    (tmp_path / "a.nc").unlink()
    with pytest.raises(InputError, match="has a time axis, but no coordinate 'time_bin_start'"):
        read_brainio(written(tmp_path, assembly(time=True).drop_vars("time_bin_start")))
