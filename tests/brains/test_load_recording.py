"""Recordings from plain tables, as labs have them."""

from pathlib import Path

import numpy as np
import pandas
import pytest

from isomorph.brains import load_recording
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
    with pytest.raises(FileError, match="responses are read from"):
        load_recording(tmp_path / "x.mat5")
    with pytest.raises(FileError, match="there is no file"):
        load_recording(tmp_path / "none.npz")
    np.savez(tmp_path / "two.npz", a=VALUES, b=VALUES)
    with pytest.raises(InputError, match="holds 2 arrays that could be responses; name one with key="):
        load_recording(tmp_path / "two.npz")
    with pytest.raises(InputError, match="holds no array called 'c'"):
        load_recording(tmp_path / "two.npz", key="c")
    assert load_recording(tmp_path / "two.npz", key="b").width == 15
