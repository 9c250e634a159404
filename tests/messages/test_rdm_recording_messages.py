"""The sentences about recordings of RDMs and simulated ones, word for word."""

import re

import numpy as np
import pandas
import pytest

from isomorph.brains import RDMRecording, Recording, simulated_nsd, simulated_recording
from isomorph.errors import IdError, InputError, NonFiniteError, ShapeError, UnknownNameError
from isomorph.features import Features

IDS = tuple("abcd")
PAIRS = np.arange(6.0) + 1


def said(error: type[Exception], text: str):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


def rdms(values: object, **changes: object) -> RDMRecording:
    return RDMRecording(**{"ids": IDS, "rdms": {"IT": values}, **changes})  # type: ignore[arg-type]


def square(n: int = 4) -> np.ndarray:
    return np.ones((n, n)) - np.eye(n)


def test_numbers_of_pairs() -> None:
    with said(ShapeError, "the RDMs of 'IT' have 10 pairs, but 4 stimuli make 6; 5 would make 10. Give the ids of those 5."):
        rdms(np.ones((3, 10)))
    with said(
        ShapeError,
        "the RDMs of 'IT' have 7 pairs, but 4 stimuli make 6, and no number of stimuli makes that many. Give the strict upper triangles, "
        "row by row, or square matrices.",
    ):
        rdms(np.ones((3, 7)))
    with said(ShapeError, "the RDMs of 'IT' have 5 pairs, but 4 stimuli make 6; these are matrices of 5 stimuli. Give the ids of those 5."):
        rdms(np.ones((2, 5, 5)))
    with said(ShapeError, "the RDMs of 'IT' need the axes [subject, pair] or [subject, repeat, pair]; got shape (1, 1, 1, 6)."):
        rdms(np.ones((1, 1, 1, 6)))
    with said(ShapeError, "the RDMs of 'IT' have shape (0, 6): an axis is empty."):
        rdms(np.ones((0, 6)))
    with said(ShapeError, "the RDMs of 'IT' have shape (6, 3), and 4 stimuli make 6 pairs: transpose them, pairs come last."):
        rdms(np.ones((6, 3)))
    with said(ShapeError, "RDMs need at least 2 stimuli; got 1."):
        rdms(PAIRS, ids=("a",))


def test_what_is_no_distance() -> None:
    with said(
        NonFiniteError,
        "the RDMs of 'IT' have 1 of 12 distances that are NaN or infinite, of 1 of 2 subjects. Leave out those stimuli, or those subjects.",
    ):
        rdms(np.stack([PAIRS, np.where(PAIRS == 3, np.nan, PAIRS)]))
    crooked = square()
    crooked[1, 2] = 3
    with said(
        InputError,
        "the RDMs of 'IT' must be symmetric, but entries (1, 2) and (2, 1) differ by 2. Average each matrix with its transpose if that is "
        "what you mean.",
    ):
        rdms(crooked)
    with said(
        InputError,
        "the RDMs of 'IT' must have zeros on their diagonals, but one is 1. A matrix of similarities becomes an RDM as 1 − similarity.",
    ):
        rdms(square()[None] + np.eye(4))
    with said(ShapeError, "the RDMs of 'IT' must hold numbers; got an array of type <U1."):
        rdms(np.array(["a", "b"]))


def test_names() -> None:
    with said(IdError, "the recording has 1 ids that stand more than once; the first is 'a'. Ids must be unique."):
        rdms(PAIRS, ids=("a", "a", "b", "c"))
    with said(ShapeError, "'IT' has RDMs of 1 subject, but 2 names of subjects."):
        rdms(PAIRS, subjects=("x", "y"))
    with said(InputError, "'IT' has 2 subjects called 'x'. Put repeats of one on the axis of repeats."):
        rdms(np.stack([PAIRS, PAIRS]), subjects={"IT": ("x", "x")})
    with said(InputError, "subjects must be a list of names; got the text 'x'."):
        rdms(PAIRS, subjects="x")
    with said(InputError, "there are subjects of 'V1', but no RDMs of it; there are RDMs of 'IT'."):
        rdms(PAIRS, subjects={"V1": ("x",)})
    with said(InputError, 'a recording of RDMs needs at least one region: rdms={"IT": array}.'):
        RDMRecording(ids=IDS, rdms={})
    with said(UnknownNameError, "no region is called 'TI'. There are: IT."):
        rdms(PAIRS).mean("TI")
    with said(UnknownNameError, "no subject of 'IT' is called 'x'. There are: 1."):
        rdms(PAIRS).rdm("IT", "x")
    with said(IdError, "the recording was not shown 1 of 2 stimuli; the first is 'z'."):
        rdms(PAIRS).take(["a", "z"])


def test_rdms_that_a_recording_cannot_give() -> None:
    rng = np.random.default_rng(0)
    means = Recording(ids=IDS, responses=rng.normal(size=(4, 12)), name="ours")
    with said(InputError, "halves need trials, and 'ours' holds only means over repeats."):
        RDMRecording.from_recording(means, halves=True)
    with said(InputError, "crossnobis distances need trials, and 'ours' holds only means over repeats."):
        RDMRecording.from_recording(means, "crossnobis")
    trials = rng.normal(size=(4, 3, 12))
    with said(InputError, "a crossnobis distance is already one between repeats: it has no halves."):
        RDMRecording.from_recording(Recording(ids=IDS, trials=trials), "crossnobis", halves=True)
    trials[1, 1:] = np.nan
    with said(
        InputError,
        "halves need two repeats of each stimulus, but 1 of 4 have fewer; the first is 'b'. Take the others: recording.take(ids).",
    ):
        RDMRecording.from_recording(Recording(ids=IDS, trials=trials), halves=True)
    with said(InputError, "no subject has 20 units in any region. Ask for fewer: min_units=…."):
        RDMRecording.from_recording(means, min_units=20)


def test_what_cannot_be_simulated() -> None:
    signal = Features(np.random.default_rng(0).normal(size=(4, 2)), IDS)
    with said(ShapeError, "the table of units has 3 rows, but the signal has 2 units: one row a unit is needed."):
        simulated_recording(signal, pandas.DataFrame({"ncsnr": [1.0] * 3}))
    with said(InputError, "1 of 2 units have an ncsnr that is missing or negative; the first is unit 1."):
        simulated_recording(signal, pandas.DataFrame({"ncsnr": [1.0, np.nan]}))
    units = pandas.DataFrame({"ncsnr": [1.0, 0.5]})
    with said(ShapeError, "repeats must be one count, [4] or [4, 2]; got shape (3,)."):
        simulated_recording(signal, units, repeats=[1, 2, 3])
    with said(InputError, "repeats must be whole numbers of at least 1; got int64 from 0."):
        simulated_recording(signal, units, repeats=[1, 2, 3, 0])
    with said(InputError, "1 of 2 units have a constant signal, but an ncsnr above 0; the first is unit 0."):
        simulated_recording(Features(np.c_[np.ones(4), signal.values[:, 1]], IDS), units)
    with said(IdError, "the sources of 'EVC' and 'OTC' have different stimuli. Take those that they share: features.take(ids)."):
        simulated_nsd({"EVC": signal, "OTC": signal.take(IDS[:3])})
    with said(InputError, "units needs a count of at least 1 for 'OTC'; got none."):
        simulated_nsd({"EVC": signal, "OTC": signal}, units={"EVC": 5})
    with said(InputError, "a simulation needs at least one source and one subject; got 1 and 0."):
        simulated_nsd({"EVC": signal}, subjects=0)
