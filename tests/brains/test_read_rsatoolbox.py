"""Files that rsatoolbox itself saved."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from isomorph.brains import RDMRecording, Recording, read_rsatoolbox
from isomorph.errors import FileError, IdError, InputError, NonFiniteError, UnknownNameError

rsatoolbox = pytest.importorskip("rsatoolbox", reason="files are written by rsatoolbox itself")
RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(12, 20))


def dataset(**changes: object) -> object:
    parts = {
        "measurements": VALUES,
        "descriptors": {"subj": "anna", "session": 2},
        "obs_descriptors": {"conds": [f"c{each % 6}" for each in range(12)], "runs": np.arange(12) // 6},
        "channel_descriptors": {"roi": ["V1"] * 10 + ["IT"] * 10, "depth": np.arange(20.0)},
        **changes,
    }
    return rsatoolbox.data.Dataset(**parts)


def test_rdms(tmp_path: Path) -> None:
    sets = [dataset(measurements=RNG.normal(size=(12, 20)), descriptors={"subj": each, "roi": "IT"}) for each in ("anna", "ben")]
    sets.append(dataset(descriptors={"subj": "anna", "roi": "V1"}))
    rdms = rsatoolbox.rdm.calc_rdm(sets, method="correlation", descriptor="conds")
    rdms.save(str(tmp_path / "r.h5"), file_type="hdf5")
    it = read_rsatoolbox(tmp_path / "r.h5")
    assert isinstance(it, RDMRecording)
    assert it.ids == tuple(f"c{each}" for each in range(6))
    assert it.subjects == {"IT": ("anna", "ben"), "V1": ("anna",)}
    assert (it.distance, it.name) == ("correlation", "r")
    for row, (region, subject) in enumerate((("IT", "anna"), ("IT", "ben"), ("V1", "anna"))):
        assert it.rdm(region, subject).values == pytest.approx(rdms.dissimilarities[row])
        assert it.rdm(region, subject).square() == pytest.approx(rdms.get_matrices()[row])


def test_rdms_of_a_few_sessions_are_repeats(tmp_path: Path) -> None:
    pairs = RNG.random((4, 3))
    rdms = rsatoolbox.rdm.RDMs(
        pairs, rdm_descriptors={"who": ["a", "b", "a", "b"]}, pattern_descriptors={"stimulus": ["x", "y", "z"], "kind": ["p", "p", "q"]}
    )
    rdms.save(str(tmp_path / "r.h5"))
    it = read_rsatoolbox(tmp_path / "r.h5", subject="who")
    assert it.ids == ("x", "y", "z")
    assert it.rdms["all"].tolist() == pairs[[[0, 2], [1, 3]]].tolist()
    with pytest.raises(UnknownNameError, match="no descriptor of RDMs is called 'hwo'"):
        read_rsatoolbox(tmp_path / "r.h5", subject="hwo")
    with pytest.raises(IdError, match=r"r\.h5: the recording has 1 ids that stand more than once; the first is 'p'"):
        read_rsatoolbox(tmp_path / "r.h5", stimulus="kind")
    anonymous = rsatoolbox.rdm.RDMs(pairs)
    anonymous.save(str(tmp_path / "b.h5"))
    assert read_rsatoolbox(tmp_path / "b.h5").ids == ("0", "1", "2")
    assert read_rsatoolbox(tmp_path / "b.h5").rdms["all"].shape == (1, 4, 3)


def test_ragged_and_missing_rdms(tmp_path: Path) -> None:
    rsatoolbox.rdm.RDMs(RNG.random((3, 3)), rdm_descriptors={"subject": ["a", "b", "a"]}).save(str(tmp_path / "r.h5"))
    with pytest.raises(InputError, match=r"r\.h5: subjects of 'all' have different numbers of RDMs: 'a' has 2, 'b' has 1\."):
        read_rsatoolbox(tmp_path / "r.h5")
    rsatoolbox.rdm.RDMs(np.array([[1, np.nan, 2.0]])).save(str(tmp_path / "n.h5"))
    with pytest.raises(NonFiniteError, match=r"the RDMs of 'all' have 1 of 3 distances that are NaN or infinite"):
        read_rsatoolbox(tmp_path / "n.h5")


def test_a_dataset(tmp_path: Path) -> None:
    dataset().save(str(tmp_path / "d.h5"))
    it = read_rsatoolbox(tmp_path / "d.h5")
    assert isinstance(it, Recording)
    assert it.ids == tuple(f"c{each}" for each in range(6))
    assert np.array_equal(it.trials, VALUES.reshape(2, 6, 20).transpose(1, 0, 2))
    assert it.rois == {"V1": {"anna": 10}, "IT": {"anna": 10}}
    assert it.units["depth"].tolist() == list(range(20))
    assert "runs" not in it.stimuli
    rdm = rsatoolbox.rdm.calc_rdm(dataset(), method="correlation", descriptor="conds")
    assert RDMRecording.from_recording(it.mean(), rois=[]).mean("all").values == pytest.approx(rdm.dissimilarities[0])


def test_a_temporal_dataset(tmp_path: Path) -> None:
    values = RNG.normal(size=(4, 12, 3))
    rsatoolbox.data.TemporalDataset(
        values, descriptors={"subj": 3}, obs_descriptors={"stimulus": list("abcd")}, time_descriptors={"time": [0.0, 0.1, 0.2]}
    ).save(str(tmp_path / "t.h5"))
    it = read_rsatoolbox(tmp_path / "t.h5")
    assert np.array_equal(it.responses, values)
    assert it.times.tolist() == [0, 0.1, 0.2]
    assert it.subjects == ("3",)


def test_what_was_shown_must_be_clear(tmp_path: Path) -> None:
    dataset(obs_descriptors={"shape": list("ab" * 6), "colour": list("rrg" * 4)}).save(str(tmp_path / "d.h5"))
    with pytest.raises(InputError, match=r"2 descriptors could say what was shown; name one: stimulus=…\. There are colour, shape\."):
        read_rsatoolbox(tmp_path / "d.h5")
    assert read_rsatoolbox(tmp_path / "d.h5", stimulus="colour").ids == ("r", "g")
    with pytest.raises(UnknownNameError, match=r"no descriptor of patterns is called 'color'\. Did you mean 'colour'\?"):
        read_rsatoolbox(tmp_path / "d.h5", stimulus="color")


def test_constant_channels(tmp_path: Path) -> None:
    values = VALUES.copy()
    values[:, 3] = 1
    dataset(measurements=values).save(str(tmp_path / "d.h5"))
    with pytest.raises(InputError, match=r"d\.h5: 1 of 20 units are constant; the first is unit 3"):
        read_rsatoolbox(tmp_path / "d.h5")
    assert read_rsatoolbox(tmp_path / "d.h5", bad_units="drop", small_rois="keep").width == 19


def test_pickles_are_never_read(tmp_path: Path) -> None:
    dataset().save(str(tmp_path / "d.pkl"), file_type="pkl")
    (tmp_path / "d.h5").write_bytes((tmp_path / "d.pkl").read_bytes())
    for name in ("d.pkl", "d.h5"):
        with pytest.raises(FileError, match=r"is a pickle, which can run code when it is read, so it never is\. In rsatoolbox, load it"):
            read_rsatoolbox(tmp_path / name)


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no file"):
        read_rsatoolbox(tmp_path / "none.h5")
    with h5py.File(tmp_path / "o.h5", "w") as file:
        file["x"] = np.ones(3)
    with pytest.raises(FileError, match=r"is no file of rsatoolbox: it has neither 'dissimilarities' nor 'measurements'. It holds x\."):
        read_rsatoolbox(tmp_path / "o.h5")
    with h5py.File(tmp_path / "l.h5", "w") as file:
        file["dissimilarities"] = h5py.ExternalLink("/etc/passwd", "x")
    with pytest.raises(FileError, match="points into another file"):
        read_rsatoolbox(tmp_path / "l.h5")
