"""Recordings that are only RDMs: every form they are given in, real data, and RDMs made of units."""

import json
import os
from pathlib import Path

import numpy as np
import pandas
import pytest
from scipy.spatial.distance import pdist, squareform

from isomorph.benchmarks import load_benchmark
from isomorph.brains import RDMRecording, Recording
from isomorph.errors import DigestError, FileError, IdError, ShapeError
from isomorph.geometry import RDM

IDS = tuple("abcdef")
PAIRS = np.random.default_rng(0).random((3, 2, 15))
needs_data = pytest.mark.skipif("ISOMORPH_DATA_MIRROR" not in os.environ, reason="needs the mirror of public data: ISOMORPH_DATA_MIRROR")


def squares(pairs: np.ndarray) -> np.ndarray:
    return np.apply_along_axis(squareform, -1, pairs)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (PAIRS, PAIRS),
        (PAIRS[:, 0], PAIRS[:, :1]),
        (PAIRS[0, 0], PAIRS[:1, :1]),
        (squares(PAIRS), PAIRS),
        (squares(PAIRS[:, 0]), PAIRS[:, :1]),
        (squares(PAIRS[0, 0]), PAIRS[:1, :1]),
    ],
    ids=["repeats", "subjects", "one", "squares of repeats", "squares of subjects", "one square"],
)
def test_every_form_is_one(given: np.ndarray, meant: np.ndarray) -> None:
    it = RDMRecording(ids=IDS, rdms={"IT": given})
    assert it.rdms["IT"].tolist() == meant.tolist()
    assert it.subjects_of("IT") == ("1", "2", "3")[: len(meant)]


@pytest.mark.parametrize("n", [2, 3, 4])
def test_few_stimuli(n: int) -> None:
    pairs = np.random.default_rng(n).random((2, n * (n - 1) // 2))
    for given in (pairs, squares(pairs)):
        assert RDMRecording(ids=IDS[:n], rdms={"IT": given}).rdms["IT"][:, 0].tolist() == pairs.tolist()


def test_bytes_do_not_wrap_around() -> None:
    square = squares(np.array([200.0, 250, 90])).astype(np.uint8)
    it = RDMRecording(ids=IDS[:3], rdms={"V1": square[None], "IT": np.array([[200, 250, 90], [100, 150, 90]], dtype=np.uint8)})
    assert it.rdms["V1"].dtype == np.float64
    assert it.mean("V1").values.tolist() == [200, 250, 90]
    assert it.mean("IT").values.tolist() == [150, 200, 90], "not (200 + 100) mod 256"


def test_means_over_repeats_then_subjects() -> None:
    it = RDMRecording(
        ids=IDS, rdms={"IT": PAIRS, "V1": PAIRS[:1, 0]}, subjects={"IT": ("x", "y", "z")}, distance="correlation", name="ours"
    )
    assert it.regions == ("IT", "V1")
    assert it.mean("IT").values == pytest.approx(PAIRS.mean(axis=(0, 1)))
    assert it.rdm("IT", "y").values == pytest.approx(PAIRS[1].mean(axis=0))
    assert (it.rdm("IT", "y").subject, it.rdm("IT", "y").layer, it.rdm("IT", "y").distance) == ("ours y", "IT", "correlation")
    assert repr(it) == "RDMRecording 'ours': 6 stimuli, 2 regions (IT 3 subjects × 2 repeats, V1 1 subject)"
    assert len(it) == 6


def test_take_is_that_of_each_rdm() -> None:
    it = RDMRecording(ids=IDS, rdms={"IT": PAIRS})
    for ids in (["e", "a", "c"], ["f", "b"], IDS):
        taken = it.take(ids)
        assert taken.ids == tuple(ids)
        for subject, repeat in np.ndindex(3, 2):
            assert taken.rdms["IT"][subject, repeat].tolist() == RDM(PAIRS[subject, repeat], IDS).take(ids).values.tolist()
    with pytest.raises(IdError):
        it.take(["a", "a"])
    with pytest.raises(IdError):
        it.take(["a", "z"])


def test_digests_tell_apart() -> None:
    base = {"ids": IDS, "rdms": {"IT": PAIRS}}
    digests = [
        RDMRecording(**{**base, **changes}).digest
        for changes in (
            {}, {"ids": IDS[::-1]}, {"rdms": {"V1": PAIRS}}, {"rdms": {"IT": PAIRS + 1e-9}}, {"subjects": {"IT": "xyz"}},
            {"rdms": {"IT": PAIRS[:, :1]}},
        )
    ]  # fmt: skip
    assert len(set(digests)) == len(digests)
    assert RDMRecording(**base).digest == RDMRecording(**base, name="other").digest


def test_round_trip(tmp_path: Path) -> None:
    it = RDMRecording(
        ids=IDS, rdms={"IT/left": PAIRS, "V1": PAIRS[:2]}, subjects={"V1": ("ä", "b")}, distance="cosine", name="n", notes=("one",)
    )
    it.save(tmp_path / "r")
    back = RDMRecording.load(tmp_path / "r")
    assert back.digest == it.digest
    assert (back.ids, back.regions, back.subjects, back.distance, back.name, back.notes) == (
        it.ids, it.regions, it.subjects, it.distance, it.name, it.notes,
    )  # fmt: skip
    with pytest.raises(FileError, match=r"does not describe a recording of format 1"):
        Recording.load(tmp_path / "r")
    np.save(tmp_path / "r" / "rdms-1.npy", PAIRS[:2] + 1)
    with pytest.raises(DigestError, match="a file was changed"):
        RDMRecording.load(tmp_path / "r")


@pytest.mark.parametrize("change", [{"regions": 3}, {"subjects": [["a"]]}, {"ids": ["a"]}, {"isomorph": "recording"}, {"format": 2}])
def test_foreign_cards(tmp_path: Path, change: dict[str, object]) -> None:
    RDMRecording(ids=IDS, rdms={"IT": PAIRS}).save(tmp_path / "r")
    card = json.loads((tmp_path / "r" / "recording.json").read_text())
    (tmp_path / "r" / "recording.json").write_text(json.dumps({**card, **change}))
    with pytest.raises(FileError):
        RDMRecording.load(tmp_path / "r")


def units(seed: int = 0, *, repeats: int = 4) -> Recording:
    rng = np.random.default_rng(seed)
    table = pandas.DataFrame({"subject": ["a"] * 12 + ["b"] * 13, "IT": [1] * 25, "V1": [1] * 12 + [0] * 11 + [1, 1]})
    trials = rng.normal(size=(6, 1, 25)) + 0.3 * rng.normal(size=(6, repeats, 25))
    return Recording(ids=IDS, trials=trials, units=table, name="ours", small_rois="keep")


def test_of_units_as_scipy() -> None:
    it = RDMRecording.from_recording(units())
    assert it.subjects == {"IT": ("a", "b"), "V1": ("a", "b")}
    assert (it.distance, it.name) == ("correlation", "ours")
    assert it.rdms["IT"][0, 0] == pytest.approx(pdist(units().responses[:, :12], "correlation"))
    assert it.rdms["V1"][1, 0] == pytest.approx(pdist(units().responses[:, 23:], "correlation"))
    euclidean = RDMRecording.from_recording(units(), "euclidean", rois=["V1"])
    assert euclidean.regions == ("V1",)
    assert euclidean.rdms["V1"][0, 0] == pytest.approx(pdist(units().responses[:, :12]))


def test_small_regions_can_be_left_out() -> None:
    it = RDMRecording.from_recording(units(), min_units=10)
    assert it.subjects == {"IT": ("a", "b"), "V1": ("a",)}
    assert it.notes[-1] == "subject 'b' is left out of 'V1': 2 units, fewer than 10"


def test_halves_are_odd_and_even_presentations() -> None:
    whole = units()
    trials = whole.trials.copy()
    trials[2, 1] = np.nan  # then the third presentation of this stimulus is its second
    it = RDMRecording.from_recording(Recording(ids=IDS, trials=trials, units=whole.units, small_rois="keep"), halves=True)
    odd, even = trials[:, [0, 2]].mean(axis=1), trials[:, [1, 3]].mean(axis=1)
    odd[2], even[2] = trials[2, [0, 3]].mean(axis=0), trials[2, 2]
    assert it.rdms["IT"].shape == (2, 2, 15)
    assert it.rdms["IT"][0] == pytest.approx(np.stack([pdist(each[:, :12], "correlation") for each in (odd, even)]))


def test_crossnobis_of_repeats() -> None:
    whole = units()
    it = RDMRecording.from_recording(whole, "crossnobis")
    assert it.rdms["IT"][0, 0] == pytest.approx(RDM.from_repeats(whole.trials[:, :, :12]).values)
    trials = whole.trials.copy()
    trials[0, 0] = np.nan
    ragged = RDMRecording.from_recording(Recording(ids=IDS, trials=trials, units=whole.units, small_rois="keep"), "crossnobis")
    assert ragged.rdms["IT"][0, 0, 5:] == pytest.approx(it.rdms["IT"][0, 0, 5:])
    assert ragged.rdms["IT"][0, 0, 0] == pytest.approx(RDM.from_repeats(whole.trials[:2, 1:, :12]).values[0])


def test_of_units_without_rois_or_over_time() -> None:
    values = np.random.default_rng(0).normal(size=(6, 12, 5))
    timed = Recording(ids=IDS, responses=values, times=[0.0, 0.1, 0.2, 0.3, 0.4])
    it = RDMRecording.from_recording(timed, time=0.2)
    assert it.subjects == {"all": ("1",)}
    assert it.rdms["all"][0, 0] == pytest.approx(pdist(values[:, :, 2], "correlation"))
    trials = Recording(ids=IDS, trials=np.random.default_rng(0).normal(size=(6, 2, 12, 3)))
    assert RDMRecording.from_recording(trials, time="all", halves=True).rdms["all"][0, 1] == pytest.approx(
        pdist(trials.trials[:, 1].reshape(6, -1), "correlation")
    )
    with pytest.raises(ShapeError):
        RDMRecording.from_recording(Recording(ids=IDS, responses=values[:, :1, 0]))


@needs_data
def test_the_92_photographs() -> None:
    it = load_benchmark("kriegeskorte-92").recording
    assert repr(it) == (
        "RDMRecording 'kriegeskorte-92': 92 stimuli, 3 regions (human IT 4 subjects × 2 repeats, monkey IT 1 subject, "
        "human judgments 16 subjects)"
    )
    r = np.corrcoef(it.mean("human IT").values, it.mean("monkey IT").values)[0, 1]
    assert r == pytest.approx(0.49121, abs=5e-6), "as published: .49"
    ceiling = it.ceiling("human IT", "pearson")
    assert (ceiling.lower, ceiling.upper) == pytest.approx((0.39441, 0.68041), abs=5e-6)
    assert it.ceiling("monkey IT") is None
    assert it.notes == ("monkey IT: one RDM over all cells of both monkeys is published.",)


@needs_data
def test_the_78_photographs_are_unreliable() -> None:
    it = load_benchmark("algonauts-78").recording
    assert it.regions == ("human EVC", "human IT")
    assert len(it.subjects_of("human IT")) == 15
    assert it.ceiling("human IT").lower < 0.2
