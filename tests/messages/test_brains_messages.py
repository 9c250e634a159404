"""The sentences about recordings, word for word."""

import re
import warnings

import numpy as np
import pandas
import pytest

from isomorph.brains import Recording, leave_one_subject_out, ncsnr, ncsnr_ceiling, split_half_reliability, unit_ceilings
from isomorph.errors import IdError, InputError, NonFiniteError, ShapeError, UnknownNameError

IDS = tuple(f"s{i}" for i in range(12))
VALUES = np.random.default_rng(0).normal(size=(12, 20))
UNITS = pandas.DataFrame({"subject": ["1"] * 10 + ["2"] * 10, "EVC": [1] * 20, "OTC": [1] * 10 + [0] * 10})


def said(error: type[Exception], text: str):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


def recording(**changes: object) -> Recording:
    return Recording(**{"ids": IDS, "responses": VALUES, "units": UNITS, **changes})  # type: ignore[arg-type]


def spoilt(row: object, column: object, value: float) -> np.ndarray:
    values = VALUES.copy()
    values[row, column] = value
    return values


def test_wrong_orientation() -> None:
    units = pandas.DataFrame({"subject": ["1"] * 300})
    ids = [f"s{i}" for i in range(92)]
    with said(ShapeError, "responses have 300 rows and 92 columns, but there are 92 stimuli and 300 units: transpose them."):
        Recording(ids=ids, responses=np.zeros((300, 92)), units=units)  # type: ignore[arg-type]
    with said(ShapeError, "responses have 300 rows and 92 columns, but there are 92 stimuli: transpose them."):
        Recording(ids=ids, responses=np.zeros((300, 92)))  # type: ignore[arg-type]


def test_unequal_numbers_of_rows_and_columns() -> None:
    with said(ShapeError, "responses have 12 rows, but there are 11 stimulus ids. Each row is one stimulus."):
        recording(ids=IDS[:-1])
    with said(ShapeError, "the table of units has 19 rows, but responses have 20 columns: one row a unit is needed."):
        recording(units=UNITS[:-1])
    with said(ShapeError, "the table of stimuli has 3 rows, but responses have 12 rows: one row a stimulus is needed."):
        recording(stimuli=pandas.DataFrame({"label": list("abc")}))
    with said(ShapeError, "responses need the axes [stimulus, unit] or [stimulus, unit, time]; got shape (12,)."):
        recording(responses=VALUES[:, 0])
    with said(ShapeError, "responses have shape (12, 0): an axis is empty."):
        recording(responses=VALUES[:, :0], units=None)


def test_tables_that_are_none_or_in_another_order() -> None:
    with said(InputError, "the table of units must be a pandas.DataFrame; got dict."):
        recording(units={"subject": ["1"] * 20})
    with said(InputError, "the table of units has the column 'V1' twice."):
        recording(units=pandas.DataFrame(np.ones((20, 2)), columns=["V1", "V1"]))
    with said(
        IdError,
        "row 0 of the table of stimuli is 's11', but row 0 of the responses is 's0'. Bring them into one order, for example with "
        "table.loc[list(ids)].",
    ):
        recording(stimuli=pandas.DataFrame({"n": range(12)}, index=IDS[::-1]))
    with said(
        IdError,
        "row 0 of the table of stimuli is 's11', but row 0 of the responses is 's0'. Bring them into one order, for example with "
        "table.set_index('picture').loc[list(ids)].",
    ):
        recording(stimuli=pandas.DataFrame({"n": range(12), "picture": IDS[::-1]}))


def test_doubled_ids() -> None:
    with said(IdError, "the recording has 1 ids that stand more than once; the first is 's0'. Ids must be unique."):
        recording(ids=(*IDS[:-1], "s0"))


def test_constant_units() -> None:
    with said(InputError, "2 of 20 units are constant; the first is unit 4. Mask them out, or drop them with bad_units='drop'."):
        recording(responses=spoilt(slice(None), [4, 7], 0.5))
    with said(InputError, "all 20 units are NaN for some stimulus, or constant."):
        recording(responses=np.ones((12, 20)), bad_units="drop")


def test_stimuli_without_responses() -> None:
    for policy in ("error", "drop"):
        with said(NonFiniteError, "2 of 12 stimuli are NaN for every unit; the first is 's1'. Leave their rows out."):
            recording(responses=spoilt([1, 5], slice(None), np.nan), bad_units=policy)


def test_nan_units() -> None:
    with said(
        NonFiniteError,
        "1 of 20 units are NaN for some stimulus; the first is unit 3. Mask them out, or drop them with bad_units='drop'.",
    ):
        recording(responses=spoilt(1, 3, np.nan))
    with said(
        NonFiniteError,
        "1 of 20 features of the recording are NaN for some stimulus. Drop those units: Recording(…, bad_units='drop').",
    ):
        recording(responses=spoilt(1, 3, np.nan), bad_units="keep").features()


def test_infinite_responses() -> None:
    with said(NonFiniteError, "responses are infinite for 1 of 12 stimuli; the first is 's1'."):
        recording(responses=spoilt(1, 3, np.inf))


def test_small_rois() -> None:
    units = UNITS.assign(FFA=[1] * 3 + [0] * 17, OFA=[1] + [0] * 19)
    text = (
        "the ROI 'FFA' of subject '1' has 3 units, fewer than 10: means and RDMs over so few are unstable (1 more such ROIs). "
        "Leave it out, or pass small_rois='keep'."
    )
    with pytest.warns(UserWarning, match="^" + re.escape(text) + "$"):
        recording(units=units)
    with said(InputError, text):
        recording(units=units, small_rois="error")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recording(units=units, small_rois="keep")


def test_unknown_rois_and_subjects() -> None:
    it = recording()
    with said(UnknownNameError, "no ROI is called 'ECV'. Did you mean 'EVC'?"):
        it.features("ECV")
    with said(UnknownNameError, "no subject is called '7'. There are: 1, 2."):
        it.features(subject="7")
    with said(InputError, "none of the 20 units of the recording meets roi='OTC', subject='2'. `Recording.rois` says who has what."):
        it.features("OTC", subject="2")
    with said(InputError, "the ROI 'V1' was asked for, but the table of units has none: columns of 0 and 1."):
        recording(units=None).features("V1")
    with said(InputError, "subject '1' was asked for, but the table of units has no column 'subject'."):
        recording(units=None).features(subject="1")
    many = pandas.DataFrame(np.ones((20, 13)), columns=[f"area{i:02}" for i in range(13)])
    with said(UnknownNameError, "no ROI is called 'zz'. There are 13; `Recording.rois` has them."):
        recording(units=many).roi("zz")


def test_columns_that_are_no_rois() -> None:
    with said(UnknownNameError, "no column of units is called 'OCT'. Did you mean 'OTC'?"):
        recording(roi_columns=["OCT"])
    with said(InputError, "the column 'size' of units is to be an ROI, but holds other values than 0 and 1."):
        recording(units=UNITS.assign(size=range(20)), roi_columns=["size"])


def test_nobodys_units() -> None:
    with said(InputError, "the column 'subject' of the table of units is empty for 1 of 20 units. Say whose they are."):
        recording(units=UNITS.assign(subject=[None] + ["1"] * 19))


def test_masks() -> None:
    with said(ShapeError, "a mask of units needs 20 booleans; got shape (2,) of int64."):
        recording().where(np.array([1, 2]))  # type: ignore[arg-type]


def test_repeats() -> None:
    with said(ShapeError, "repeats need one count a stimulus, [12], or [12, 20] with units; got shape (3,)."):
        recording(repeats=[1, 2, 3])
    with said(InputError, "repeats must be counts, whole numbers; got float64 from 1.5 to 1.5."):
        recording(repeats=1.5)
    with said(InputError, "repeats are counted from trials; leave out one of them."):
        recording(responses=None, trials=VALUES[:, None], repeats=3)
    with said(InputError, "a recording needs either responses or trials, and not both."):
        recording(trials=VALUES[:, None])
    counts = [3] * 6 + [1] * 6
    assert recording(repeats=counts).notes == (
        "repeats of unequal number: 1 to 3 a stimulus, 2.00 on average; ceilings use the mean of 1/repeats",
    )


def test_times() -> None:
    timed = np.random.default_rng(0).normal(size=(12, 20, 4))
    with said(ShapeError, "there are 3 times, but responses go over 4."):
        recording(responses=timed, times=[0, 1, 2])
    with said(InputError, "times must be finite and increase."):
        recording(responses=timed, times=[0, 2, 1, 3])
    with said(ShapeError, "there are 2 times, but responses have no time axis: [stimulus, unit, time]."):
        recording(times=[0, 1])
    it = recording(responses=timed, times=[0.0, 0.1, 0.2, 0.3])
    with said(InputError, "responses go over 4 times, 0 to 0.3 s; say time=… (one, or a pair from and to), or time='all'."):
        it.features()
    with said(InputError, "time=5 lies outside the recording, 0 to 0.3 s."):
        it.features(time=5)
    with said(InputError, "no sample lies from 0.11 to 0.12 s; the recording goes from 0 to 0.3 s."):
        it.features(time=(0.11, 0.12))
    with said(InputError, "time='late' is no time: give seconds, a pair of them, or 'all'."):
        it.features(time="late")  # type: ignore[arg-type]
    with said(InputError, "time=0.1 was asked for, but responses have no time axis."):
        recording().features(time=0.1)


def test_policies() -> None:
    with said(UnknownNameError, "no policy for bad units is called 'dorp'. Did you mean 'drop'?"):
        recording(bad_units="dorp")
    with said(UnknownNameError, "no policy for small ROIs is called 'wran'. Did you mean 'warn'?"):
        recording(small_rois="wran")


def test_unknown_stimuli() -> None:
    with said(IdError, "'nsd' was not shown 1 of 2 stimuli; the first is 'zebra'."):
        recording(name="nsd").take(["s1", "zebra"])


def test_ceilings_without_what_they_need() -> None:
    it = recording()
    with said(InputError, "a ceiling from ncsnr needs trials, or a column 'ncsnr' in the table of units; the recording has neither."):
        unit_ceilings(it)
    with said(InputError, "a ceiling from ncsnr needs to know of how many repeats responses are the mean: Recording(…, repeats=3)."):
        unit_ceilings(recording(units=UNITS.assign(ncsnr=0.5)))
    with said(InputError, "split halves need trials, and the recording holds only means over repeats."):
        unit_ceilings(it, "split-half")
    with said(UnknownNameError, "no ceiling is called 'split_half'. Did you mean 'split-half'?"):
        unit_ceilings(it, "split_half")  # type: ignore[arg-type]
    with said(ShapeError, "leaving one subject out needs at least 2 subjects and 3 stimuli; got 1 and 12."):
        leave_one_subject_out(VALUES[None])
    with said(ShapeError, "split halves need at least 3 stimuli with two repeats; 0 of 12 have them."):
        split_half_reliability(VALUES[:, None])
    with said(ShapeError, "the noise of a unit needs at least two stimuli, and a stimulus with two repeats."):
        ncsnr(VALUES[:, None])
    with said(
        InputError,
        "the table of units has no column 'ncsnr' of numbers. `isomorph.brains.ncsnr(trials)` estimates it from repeats.",
    ):
        it.where(min_ncsnr=0.2)
    with said(InputError, "an ncsnr is a ratio of standard deviations, at least 0; got -0.5."):
        ncsnr_ceiling([-0.5, 1.0], 3)
    with said(InputError, "a mean needs at least 1 repeat; got 0."):
        ncsnr_ceiling([0.5], [0, 1])
