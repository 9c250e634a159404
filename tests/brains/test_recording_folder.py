"""Recordings come back from their folders as they were."""

import json
from pathlib import Path

import numpy as np
import pandas
import pytest

from isomorph.brains import Recording
from isomorph.errors import DigestError, FileError, InputError


def full() -> Recording:
    rng = np.random.default_rng(0)
    trials = rng.normal(size=(12, 3, 25)).astype(np.float32)
    trials[3, 2] = np.nan
    units = pandas.DataFrame(
        {"subject": ["a"] * 25, "IT": [True] * 11 + [False] * 14, "ncsnr": rng.random(25)}, index=[f"u{i}" for i in range(25)]
    )
    stimuli = pandas.DataFrame({"label": ["Ä", None] * 6, "area": rng.random(12)})
    return Recording(ids=tuple(f"s{i}" for i in range(12)), trials=trials, units=units, stimuli=stimuli, name="round")


def test_round_trip(tmp_path: Path) -> None:
    it = full()
    it.save(tmp_path / "a" / "b")
    back = Recording.load(tmp_path / "a" / "b")
    assert back.digest == it.digest
    assert (back.name, back.notes, back.roi_columns, back.ids) == (it.name, it.notes, it.roi_columns, it.ids)
    assert np.array_equal(back.trials, it.trials, equal_nan=True)
    pandas.testing.assert_frame_equal(back.units, it.units)
    pandas.testing.assert_frame_equal(back.stimuli, it.stimuli)
    assert [each.name for each in (tmp_path / "a").iterdir()] == ["b"], "nothing temporary is left"


def test_round_trip_of_a_mean_over_time(tmp_path: Path) -> None:
    it = Recording(ids=("a", "b", "c"), responses=np.random.default_rng(0).normal(size=(3, 2, 4)), repeats=5, times=[0.0, 0.1, 0.2, 0.4])
    it.save(tmp_path / "m")
    back = Recording.load(tmp_path / "m")
    assert back.digest == it.digest
    assert back.repeats.tolist() == [5, 5, 5]
    assert back.take(["c"]).digest == it.take(["c"]).digest


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    with pytest.raises(InputError, match="is there already"):
        full().save(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years"


def test_what_a_file_cannot_hold_is_refused_before_anything_is_there(tmp_path: Path) -> None:
    it = Recording(ids=("a", "b"), responses=np.eye(2), stimuli=pandas.DataFrame({"captions": [["x"], ["y", "z"]]}))
    with pytest.raises(InputError, match="the column 'captions' of the table of stimuli holds list; a file takes columns of texts"):
        it.save(tmp_path / "r")
    assert not list(tmp_path.iterdir())


def test_changed_files_are_noticed(tmp_path: Path) -> None:
    full().save(tmp_path / "r")
    trials = np.load(tmp_path / "r" / "trials.npy")
    trials[0, 0, 0] += 1
    np.save(tmp_path / "r" / "trials.npy", trials)
    with pytest.raises(DigestError, match="does not hold the recording that was saved there"):
        Recording.load(tmp_path / "r")


@pytest.mark.parametrize(
    "card", ["[]", "{}", '{"isomorph": "recording", "format": 1}', '{"isomorph": "recording", "format": 2}', "no JSON"]
)
def test_foreign_cards(tmp_path: Path, card: str) -> None:
    full().save(tmp_path / "r")
    (tmp_path / "r" / "recording.json").write_text(card)
    with pytest.raises(FileError):
        Recording.load(tmp_path / "r")


def test_parts_that_do_not_fit(tmp_path: Path) -> None:
    full().save(tmp_path / "r")
    card = json.loads((tmp_path / "r" / "recording.json").read_text())
    (tmp_path / "r" / "recording.json").write_text(json.dumps({**card, "ids": card["ids"][:-1]}))
    with pytest.raises(FileError, match="holds no recording: trials have 12 rows, but there are 11 stimulus ids"):
        Recording.load(tmp_path / "r")


def test_pickled_arrays_are_not_read(tmp_path: Path) -> None:
    full().save(tmp_path / "r")
    np.save(tmp_path / "r" / "trials.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(FileError, match="never are"):
        Recording.load(tmp_path / "r")
