"""Recordings: shapes, tables, subsets, repeats, times."""

import subprocess
import sys
import warnings

import numpy as np
import pandas
import pytest

from isomorph.brains import Recording
from isomorph.geometry import RDM


def units() -> pandas.DataFrame:
    return pandas.DataFrame(
        {
            "subject": [1] * 20 + [2] * 20,
            "V1": [1] * 12 + [0] * 8 + [1] * 10 + [0] * 10,
            "OTC": [0] * 8 + [1] * 12 + [0] * 20,
            "ncsnr": np.linspace(0, 1, 40),
            "x": np.arange(40) % 2,
        }
    )


def recording(**changes: object) -> Recording:
    responses = np.random.default_rng(0).normal(size=(30, 40))
    parts = {"ids": [f"s{i}" for i in range(30)], "responses": responses, "units": units(), "name": "sim", **changes}
    return Recording(**parts)  # type: ignore[arg-type]


def test_rois_overlap_and_are_counted_by_subject() -> None:
    it = recording()
    assert it.roi_columns == ("V1", "OTC")
    assert it.rois == {"V1": {"1": 12, "2": 10}, "OTC": {"1": 12}}
    assert repr(it) == "Recording 'sim': 30 stimuli × 40 units, 2 subjects, 2 ROIs (V1 22, OTC 12)"
    assert it.subjects == ("1", "2")


def test_features_are_the_units_asked_for() -> None:
    it = recording()
    found = it.features("V1", subject="2")
    assert np.array_equal(found.values, it.responses[:, 20:30])
    assert (found.ids, found.layer, found.subject) == (it.ids, "V1", "sim 2")
    assert found.provenance["recording"] == it.digest
    assert np.array_equal(it.features().values, it.responses)
    assert len(RDM.from_features(found).values) == 30 * 29 // 2


def test_take_and_where() -> None:
    it = recording(stimuli=pandas.DataFrame({"kind": ["a", "b"] * 15}))
    some = it.take(["s3", "s1"])
    assert some.ids == ("s3", "s1")
    assert np.array_equal(some.responses, it.responses[[3, 1]])
    assert list(some.stimuli["kind"]) == ["b", "b"]
    assert list(some.stimuli.index) == ["s3", "s1"]
    assert it.roi("OTC").width == 12
    assert it.where(min_ncsnr=0.5, subject="2").width == 20
    assert it.where(np.arange(40) < 10, roi="OTC").width == 2
    assert len(it.take(["s0"])) == 1, "one stimulus makes every unit constant, which is no error"


def test_a_random_stimulus_depends_on_the_seed_alone() -> None:
    it = recording()
    assert it.random_stimulus(3) == it.random_stimulus(3)
    assert len({it.random_stimulus(seed) for seed in range(20)}) > 5
    assert it.random_stimulus(3) in it.stimuli.index


def test_ragged_trials_are_averaged_over_what_there_is() -> None:
    trials = np.random.default_rng(1).normal(size=(30, 3, 40))
    trials[4, 2] = np.nan
    trials[5, 1:, 20:] = np.nan
    it = recording(responses=None, trials=trials)
    assert np.allclose(it.responses, np.nanmean(trials, axis=1))
    assert it.repeats is not None
    assert it.repeats.shape == (30, 40)
    assert (it.repeats[4] == 2).all()
    assert it.repeats[5, 20] == 1
    assert it.notes == ("repeats of unequal number: 1 to 3 a stimulus, 2.93 on average; ceilings use the mean of 1/repeats",)
    assert repr(it).endswith("1 to 3 repeats")
    mean = it.mean()
    assert mean.trials is None
    assert np.array_equal(mean.responses, it.responses)
    assert np.array_equal(mean.repeats, it.repeats)
    subset = it.where(subject="1").take(["s0", "s4"])
    assert subset.trials is not None
    assert subset.trials.shape == (2, 3, 20)
    assert subset.repeats.tolist() == [3, 2]
    assert it.take(["s0", "s1"]).notes == ()


def test_bad_units_are_dropped_from_every_part() -> None:
    trials = np.random.default_rng(1).normal(size=(30, 2, 40))
    trials[:, :, 3] = 7
    trials[2, :, 5] = np.nan
    it = recording(responses=None, trials=trials, bad_units="drop")
    assert it.width == len(it.units) == it.trials.shape[2] == 38
    assert it.notes == ("2 of 40 units dropped: 1 with NaN, 1 constant",)
    assert it.repeats.tolist() == [2] * 30
    assert it.rois["V1"] == {"1": 10, "2": 10}
    assert np.array_equal(it.units["ncsnr"], units()["ncsnr"].drop([3, 5]))


def test_responses_over_time() -> None:
    responses = np.random.default_rng(0).normal(size=(30, 40, 5))
    it = recording(responses=responses, times=[-0.1, 0.0, 0.1, 0.2, 0.3])
    assert np.array_equal(it.features(time=0.12).values, responses[:, :, 2])
    assert np.allclose(it.features("OTC", time=(0.1, 0.2)).values, responses[:, 8:20, 2:4].mean(axis=2))
    assert it.features(time="all").width == 200
    assert repr(it).startswith("Recording 'sim': 30 stimuli × 40 units × 5 times")


def test_trials_over_time() -> None:
    trials = np.random.default_rng(0).normal(size=(30, 2, 40, 3))
    it = recording(responses=None, trials=trials)
    assert np.allclose(it.responses, trials.mean(axis=1))
    assert it.times.tolist() == [0, 1, 2]
    assert it.repeats.tolist() == [2] * 30
    assert it.where(roi="V1").take(["s7"]).trials.shape == (1, 2, 22, 3)


def test_roi_columns_can_be_named() -> None:
    it = recording(roi_columns=["OTC"])
    assert list(it.rois) == ["OTC"]
    assert it.take(["s0", "s1"]).roi_columns == ("OTC",)


def test_the_digest_follows_the_content() -> None:
    it = recording()
    assert it.digest == recording(name="other").digest
    assert it.digest != it.take(it.ids[::-1]).digest
    assert it.digest != recording(repeats=3).digest
    changed = units()
    changed.loc[0, "ncsnr"] = 0.5
    assert it.digest != recording(units=changed).digest


def test_small_rois_warn_once_built_and_not_again() -> None:
    table = units()
    table["FFA"] = [1] * 3 + [0] * 37
    with pytest.warns(UserWarning, match="'FFA'"):
        it = recording(units=table)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert it.roi("FFA").width == 3


def test_the_table_given_is_not_changed_and_not_shared() -> None:
    table = units()
    it = recording(units=table)
    table["V1"] = 0
    assert it.features("V1").width == 22


def test_the_room_is_light_to_import() -> None:
    code = "import isomorph.brains, sys; from isomorph.brains import Recording; print('pandas' in sys.modules, 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split() == ["False", "False"]
