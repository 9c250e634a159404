"""Recordings from brain volumes: one image a stimulus, or a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.brains._presentations import gather
from isomorph.brains._recording import BadUnits, Recording, SmallROIs
from isomorph.brains._volumes import Mask, Volume, open_volumes
from isomorph.errors import InputError, ShapeError


def read_nifti(
    images: Any,
    *,
    mask: Any = None,
    rois: Mapping[str, Any] | None = None,
    ids: Sequence[str] | None = None,
    subject: str | None = None,
    name: str = "",
    bad_units: BadUnits = "error",
    small_rois: SmallROIs = "warn",
) -> Recording:
    """Read a volume for each stimulus (betas, t-maps, contrast images) into responses of voxels.

    Files are read a few volumes at a time; only the voxels of the mask stay in memory, in float32 unless the file has float64. Units have
    `voxel` ("i-j-k"), the indices `i`, `j`, `k`, the millimetres `x`, `y`, `z` (by the affine), a column for each ROI, and `subject`.

    Args:
        images: A file with four axes, a list of files with three (or of images of nibabel, or one of these): one volume a presentation.
        mask: Which voxels: a file, an image, or an array `[i, j, k]`, above 0 inside. Unless given, those of any ROI; without these too,
            those that vary over volumes.
        rois: Of each ROI its mask.
        ids: What was shown, one a volume. A stimulus that stands several times has repeats. Unless given, the names of the files (without
            their suffixes), or `"0"`, `"1"` … of volumes in one file.
        subject: Whose brain it is.
        name: What to call the recording.
        bad_units: See `Recording`.
        small_rois: See `Recording`.

    Raises:
        FileError: A file is missing, damaged or cut short.
        ShapeError: Images, mask or ROIs have different voxels, or there are more or fewer volumes than ids.
        InputError: Affines differ; a mask is empty, or holds other than whole numbers; and the errors of `Recording`.
        MissingDependencyError: nibabel is not installed.
    """
    import pandas

    volumes = open_volumes(images, what="image")
    first = volumes[0]
    regions = {region: _mask(each, first, f"the mask of {region!r}") for region, each in (rois or {}).items()}
    inside, notes = _inside(mask, regions, volumes)
    shown = _ids(images, ids, volumes)
    values = np.concatenate([block[inside.reshape(-1)] for volume in volumes for block in volume.blocks()], axis=1).T
    found, parts = gather(values, shown)
    where = np.argwhere(inside)
    units = pandas.DataFrame({"voxel": ["-".join(map(str, each)) for each in where.tolist()], **dict(zip("ijk", where.T, strict=True))})
    if first.affine is not None:
        millimetres = where @ first.affine[:3, :3].T + first.affine[:3, 3]
        units = units.assign(**dict(zip("xyz", millimetres.T, strict=True)))
    units = units.assign(**{region: each[inside].astype(np.int8) for region, each in regions.items()})
    if subject is not None:
        units.insert(0, "subject", subject)
    return Recording(
        ids=found, units=units, roi_columns=tuple(regions), name=name, notes=notes, bad_units=bad_units, small_rois=small_rois, **parts
    )


def _mask(source: Any, like: Volume, what: str) -> Mask:
    volume = Volume(source, what=what)
    volume.check_like(like)
    inside = volume.mask()
    if not inside.any():
        raise InputError(f"{volume.name} is empty: no voxel is above 0.")
    return inside


def _inside(mask: Any, regions: Mapping[str, Mask], volumes: Sequence[Volume]) -> tuple[Mask, tuple[str, ...]]:
    """`[i, j, k]`: the voxels to keep, and a note where nobody said which."""
    if mask is not None:
        inside = _mask(mask, volumes[0], "the mask")
        outside = {region: count for region, each in regions.items() if (count := int((each & ~inside).sum()))}
        return inside, tuple(f"{count} voxels of {region!r} lie outside the mask" for region, count in outside.items())
    if regions:
        union: Mask = np.any(list(regions.values()), axis=0)
        return union, ()
    varying = _varying(volumes).reshape(volumes[0].space)
    if not varying.any():
        raise InputError(f"no voxel of {volumes[0].name} varies over volumes.")
    return varying, (f"no mask was given: the {int(varying.sum()):,} of {varying.size:,} voxels that vary over volumes, without NaN",)


def _varying(volumes: Sequence[Volume]) -> npt.NDArray[np.bool_]:
    """`[voxel]`: whether there is no NaN, and not the same number in every volume."""
    first: FloatArray | None = None
    for volume in volumes:
        for block in volume.blocks():
            if first is None:
                first = block[:, :1].copy()
                finite, varying = np.ones(len(first), dtype=np.bool_), np.zeros(len(first), dtype=np.bool_)
            finite &= np.isfinite(block).all(axis=1)
            varying |= (block != first).any(axis=1)
    return np.asarray(finite & varying)


def _ids(images: Any, ids: Sequence[str] | None, volumes: Sequence[Volume]) -> list[str]:
    total = sum(each.count for each in volumes)
    if ids is not None:
        if len(ids) != total:
            raise ShapeError(f"there are {total} volumes, but {len(ids)} ids of stimuli. One a volume is needed.")
        return [str(each) for each in ids]
    listed = isinstance(images, Sequence) and not isinstance(images, str)
    if listed and total == len(volumes) and all(isinstance(each, str | Path) for each in images):
        return [Path(each).name.split(".nii")[0] for each in images]
    return [str(number) for number in range(total)]
