"""Volumes that nibabel wrote."""

from pathlib import Path

import numpy as np
import pytest

from isomorph.brains import _volumes as volumes_module
from isomorph.brains import read_nifti
from isomorph.errors import FileError, InputError, NonFiniteError, ShapeError

nibabel = pytest.importorskip("nibabel", reason="volumes are written with nibabel")
AFFINE = np.array([[2.0, 0, 0, -10], [0, 2, 0, -20], [0, 0, 3, 5], [0, 0, 0, 1]])
SHAPE = (4, 5, 6)
VALUES = np.random.default_rng(0).normal(size=(*SHAPE, 7)).astype(np.float32)
MASK = np.random.default_rng(1).random(SHAPE) < 0.4


def image(values: np.ndarray, affine: np.ndarray = AFFINE) -> object:
    return nibabel.Nifti1Image(values, affine)


def save(path: Path, values: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    nibabel.save(image(values, affine), path)
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_series_and_a_mask(tmp_path: Path, suffix: str) -> None:
    series, mask = save(tmp_path / f"b{suffix}", VALUES), save(tmp_path / f"m{suffix}", MASK.astype(np.uint8))
    v1 = np.zeros(SHAPE, dtype=np.int16)
    v1[:2] = 3  # labels are members too
    it = read_nifti(series, mask=mask, rois={"V1": v1, "all": mask}, subject="s1", name="n")
    assert it.ids == tuple("0123456")
    assert np.array_equal(it.responses, VALUES[MASK].T)
    assert it.rois == {"V1": {"s1": int(MASK[:2].sum())}, "all": {"s1": int(MASK.sum())}}
    assert it.notes == (f"{int((~MASK[:2]).sum())} voxels of 'V1' lie outside the mask",)
    row = it.units.iloc[5]
    i, j, k = np.argwhere(MASK)[5]
    assert row["voxel"] == f"{i}-{j}-{k}"
    assert row[["x", "y", "z"]].tolist() == [2 * i - 10, 2 * j - 20, 3 * k + 5]


def test_a_file_a_stimulus(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{name}.nii.gz", VALUES[..., row]) for row, name in enumerate(("cat", "dog", "a.b"))]
    it = read_nifti(paths, mask=MASK)
    assert it.ids == ("cat", "dog", "a.b")
    assert np.array_equal(it.responses, VALUES[MASK][:, :3].T)
    repeated = read_nifti([str(each) for each in paths], mask=MASK, ids=["x", "y", "x"])
    assert np.array_equal(repeated.trials[0], VALUES[MASK][:, [0, 2]].T)
    assert repeated.repeats.tolist() == [2, 1]


def test_images_in_memory_and_scaled_integers() -> None:
    it = read_nifti([image(VALUES[..., each]) for each in range(4)], mask=image(MASK.astype(np.float32)))
    assert np.array_equal(it.responses, VALUES[MASK][:, :4].T)
    assert it.ids == ("0", "1", "2", "3")
    assert read_nifti(image((100 * VALUES).astype(np.int16)), mask=MASK).responses.dtype == np.float32


def test_blocks_are_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "b.nii.gz", VALUES)
    monkeypatch.setattr(volumes_module, "_BLOCK_BYTES", 2 * 8 * VALUES[..., 0].size)
    assert np.array_equal(read_nifti(path, mask=MASK).responses, VALUES[MASK].T)
    assert np.array_equal(read_nifti(path).responses, VALUES.reshape(-1, 7).T)


def test_without_a_mask_voxels_that_vary() -> None:
    values = VALUES.copy()
    values[0] = 0
    values[1, 0, 0, 3] = np.nan
    it = read_nifti(image(values))
    assert it.width == 3 * 5 * 6 - 1
    assert it.notes == ("no mask was given: the 89 of 120 voxels that vary over volumes, without NaN",)
    assert read_nifti(image(values), rois={"V1": MASK & (np.indices(SHAPE)[0] > 1)}).rois.keys() == {"V1"}
    with pytest.raises(InputError, match="no voxel of image varies over volumes"):
        read_nifti(image(np.zeros((*SHAPE, 3))))


def test_other_spaces(tmp_path: Path) -> None:
    series = save(tmp_path / "b.nii", VALUES)
    with pytest.raises(ShapeError, match=r"the mask has voxels \(4, 5, 5\), but .*b\.nii has \(4, 5, 6\)\. Bring both into one space\."):
        read_nifti(series, mask=MASK[..., :5])
    moved = AFFINE.copy()
    moved[0, 3] += 1.5
    with pytest.raises(
        InputError, match=r"m\.nii and .*b\.nii have the same shape, but lie elsewhere in space: their affines differ by up to 1\.5"
    ):
        read_nifti(series, mask=save(tmp_path / "m.nii", MASK.astype(np.uint8), moved))
    with pytest.raises(InputError, match="image 1 and image 0 have the same shape, but lie elsewhere"):
        read_nifti([image(VALUES[..., 0]), image(VALUES[..., 1], moved)])
    with pytest.raises(ShapeError, match=r"the mask of 'V1' has 7 volumes; a mask has one"):
        read_nifti(series, rois={"V1": image(VALUES)})


def test_what_is_no_mask() -> None:
    with pytest.raises(InputError, match=r"the mask is to be a mask, but holds 0\.3\. Threshold it first"):
        read_nifti(image(VALUES), mask=image(np.full(SHAPE, 0.3)))
    with pytest.raises(InputError, match="the mask of 'V1' is empty: no voxel is above 0"):
        read_nifti(image(VALUES), rois={"V1": np.zeros(SHAPE)})


def test_numbers_of_volumes() -> None:
    with pytest.raises(ShapeError, match=r"there are 7 volumes, but 6 ids of stimuli\. One a volume is needed"):
        read_nifti(image(VALUES), mask=MASK, ids=list("abcdef"))
    with pytest.raises(ShapeError, match=r"image has shape \(4, 5\); a volume has three axes, a series of volumes four"):
        read_nifti(VALUES[..., 0, 0])
    with pytest.raises(InputError, match="there are no images"):
        read_nifti([])


def test_bad_voxels() -> None:
    values = VALUES.copy()
    where = np.argwhere(MASK)
    values[(*where[3], 2)] = np.nan
    values[tuple(where[4])] = 1
    with pytest.raises(NonFiniteError, match="1 of 45 units are NaN for some stimulus; the first is unit 3"):
        read_nifti(image(values), mask=MASK)
    it = read_nifti(image(values), mask=MASK, bad_units="drop")
    assert it.notes[-1] == "2 of 45 units dropped: 1 with NaN, 1 constant"
    small = np.zeros(SHAPE)
    small[tuple(where[:3].T)] = 1
    with pytest.warns(UserWarning, match="the ROI 'V1' has 3 units, fewer than 10"):
        read_nifti(image(VALUES), mask=MASK, rois={"V1": small})


def test_damaged_files(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no file"):
        read_nifti(tmp_path / "none.nii")
    (tmp_path / "text.nii").write_text("no brain")
    with pytest.raises(FileError, match=r"text\.nii cannot be read as a brain image"):
        read_nifti(tmp_path / "text.nii")
    for suffix in (".nii", ".nii.gz"):
        whole = save(tmp_path / f"w{suffix}", VALUES)
        (tmp_path / f"cut{suffix}").write_bytes(whole.read_bytes()[:1500])
        with pytest.raises(FileError, match="It is damaged"):
            read_nifti(tmp_path / f"cut{suffix}", mask=MASK)
    header = bytearray((tmp_path / "w.nii").read_bytes())
    header[42:48] = np.array([30000, 30000, 30000], dtype="<i2").tobytes()
    (tmp_path / "huge.nii").write_bytes(bytes(header))
    with pytest.raises(FileError, match=r"has volumes of \(30000, 30000, 30000\), which is no brain"):
        read_nifti(tmp_path / "huge.nii")
