"""Epochs that MNE made."""

from pathlib import Path

import numpy as np
import pandas
import pytest

from isomorph.brains import Recording, read_mne
from isomorph.errors import FileError, InputError, UnknownNameError

mne = pytest.importorskip("mne", reason="epochs are made with MNE")
CHANNELS = [f"E{each}" for each in range(12)]
VALUES = np.random.default_rng(0).normal(size=(9, 13, 5)) * 1e-6


def epochs(*, events: list[int] | None = None, metadata: pandas.DataFrame | None = None, values: np.ndarray = VALUES) -> object:
    info = mne.create_info([*CHANNELS, "STI"], 100.0, ["eeg"] * 12 + ["stim"])
    codes = events or [1, 2, 3, 1, 2, 3, 1, 2, 3]
    rows = np.c_[np.arange(9) * 50, np.zeros(9, dtype=int), codes]
    known = {name: code for name, code in {"cat": 1, "dog": 2, "car": 3}.items() if code in codes}
    return mne.EpochsArray(values, info, events=rows, event_id=known, tmin=-0.02, metadata=metadata, verbose="error")


def test_events_are_stimuli() -> None:
    it = read_mne(epochs(), subject="anna", name="eeg")
    assert it.ids == ("cat", "dog", "car")
    assert np.array_equal(it.trials, VALUES[:, :12].reshape(3, 3, 12, 5).transpose(1, 0, 2, 3))
    assert it.times == pytest.approx([-0.02, -0.01, 0, 0.01, 0.02])
    assert it.units["channel"].tolist() == CHANNELS
    assert set(it.units["type"]) == {"eeg"}
    assert "x" not in it.units, "nobody said where they lay"
    assert it.subjects == ("anna",)
    assert repr(it) == "Recording 'eeg': 3 stimuli × 12 units × 5 times, 1 subject, 3 repeats"


def test_from_a_file(tmp_path: Path) -> None:
    made = epochs(events=[1, 2, 2, 1, 2, 3, 1, 2, 3])
    made.info["bads"] = ["E3"]
    made.set_montage(mne.channels.make_dig_montage({name: [0.01 * row, 0.02, 0.03] for row, name in enumerate(CHANNELS)}))
    made.save(tmp_path / "s-epo.fif", verbose="error")
    it = read_mne(tmp_path / "s-epo.fif")
    assert it.repeats.tolist() == [3, 4, 2]
    assert it.units["channel"].tolist() == [each for each in CHANNELS if each != "E3"]
    assert it.units["x"].tolist() == pytest.approx([0.01 * row for row in range(12) if row != 3])
    assert it.responses[2, 0] == pytest.approx(VALUES[[5, 8], 0].mean(axis=0))
    assert it.notes == (
        "1 channel marked bad left out",
        "repeats of unequal number: 2 to 4 a stimulus, 3.00 on average; ceilings use the mean of 1/repeats",
    )


def test_metadata_says_what_was_shown() -> None:
    table = pandas.DataFrame({"image": list("xyzxyzxyz"), "kind": list("ppqppqppq"), "rt": np.arange(9.0)})
    it = read_mne(epochs(metadata=table), stimulus="image")
    assert it.ids == ("x", "y", "z")
    assert it.stimuli["kind"].tolist() == ["p", "p", "q"]
    assert "rt" not in it.stimuli
    with pytest.raises(UnknownNameError, match=r"no column of the epochs' metadata is called 'imgae'\. Did you mean 'image'"):
        read_mne(epochs(metadata=table), stimulus="imgae")
    with pytest.raises(UnknownNameError, match="There is none yet"):
        read_mne(epochs(), stimulus="image")


def test_a_table_of_channels_has_rois() -> None:
    table = pandas.DataFrame({"region": ["occipital"] * 10 + ["frontal"] * 2}, index=CHANNELS)
    it = read_mne(epochs(), units=table.iloc[::-1], small_rois="keep")
    assert it.rois == {"occipital": {"": 10}, "frontal": {"": 2}}
    with pytest.warns(UserWarning, match="the ROI 'frontal' has 2 units, fewer than 10"):
        read_mne(epochs(), units=table)
    with pytest.raises(InputError, match="the table of units lacks 2 of 12 channels; the first is 'E10'"):
        read_mne(epochs(), units=table[:10])


def test_picks_and_dropped_epochs() -> None:
    made = epochs()
    made.drop([0, 4], reason="blink", verbose="error")
    it = read_mne(made, picks=["E5", "E1"])
    assert sorted(it.units["channel"]) == ["E1", "E5"]
    assert it.notes[0] == "2 epochs had been dropped"
    assert dict(zip(it.ids, it.repeats.tolist(), strict=True)) == {"cat": 2, "dog": 2, "car": 3}
    with pytest.raises(InputError, match="chooses no channels"):
        read_mne(made, picks="mag")
    with pytest.raises(InputError, match="the epochs are none: all were dropped"):
        read_mne(made.drop(np.arange(7), verbose="error"))


def test_dead_channels() -> None:
    values = VALUES.copy()
    values[:, 4] = 0
    with pytest.raises(InputError, match="1 of 12 units are constant; the first is unit 4"):
        read_mne(epochs(values=values))
    assert isinstance(read_mne(epochs(values=values), bad_units="drop"), Recording)


def test_other_things(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="epochs must be an object of MNE, or the path of one; got int"):
        read_mne(3)
    with pytest.raises(FileError, match="there is no file"):
        read_mne(tmp_path / "none-epo.fif")
    (tmp_path / "text-epo.fif").write_text("no epochs at all")
    with pytest.raises(FileError, match=r"text-epo\.fif cannot be read as epochs of MNE"):
        read_mne(tmp_path / "text-epo.fif")
    epochs().save(tmp_path / "s-epo.fif", verbose="error")
    (tmp_path / "cut-epo.fif").write_bytes((tmp_path / "s-epo.fif").read_bytes()[:3000])
    with pytest.raises(FileError, match=r"cut-epo\.fif cannot be read as epochs of MNE"):
        read_mne(tmp_path / "cut-epo.fif")
