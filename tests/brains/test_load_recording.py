"""Recordings from files of every kind, as labs have them."""

import os
from pathlib import Path

import h5py
import numpy as np
import pandas
import pytest
import scipy.io
from scipy.spatial.distance import squareform

from isomorph.brains import RDMRecording, Recording, load_recording
from isomorph.errors import FileError, IdError, InputError, ShapeError, UnknownNameError

IDS = [f"img{i}.png" for i in range(6)]
VALUES = np.random.default_rng(0).normal(size=(6, 15))
UNITS = pandas.DataFrame({"subject": ["s1"] * 15, "V1": [1] * 11 + [0] * 4})
STIMULI = pandas.DataFrame({"label": list("abcdef"), "filename": IDS})


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    UNITS.to_csv(tmp_path / "units.csv", index=False)
    STIMULI.to_csv(tmp_path / "stimuli.csv", index=False)
    STIMULI.iloc[::-1].to_parquet(tmp_path / "reversed.parquet", index=False)
    pandas.DataFrame(VALUES, index=pandas.Index(IDS, name="stimulus")).to_csv(tmp_path / "responses.csv")
    frame = pandas.DataFrame(VALUES, index=pandas.Index(IDS, name="stimulus"))
    frame.set_axis([f"u{i}" for i in range(15)], axis=1).to_parquet(tmp_path / "responses.parquet")
    np.save(tmp_path / "responses.npy", VALUES)
    np.savez(tmp_path / "responses.npz", responses=VALUES, ids=np.array(IDS), repeats=np.array([1, 2, 3, 3, 3, 3]))
    return tmp_path


@pytest.mark.parametrize("name", ["responses.csv", "responses.parquet", "responses.npy", "responses.npz"])
def test_three_tables(tables: Path, name: str) -> None:
    it = load_recording(tables / name, tables / "units.csv", tables / "stimuli.csv")
    assert it.ids == tuple(IDS)
    assert np.allclose(it.responses, VALUES)
    assert it.rois == {"V1": {"s1": 11}}
    assert it.stimuli.loc["img2.png", "label"] == "c"
    assert it.name == "responses"


@pytest.mark.parametrize("name", ["responses.csv", "responses.parquet", "responses.npz"])
def test_stimuli_are_joined_by_id(tables: Path, name: str) -> None:
    it = load_recording(tables / name, stimuli=tables / "reversed.parquet")
    assert list(it.stimuli["label"]) == list("abcdef")


def test_responses_alone(tables: Path) -> None:
    assert load_recording(tables / "responses.npy").ids == ("0", "1", "2", "3", "4", "5")
    assert load_recording(tables / "responses.npz").repeats.tolist() == [1, 2, 3, 3, 3, 3]
    assert load_recording(tables / "responses.npy", repeats=3, name="it").repeats.tolist() == [3] * 6


def test_units_first(tables: Path) -> None:
    np.save(tables / "transposed.npy", VALUES.T)
    with pytest.raises(
        ShapeError, match=r"15 rows and 6 columns, but there are 6 stimuli and 15 units: transpose them\. Of a file, say axes="
    ):
        load_recording(tables / "transposed.npy", tables / "units.csv", tables / "stimuli.csv")
    it = load_recording(tables / "transposed.npy", tables / "units.csv", tables / "stimuli.csv", axes=("unit", "stimulus"))
    assert np.array_equal(it.responses, VALUES)


@pytest.mark.parametrize("index", ["unit_id", "voxel", None])
def test_tables_with_units_first(tables: Path, index: str | None) -> None:
    names = [f"v{i}" for i in range(15)] if index == "voxel" else range(15)
    frame = pandas.DataFrame(VALUES.T, columns=IDS, index=pandas.Index(names, name=index))
    frame.to_csv(tables / "transposed.csv")
    frame.to_parquet(tables / "transposed.parquet")
    for name in ("transposed.csv", "transposed.parquet"):
        it = load_recording(tables / name, tables / "units.csv", tables / "reversed.parquet", axes=("unit", "stimulus"))
        assert it.ids == tuple(IDS)
        assert np.allclose(it.responses, VALUES)
        assert list(it.stimuli["label"]) == list("abcdef")
    with pytest.raises(ShapeError, match=r"15 rows and [67] columns, but there are 15 units: transpose them\. Of a file, say axes="):
        load_recording(tables / "transposed.csv", tables / "units.csv")


def test_numbers_as_ids(tables: Path) -> None:
    frame = pandas.DataFrame(VALUES)
    frame.insert(0, "stimulus_id", [7, 3, 5, 1, 9, 2])
    frame.to_csv(tables / "n.csv", index=False)
    it = load_recording(tables / "n.csv", tables / "units.csv")
    assert it.ids == ("7", "3", "5", "1", "9", "2")
    assert np.allclose(it.responses, VALUES)


def test_a_table_without_header_or_ids(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "bare.csv", VALUES, delimiter=",")
    it = load_recording(tmp_path / "bare.csv")
    assert it.ids == ("0", "1", "2", "3", "4", "5")
    assert np.allclose(it.responses, VALUES)


def test_trials_and_times(tmp_path: Path) -> None:
    trials = np.random.default_rng(0).normal(size=(6, 2, 15))
    np.savez(tmp_path / "t.npz", trials=trials, other=np.zeros((2, 2)))
    assert np.array_equal(load_recording(tmp_path / "t.npz").trials, trials)
    np.save(tmp_path / "t.npy", trials.transpose(2, 0, 1))
    assert np.array_equal(load_recording(tmp_path / "t.npy", axes=("unit", "stimulus", "repeat")).trials, trials)
    with pytest.raises(InputError, match="say what its axes are"):
        load_recording(tmp_path / "t.npy")
    np.savez(tmp_path / "timed.npz", responses=trials, times=np.linspace(0, 1, 15))
    assert load_recording(tmp_path / "timed.npz").features(time=1).values == pytest.approx(trials[:, :, 14])


def test_a_saved_folder(tables: Path) -> None:
    it = load_recording(tables / "responses.npz", tables / "units.csv", tables / "stimuli.csv")
    it.save(tables / "saved")
    assert load_recording(tables / "saved").digest == it.digest


def test_bad_units_are_said_with_the_file_or_dropped(tmp_path: Path) -> None:
    values = VALUES.copy()
    values[:, 2] = 0
    np.save(tmp_path / "r.npy", values)
    with pytest.raises(InputError, match=r"r\.npy: 1 of 15 units are constant"):
        load_recording(tmp_path / "r.npy")
    assert load_recording(tmp_path / "r.npy", bad_units="drop").width == 14


def test_missing_and_doubled_stimuli(tables: Path) -> None:
    STIMULI.iloc[:4].to_csv(tables / "few.csv", index=False)
    with pytest.raises(IdError, match=r"few\.csv lacks 2 of the 6 stimuli of the responses; the first is 'img4\.png'"):
        load_recording(tables / "responses.npz", stimuli=tables / "few.csv")
    pandas.concat([STIMULI, STIMULI[:1]]).to_csv(tables / "twice.csv", index=False)
    with pytest.raises(IdError, match=r"twice\.csv has the stimulus 'img0\.png' twice"):
        load_recording(tables / "responses.npz", stimuli=tables / "twice.csv")


def test_unknown_policies_are_said_as_they_are(tables: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"^no policy for bad units is called 'dorp'"):
        load_recording(tables / "responses.npy", bad_units="dorp")  # type: ignore[arg-type]


def test_ids_as_bytes(tmp_path: Path) -> None:
    np.savez(tmp_path / "r.npz", responses=VALUES, ids=np.array(IDS, dtype="S"))
    assert load_recording(tmp_path / "r.npz").ids == tuple(IDS)


def test_hostile_and_unknown_files(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(FileError, match="never are"):
        load_recording(tmp_path / "p.npy")
    (tmp_path / "x.mat5").write_bytes(b"x")
    with pytest.raises(FileError, match=r"has the suffix '\.mat5'; recordings are read from"):
        load_recording(tmp_path / "x.mat5")
    with pytest.raises(FileError, match="there is no file"):
        load_recording(tmp_path / "none.npz")
    np.savez(tmp_path / "two.npz", a=VALUES, b=VALUES)
    with pytest.raises(InputError, match="holds 2 arrays that could be responses; name one with key="):
        load_recording(tmp_path / "two.npz")
    with pytest.raises(InputError, match="holds no array called 'c'"):
        load_recording(tmp_path / "two.npz", key="c")
    assert load_recording(tmp_path / "two.npz", key="b").width == 15


def test_arrays_in_matlab_and_hdf5_files(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "r.mat", {"responses": VALUES, "ids": np.array(IDS, dtype=object)})
    with h5py.File(tmp_path / "r.h5", "w") as file:
        file["responses"], file["ids"] = VALUES, IDS
    for name in ("r.mat", "r.h5"):
        it = load_recording(tmp_path / name)
        assert it.ids == tuple(IDS)
        assert np.array_equal(it.responses, VALUES)
    with h5py.File(tmp_path / "l.h5", "w") as file:
        file["responses"] = h5py.ExternalLink("/etc/passwd", "x")
    with pytest.raises(FileError, match="points into another file"):
        load_recording(tmp_path / "l.h5")


@pytest.mark.parametrize("column", ["region", "ROI", "parcel"])
def test_rois_in_one_column_of_texts(tables: Path, column: str) -> None:
    UNITS.drop(columns="V1").assign(**{column: ["V1"] * 10 + ["V4"] * 4 + [None]}).to_csv(tables / "text.csv", index=False)
    it = load_recording(tables / "responses.npy", tables / "text.csv", roi="parcel" if column == "parcel" else None, small_rois="keep")
    assert it.rois == {"V1": {"s1": 10}, "V4": {"s1": 4}}
    assert it.notes == (f"ROIs from the column {column!r} of units: V1, V4",)


def test_columns_that_name_no_rois(tables: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"no column of units is called 'regoin'"):
        load_recording(tables / "responses.npy", tables / "units.csv", roi="regoin")
    with pytest.raises(InputError, match=r"responses\.npy: the column 'V1' of units is to name ROIs, but holds other than texts"):
        load_recording(tables / "responses.npy", tables / "units.csv", roi="V1")
    with pytest.raises(InputError, match=r"responses\.npy: roi='V1' is a column of the table of units, and none was given"):
        load_recording(tables / "responses.npy", roi="V1")
    UNITS.assign(region="subject").to_csv(tables / "text.csv", index=False)
    with pytest.raises(InputError, match="the column 'region' of units names the ROI 'subject', which is a column already"):
        load_recording(tables / "responses.npy", tables / "text.csv")


def voxel_tables(folder: Path) -> pandas.DataFrame:
    """As the published preparation of NSD has them: voxels first, met by their x-y-z."""
    names = [f"{each}-2-{30 - each}" for each in range(15)]
    frame = pandas.DataFrame(VALUES.T, columns=IDS, index=pandas.Index(names, name="voxel_id"))
    frame.to_csv(folder / "betas.csv")
    frame.T.rename_axis("stimulus_id").to_csv(folder / "betas_t.csv")
    table = pandas.DataFrame({"voxel_id": names, "subj_id": 1, "ncsnr": np.linspace(0, 1, 15), "EVC": [1] * 11 + [0] * 4, "FFA-1": 1})
    table.iloc[::-1].to_csv(folder / "voxel_metadata.csv", index=False)
    return table


def test_voxels_meet_by_their_names(tmp_path: Path) -> None:
    table = voxel_tables(tmp_path)
    for name, axes in (("betas.csv", ("unit", "stimulus")), ("betas_t.csv", None)):
        it = load_recording(tmp_path / name, tmp_path / "voxel_metadata.csv", axes=axes)
        assert it.units["voxel_id"].tolist() == table["voxel_id"].tolist()
        assert it.units["ncsnr"].tolist() == pytest.approx(table["ncsnr"].tolist())
        assert np.allclose(it.responses, VALUES)
        assert it.rois == {"EVC": {"1": 11}, "FFA-1": {"1": 15}}
    table[:9].to_csv(tmp_path / "few.csv", index=False)
    with pytest.raises(IdError, match=r"few\.csv lacks 6 of the 15 units of the responses; the first is '9-2-21'"):
        load_recording(tmp_path / "betas_t.csv", tmp_path / "few.csv")
    pandas.concat([table, table[:1]]).to_csv(tmp_path / "twice.csv", index=False)
    with pytest.raises(IdError, match=r"twice\.csv has the unit '0-2-30' twice"):
        load_recording(tmp_path / "betas_t.csv", tmp_path / "twice.csv")


PAIRS = np.random.default_rng(1).random((3, 15))
SQUARES = np.stack([squareform(each) for each in PAIRS])


def test_rdms_in_files(tables: Path) -> None:
    np.savez(tables / "fmri_IT.npz", SQUARES)
    it = load_recording(tables / "fmri_IT.npz", stimuli=tables / "stimuli.csv")
    assert isinstance(it, RDMRecording)
    assert (it.ids, it.regions, it.name) == (tuple(IDS), ("fmri_IT",), "fmri_IT")
    assert it.rdms["fmri_IT"][:, 0].tolist() == PAIRS.tolist()
    np.savez(tables / "two.npz", EVC=SQUARES, IT=(100 * SQUARES[:2]).astype(np.uint8), ids=np.array(IDS))
    two = load_recording(tables / "two.npz", name="ours")
    assert repr(two) == "RDMRecording 'ours': 6 stimuli, 2 regions (EVC 3 subjects, IT 2 subjects)"
    assert two.ids == tuple(IDS)
    assert load_recording(tables / "two.npz", key="IT").regions == ("IT",)
    np.savez(tables / "condensed.npz", rdms=PAIRS)
    assert load_recording(tables / "condensed.npz").rdms["condensed"][:, 0].tolist() == PAIRS.tolist()
    for values in (SQUARES[0], PAIRS[0]):
        np.save(tables / "V1.npy", values)
        assert load_recording(tables / "V1.npy").rdms["V1"][0, 0].tolist() == PAIRS[0].tolist()
    it.save(tables / "rdms")
    assert load_recording(tables / "rdms").digest == it.digest


def test_rdms_in_a_long_table(tmp_path: Path) -> None:
    rows, columns = np.triu_indices(6, 1)
    table = pandas.DataFrame({"first": np.array(IDS)[rows], "second": np.array(IDS)[columns], "dissimilarity": PAIRS[0]})
    table.to_csv(tmp_path / "long.csv", index=False)
    it = load_recording(tmp_path / "long.csv")
    assert (it.ids, it.rdms["long"][0, 0].tolist()) == (tuple(IDS), PAIRS[0].tolist())
    table[::-1].to_csv(tmp_path / "long.csv", index=False)
    with pytest.raises(InputError, match=r"long\.csv: its pairs are not those of a strict upper triangle, row by row"):
        load_recording(tmp_path / "long.csv")


def test_responses_are_not_taken_for_rdms(tmp_path: Path) -> None:
    np.savez(tmp_path / "r.npz", responses=SQUARES[0] + 0, ids=np.array(IDS))
    assert isinstance(load_recording(tmp_path / "r.npz"), Recording)
    np.save(tmp_path / "r.npy", SQUARES[0] + np.eye(6))
    assert isinstance(load_recording(tmp_path / "r.npy"), Recording)
    np.save(tmp_path / "r.npy", SQUARES[0])
    assert isinstance(load_recording(tmp_path / "r.npy", axes=("stimulus", "unit")), Recording)


def test_rdms_that_do_not_fit(tables: Path) -> None:
    np.savez(tables / "two.npz", EVC=SQUARES, IT=SQUARES[:, :4, :4])
    with pytest.raises(InputError, match=r"two\.npz: it holds RDMs of different stimuli: 'EVC' of 6 stimuli, 'IT' of 4 stimuli\. Name one"):
        load_recording(tables / "two.npz")
    np.savez(tables / "small.npz", EVC=SQUARES[:, :4, :4])
    with pytest.raises(ShapeError, match=r"small\.npz: the RDMs are of 4 stimuli, but there are 6 ids"):
        load_recording(tables / "small.npz", stimuli=tables / "stimuli.csv")
    with pytest.raises(InputError, match=r"small\.npz: it holds RDMs, which have no units"):
        load_recording(tables / "small.npz", tables / "units.csv")
    UNITS.to_csv(tables / "no_ids.csv", index=False)
    with pytest.raises(InputError, match=r"no_ids\.csv has no column of ids: 'stimulus_id', 'stimulus', 'id'"):
        load_recording(tables / "small.npz", stimuli=tables / "no_ids.csv")


def test_structs_of_the_toolbox_for_matlab(tmp_path: Path) -> None:
    def struct(name: str, values: np.ndarray) -> dict[str, object]:
        return {"RDM": values, "name": name, "color": [0, 0, 1]}

    people = np.array([[struct(f"hIT | {who} | Session: {each}", SQUARES[each]) for each in (1, 2)] for who in ("BE", "KO")])
    scipy.io.savemat(tmp_path / "b.mat", {"RDMs": people})
    it = load_recording(tmp_path / "b.mat")
    assert it.subjects == {"hIT": ("BE", "KO")}
    assert np.array_equal(it.rdms["hIT"], np.stack([PAIRS[1:]] * 2))
    scipy.io.savemat(tmp_path / "m.mat", {"Models": np.array([struct("V1", SQUARES[0]), struct("HMAX", PAIRS[1])])})
    models = load_recording(tmp_path / "m.mat")
    assert models.regions == ("V1", "HMAX")
    assert models.mean("HMAX").values.tolist() == PAIRS[1].tolist()
    scipy.io.savemat(tmp_path / "o.mat", {"Models": np.array([struct("V1", SQUARES[0]), struct("HMAX", PAIRS[1, :7])])})
    with pytest.raises(InputError, match=r"o\.mat: an RDM has 7 values; no number of stimuli makes that many pairs"):
        load_recording(tmp_path / "o.mat")


@pytest.mark.skipif("ISOMORPH_DATA_MIRROR" not in os.environ, reason="needs the mirror of public data: ISOMORPH_DATA_MIRROR")
def test_published_rdms() -> None:
    from isomorph import data

    it = load_recording(data.path("kriegeskorte-92", "92_brainRDMs.mat"))
    assert repr(it) == "RDMRecording '92_brainRDMs': 92 stimuli, 1 region (hIT 4 subjects × 2 repeats)"
    models = load_recording(data.path("kriegeskorte-92", "92_modelRDMs.mat"))
    assert len(models.regions) == 8
    animacy = models.mean("animacy").values
    spearman = [scipy.stats.spearmanr(animacy, it.rdm("hIT", each).values).statistic for each in it.subjects_of("hIT")]
    assert np.mean(spearman) == pytest.approx(0.38622, abs=1e-5), "bytes were cast before use"
    fmri = load_recording(data.path("algonauts-78", "brain_data/fmri_EVC_RDMs.npz"))
    assert repr(fmri) == "RDMRecording 'fmri_EVC_RDMs': 78 stimuli, 1 region (fmri_EVC_RDMs 15 subjects)"


def test_every_kind_goes_to_its_reader(tmp_path: Path) -> None:
    xarray, nibabel, mne = (pytest.importorskip(each) for each in ("xarray", "nibabel", "mne"))
    shown = {"stimulus_id": ("presentation", IDS), "region": ("neuroid", ["IT"] * 15)}
    xarray.DataArray(VALUES, dims=("presentation", "neuroid"), coords=shown, name="a").to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    assert load_recording(tmp_path / "a.nc", name="x").rois == {"IT": {"": 15}}
    nibabel.save(nibabel.Nifti1Image(VALUES.T.reshape(3, 5, 1, 6), np.eye(4)), tmp_path / "b.nii.gz")
    assert np.allclose(load_recording(tmp_path / "b.nii.gz").responses, VALUES)
    info = mne.create_info([f"E{each}" for each in range(15)], 10.0, "eeg")
    epochs = mne.EpochsArray(np.stack([VALUES, VALUES + 1], axis=2), info, verbose="error")
    epochs.events[:, 2] = range(6)
    epochs.event_id = {name: code for code, name in enumerate(IDS)}
    epochs.save(tmp_path / "c-epo.fif", verbose="error")
    assert load_recording(tmp_path / "c-epo.fif").responses.shape == (6, 15, 2)
    with pytest.raises(InputError, match=r"a\.nc is an assembly, which is read without units=…; isomorph\.brains has its reader"):
        load_recording(tmp_path / "a.nc", tmp_path / "u.csv")
    (tmp_path / "p.h5").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(FileError, match=r"is a pickle, which can run code when it is read"):
        load_recording(tmp_path / "p.h5")
    (tmp_path / "nsd" / "nsddata_betas").mkdir(parents=True)
    with pytest.raises(FileError, match=r"there is no file .*nsd_expdesign\.mat"):
        load_recording(tmp_path / "nsd")


def test_files_of_rsatoolbox(tmp_path: Path) -> None:
    rsatoolbox = pytest.importorskip("rsatoolbox", reason="files are written by rsatoolbox itself")
    rsatoolbox.rdm.RDMs(PAIRS, rdm_descriptors={"subject": list("abc")}, pattern_descriptors={"stimulus": IDS}).save(str(tmp_path / "r.h5"))
    it = load_recording(tmp_path / "r.h5")
    assert (it.ids, it.subjects) == (tuple(IDS), {"all": ("a", "b", "c")})
