"""A tiny folder with the layout of the Natural Scenes Dataset."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas
import pytest
import scipy.io

from isomorph.brains import _nsd_subject as subject_module
from isomorph.brains import read_nsd
from isomorph.errors import FileError, InputError, NonFiniteError, ShapeError

nibabel = pytest.importorskip("nibabel", reason="volumes are written with nibabel")
SHAPE, TRIALS, SESSIONS = (5, 6, 7), 12, 3
RNG = np.random.default_rng(0)
# 40 sessions of 12 trials over 160 images, the first 6 of which are shared; two in three of the first sessions show each of these
SHARED = ([1, 2, 3, 4], [1, 2, 5, 6], [3, 4, 5, 6])
ORDER = np.concatenate([RNG.permutation(np.r_[each, np.arange(7, 15) + 8 * session]) for session, each in enumerate(SHARED)])
ORDER = np.r_[ORDER, np.arange(31, 31 + 40 * TRIALS - len(ORDER)) % 160 + 1]
IMAGES = np.stack([np.r_[[11, 22, 33, 44, 55, 66], 1000 + 200 * each + np.arange(154)] for each in range(8)])
BETAS = {each: RNG.integers(-900, 900, size=(SESSIONS, TRIALS, *SHAPE)).astype(np.int16) for each in (1, 5)}
STREAMS = RNG.integers(0, 8, size=SHAPE)
GENERAL = RNG.random(SHAPE) < 0.5
NCSNR = (RNG.random(SHAPE) * 0.6).astype(np.float32)
VISUAL = np.where(RNG.random(SHAPE) < 0.3, RNG.integers(1, 8, size=SHAPE), 0)
FACES = np.where(RNG.random(SHAPE) < 0.3, RNG.integers(1, 6, size=SHAPE), 0)
TVALUES = RNG.normal(1, 1, size=SHAPE).astype(np.float32)
PREPARED = "nsddata/ppdata/subj{:02d}/func1pt8mm"
MEASURED = "nsddata_betas/ppdata/subj{:02d}/func1pt8mm/betas_fithrf_GLMdenoise_RR"


def volume(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([1.8, 1.8, 1.8, 1.0])), path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("nsd")
    design = root / "nsddata" / "experiments" / "nsd" / "nsd_expdesign.mat"
    design.parent.mkdir(parents=True)
    scipy.io.savemat(design, {"masterordering": ORDER[None], "subjectim": IMAGES, "sharedix": IMAGES[:1, :6]})
    for number, betas in BETAS.items():
        prepared, measured = root / PREPARED.format(number), root / MEASURED.format(number)
        nothing = np.full(SHAPE, -1, dtype=np.int16)
        labels = {"nsdgeneral": GENERAL, "streams": STREAMS, "prf-visualrois": VISUAL, "floc-faces": FACES}
        labels |= dict.fromkeys(("floc-bodies", "floc-places", "floc-words"), nothing)
        for name, values in labels.items():
            volume(prepared / "roi" / f"{name}.nii.gz", values.astype(np.int16))
        for name in ("faces", "bodies", "places", "word"):
            volume(prepared / f"floc_{name}tval.nii.gz", TVALUES)
        volume(measured / "ncsnr.nii.gz", NCSNR)
        for session, values in enumerate(betas, start=1):
            with h5py.File(measured / f"betas_session{session:02d}.hdf5", "w") as file:
                file.create_dataset("betas", data=values.transpose(0, 3, 2, 1), compression="gzip")  # [trial, z, y, x]
    return root


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "nsd")
    return tmp_path / "nsd"


def expected(subject: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """EVC, OTC `[i, j, k]`, and z-scored trials `[session, trial, i, j, k]`, by hand."""
    localised = np.isin(FACES, (1, 2, 3)) & (TVALUES >= 1)  # OFA, FFA-1, FFA-2
    otc = ((GENERAL & ~np.isin(STREAMS, (1, 4, 7))) | localised) & (NCSNR >= 0.2)
    betas = BETAS[subject] / 300
    return VISUAL > 0, otc, (betas - betas.mean(axis=1, keepdims=True)) / betas.std(axis=1, ddof=1, keepdims=True)


def test_voxels_stimuli_and_means(made: Path) -> None:
    it = read_nsd(made, subjects=(1, 5), small_rois="keep")
    assert it.ids == tuple(f"nsd{each:05d}" for each in (10, 21, 32, 43, 54, 65)), "counted from 0"
    assert it.subjects == ("subj01", "subj05")
    shown = ORDER[: SESSIONS * TRIALS]
    for subject in (1, 5):
        evc, otc, scored = expected(subject)
        units = it.units[it.units["subject"] == f"subj{subject:02d}"]
        assert np.array_equal(units[["i", "j", "k"]].to_numpy(), np.argwhere(evc | otc))
        assert units["EVC"].tolist() == evc[evc | otc].astype(int).tolist()
        assert units["OTC"].tolist() == otc[evc | otc].astype(int).tolist()
        assert units["ncsnr"].to_numpy() == pytest.approx(NCSNR[evc | otc])
        voxels = scored.reshape(-1, *SHAPE)[:, evc | otc]
        own = it.where(subject=f"subj{subject:02d}").responses
        for row in range(6):
            assert own[row] == pytest.approx(voxels[shown == row + 1].mean(axis=0), abs=1e-5)
    assert it.units.loc[0, "voxel"] == "-".join(map(str, np.argwhere(evc | otc)[0]))
    assert it.repeats.tolist() == [2] * 6
    assert it.units["OTC"].sum() == 2 * otc.sum(), "a voxel may be in both"
    assert (it.units.loc[it.units["OTC"] == 1, "ncsnr"] >= 0.2).all()
    assert (it.units.loc[it.units["EVC"] == 1, "ncsnr"] < 0.2).any(), "EVC has no threshold"
    assert it.units["V1v"].sum() == 2 * (VISUAL == 1).sum()
    assert "EBA" not in it.units, "nobody has it"
    assert it.stimuli["nsd_id"].tolist() == [10, 21, 32, 43, 54, 65]


def test_trials_are_those_of_the_means(made: Path) -> None:
    it = read_nsd(made, subjects=(5,), trials=True, small_rois="keep")
    assert it.trials.shape[:2] == (6, 2)
    mean = read_nsd(made, subjects=(5,), small_rois="keep")
    assert it.responses == pytest.approx(mean.responses, abs=1e-5)
    assert it.repeats.tolist() == mean.repeats.tolist()


def test_everything_of_one_subject(made: Path) -> None:
    it = read_nsd(made, subjects=(1,), stimuli="all", trials=True, small_rois="keep")
    assert len(it) == 30
    assert it.stimuli["shared"].sum() == 6
    assert sorted(set(it.repeats.tolist())) == [1, 2]
    assert it.notes == ("repeats of unequal number: 1 to 2 a stimulus, 1.20 on average; ceilings use the mean of 1/repeats",)


@pytest.mark.parametrize("chunks", [None, (1, 7, 6, 5), (12, 1, 1, 1), (5, 2, 3, 3)])
def test_a_part_at_a_time_is_the_whole(folder: Path, made: Path, monkeypatch: pytest.MonkeyPatch, chunks: tuple[int, ...] | None) -> None:
    whole = read_nsd(made, subjects=(1,), small_rois="keep")
    for session, values in enumerate(BETAS[1], start=1):
        with h5py.File(folder / MEASURED.format(1) / f"betas_session{session:02d}.hdf5", "w") as file:
            file.create_dataset("betas", data=values.transpose(0, 3, 2, 1), chunks=chunks)
    monkeypatch.setattr(subject_module, "_BLOCK_BYTES", 5 * 2 * int(np.prod(SHAPE)))
    assert read_nsd(folder, subjects=(1,), small_rois="keep").digest == whole.digest


def test_betas_as_volumes(folder: Path, made: Path) -> None:
    for session, values in enumerate(BETAS[1], start=1):
        path = folder / MEASURED.format(1) / f"betas_session{session:02d}"
        path.with_suffix(".hdf5").unlink()
        volume(path.with_suffix(".nii.gz"), values.transpose(1, 2, 3, 0))
    assert np.allclose(
        read_nsd(folder, subjects=(1,), small_rois="keep").responses, read_nsd(made, subjects=(1,), small_rois="keep").responses, atol=1e-5
    )
    volume(path.with_suffix(".nii.gz"), np.zeros((5, 6, 6, 12)))
    with pytest.raises(ShapeError, match=r"betas_session03\.nii\.gz has voxels \(5, 6, 6\), but the ROIs have \(5, 6, 7\)"):
        read_nsd(folder, subjects=(1,))


def test_missing_sessions_and_localisers(folder: Path) -> None:
    (folder / MEASURED.format(5) / "betas_session03.hdf5").unlink()
    (folder / MEASURED.format(5) / "betas_session02.hdf5").unlink()
    it = read_nsd(folder, subjects=(1, 5), small_rois="keep")
    assert it.ids == tuple(f"nsd{each:05d}" for each in (10, 21, 32, 43))
    assert it.notes[0] == "2 of the shared images left out: some subject was not shown them"
    assert it.repeats.ndim == 2, "the subjects have different numbers"
    trials = read_nsd(folder, subjects=(1, 5), trials=True, small_rois="keep")
    assert trials.responses == pytest.approx(it.responses, abs=1e-5)
    assert np.array_equal(trials.repeats, it.repeats)
    (folder / PREPARED.format(1) / "floc_facestval.nii.gz").unlink()
    with pytest.raises(FileError, match=r"floc_facestval\.nii\.gz with the t-values of the localiser\. Pass min_t=None"):
        read_nsd(folder, subjects=(1,))
    as_drawn = read_nsd(folder, subjects=(1,), min_t=None, small_rois="keep")
    assert as_drawn.units["OTC"].sum() > expected(1)[1].sum()


def test_more_about_the_images(folder: Path) -> None:
    table = pandas.DataFrame({"nsdId": range(100), "cocoId": range(500, 600), "cocoSplit": "val2017"})
    table.to_csv(folder / "nsddata/experiments/nsd/nsd_stim_info_merged.csv")
    assert read_nsd(folder, subjects=(1,), small_rois="keep").stimuli["cocoId"].tolist() == [510, 521, 532, 543, 554, 565]
    table[:20].to_csv(folder / "nsddata/experiments/nsd/nsd_stim_info_merged.csv")
    with pytest.raises(FileError, match="does not list all images that were shown"):
        read_nsd(folder, subjects=(1,), small_rois="keep")


def test_dead_voxels(folder: Path) -> None:
    evc, otc, _ = expected(1)
    where = np.argwhere(evc | otc)[4]
    with h5py.File(folder / MEASURED.format(1) / "betas_session02.hdf5", "r+") as file:
        file["betas"][:, where[2], where[1], where[0]] = 0
    for trials in (False, True):
        it = read_nsd(folder, subjects=(1,), bad_units="drop", small_rois="keep", trials=trials)
        assert it.width == (evc | otc).sum() - (not trials)
    with pytest.raises(NonFiniteError, match=r"1 of \d+ units are NaN for some stimulus; the first is unit 4"):
        read_nsd(folder, subjects=(1,), small_rois="keep")


def test_folders_that_do_not_fit(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"there is no file .*nsd_expdesign\.mat"):
        read_nsd(tmp_path)
    with pytest.raises(FileError, match=r"there are no betas of subj02: .*betas_session01\.hdf5 and so on"):
        read_nsd(folder, subjects=(1, 2))
    with pytest.raises(InputError, match=r"subjects are numbers from 1 to 8, each once; got \(1, 9\)"):
        read_nsd(folder, subjects=(1, 9))
    with pytest.raises(InputError, match="stimuli are 'shared', or 'all' of one subject: others were not shown those"):
        read_nsd(folder, subjects=(1, 5), stimuli="all")
    path = folder / MEASURED.format(1) / "betas_session02.hdf5"
    with h5py.File(path, "w") as file:
        file["betas"] = BETAS[1][1, :7].transpose(0, 3, 2, 1)
    with pytest.raises(ShapeError, match=r"betas_session02\.hdf5 has 7 trials, but a session has 12 by nsd_expdesign\.mat"):
        read_nsd(folder, subjects=(1,))
    with h5py.File(path, "w") as file:
        file["betas"] = BETAS[1][1]
    with pytest.raises(ShapeError, match=r"has voxels \(7, 6, 5\), but the ROIs have \(5, 6, 7\)"):
        read_nsd(folder, subjects=(1,))
    for link in (h5py.ExternalLink("/etc/passwd", "x"), h5py.SoftLink("/other")):
        with h5py.File(path, "w") as file:
            file["betas"] = link
        with pytest.raises(FileError, match=r"has no data set 'betas' with the axes \[trial, z, y, x\] of its own"):
            read_nsd(folder, subjects=(1,))
    path.write_bytes(b"no betas")
    with pytest.raises(FileError, match=r"betas_session02\.hdf5 cannot be read as betas"):
        read_nsd(folder, subjects=(1,))


def test_a_design_of_something_else(folder: Path) -> None:
    design = folder / "nsddata/experiments/nsd/nsd_expdesign.mat"
    scipy.io.savemat(design, {"masterordering": ORDER})
    with pytest.raises(FileError, match=r"has no variable 'subjectim'; it is not the design of NSD"):
        read_nsd(folder)
    scipy.io.savemat(design, {"masterordering": ORDER + 500, "subjectim": IMAGES, "sharedix": IMAGES[0, :6]})
    with pytest.raises(FileError, match=r"is not the design of NSD: masterordering must point into subjectim \[8, image\]"):
        read_nsd(folder)
