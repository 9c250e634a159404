"""One subject of the Natural Scenes Dataset: voxels, what was shown, and betas session by session."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.brains._volumes import Mask, Volume
from isomorph.errors import FileError, InputError, ShapeError

if TYPE_CHECKING:
    import pandas

_ATLASES = {
    "prf-visualrois": ("V1v", "V1d", "V2v", "V2d", "V3v", "V3d", "hV4"),
    "floc-faces": ("OFA", "FFA-1", "FFA-2", "mTL-faces", "aTL-faces"),
    "floc-bodies": ("EBA", "FBA-1", "FBA-2", "mTL-bodies"),
    "floc-places": ("OPA", "PPA", "RSC"),
    "floc-words": ("OWFA", "VWFA-1", "VWFA-2", "mfs-words", "mTL-words"),
}
_CONTRASTS = {"faces": ("faces",), "bodies": ("bodies",), "places": ("places",), "words": ("word", "words", "characters")}
_EARLY_OR_PARIETAL = (1, 4, 7)  # of streams: early, midventral, midlateral, midparietal, ventral, lateral, parietal
_OF_OTC = ("FFA-1", "FFA-2", "OFA", "EBA", "FBA-1", "FBA-2", "OPA", "PPA", "VWFA-1", "VWFA-2", "OWFA")
_BLOCK_BYTES = 64 << 20


@dataclass(frozen=True, kw_only=True)
class NSDSubject:
    """The files of one subject.

    Attributes:
        folder: Where `nsddata` and `nsddata_betas` lie.
        number: 1 to 8.
        space: The folder of the resolution.
        betas: The folder of the version of the betas.
    """

    folder: Path
    number: int
    space: str
    betas: str

    @property
    def name(self) -> str:
        """What files call the subject: `subj01`."""
        return f"subj{self.number:02d}"

    @property
    def _prepared(self) -> Path:
        return self.folder / "nsddata" / "ppdata" / self.name / self.space

    @property
    def _measured(self) -> Path:
        return self.folder / "nsddata_betas" / "ppdata" / self.name / self.space / self.betas

    def sessions(self) -> list[tuple[int, Path]]:
        """The sessions that are there, in order."""
        files = sorted(self._measured.glob("betas_session*"), reverse=True)  # of one session .hdf5 comes last, and stands
        found = {int(each[1]): path for path in files if (each := re.fullmatch(r"betas_session(\d+)\.(?:hdf5|nii\.gz)", path.name))}
        if not found:
            raise FileError(f"there are no betas of {self.name}: {self._measured / 'betas_session01.hdf5'} and so on.")
        return sorted(found.items())

    def voxels(self, *, min_ncsnr: float, min_t: float | None) -> tuple[Mask, pandas.DataFrame]:
        """`[i, j, k]`: the voxels of EVC and OTC; and a row of the table of units for each."""
        import pandas

        ncsnr = Volume(self._measured / "ncsnr.nii.gz", what="ncsnr")
        ratio = ncsnr.values()
        reliable = np.nan_to_num(ratio) >= min_ncsnr
        streams = self._labels("streams", ncsnr)
        rois = {name: each for atlas in _ATLASES for name, each in self._atlas(atlas, ncsnr, min_t).items()}
        localised: Mask = np.any([rois[name] for name in _OF_OTC], axis=0)
        general = (self._labels("nsdgeneral", ncsnr) > 0) & ~np.isin(streams, _EARLY_OR_PARIETAL)
        evc: Mask = np.any([rois[name] for name in _ATLASES["prf-visualrois"]], axis=0)
        rois = {"EVC": evc, "OTC": (general | localised) & reliable, **rois}
        inside = rois["EVC"] | rois["OTC"]
        where = np.argwhere(inside)
        columns = {name: each[inside].astype(np.int8) for name, each in rois.items() if each[inside].any()}
        table = pandas.DataFrame(
            {
                "subject": self.name,
                "voxel": ["-".join(map(str, each)) for each in where.tolist()],
                **dict(zip("ijk", where.T, strict=True)),
                "ncsnr": ratio[inside].astype(np.float64),
                **columns,
            }
        )
        return inside, table

    def _labels(self, name: str, like: Volume) -> IntArray:
        volume = Volume(self._prepared / "roi" / f"{name}.nii.gz", what=name)
        volume.check_like(like)
        return np.nan_to_num(volume.values(), nan=-1).astype(np.int32)

    def _atlas(self, atlas: str, like: Volume, min_t: float | None) -> dict[str, Mask]:
        """Of each label of an atlas where it is; of localisers where their contrast is strong, too."""
        labels = self._labels(atlas, like)
        strong: Any = True
        if min_t is not None and atlas.startswith("floc-"):
            strong = np.nan_to_num(self._contrast(atlas.removeprefix("floc-"), like), nan=-np.inf) >= min_t
        return {name: np.asarray((labels == label) & strong) for label, name in enumerate(_ATLASES[atlas], start=1)}

    def _contrast(self, category: str, like: Volume) -> FloatArray:
        """The t-values of a localiser."""
        paths = [self._prepared / f"floc_{each}tval.nii.gz" for each in _CONTRASTS[category]]
        path = next((each for each in paths if each.exists()), None)
        if path is None:
            raise FileError(
                f"there is no file {paths[0]} with the t-values of the localiser. Pass min_t=None to take its ROIs as drawn (t > 0)."
            )
        volume = Volume(path, what=category)
        volume.check_like(like)
        return volume.values()

    def session(self, path: Path, inside: Mask, *, trials: int) -> FloatArray:
        """`[trial, voxel]`, on the scale of the file; only a part of it is in memory at a time."""
        if path.suffix == ".gz":
            volumes = Volume(path, what="betas")
            _check_shape(path, (volumes.count, *volumes.space), (trials, *inside.shape))
            return np.concatenate([block[inside.ravel()].T for block in volumes.blocks()])
        values, axis = _parts(path, inside, trials)
        i, j, k = np.nonzero(inside)
        in_file = np.lexsort((i, j, k))  # files go by z, then y, then x; the table by i, then j, then k
        return np.concatenate(values, axis=axis)[:, np.argsort(in_file)]


def _parts(path: Path, inside: Mask, trials: int) -> tuple[list[FloatArray], int]:
    """Parts of an HDF5 file, and the axis along which they follow each other: trials if it keeps these apart, else voxels."""
    import h5py

    wanted = inside.transpose(2, 1, 0)
    try:
        with h5py.File(path, "r") as file:
            betas = file["betas"] if isinstance(file.get("betas", getlink=True), h5py.HardLink) else None
            if not isinstance(betas, h5py.Dataset) or betas.external or betas.is_virtual or betas.ndim != 4:
                raise FileError(f"{path} has no data set 'betas' with the axes [trial, z, y, x] of its own.")
            _check_shape(path, (len(betas), *betas.shape[:0:-1]), (trials, *inside.shape))
            axis = 0 if betas.chunks is not None and betas.chunks[0] == 1 else 1
            step = max(1, _BLOCK_BYTES * betas.shape[axis] // max(betas.nbytes, 1))
            if axis and betas.chunks is not None:
                step = max(betas.chunks[1], step // betas.chunks[1] * betas.chunks[1])  # whole chunks: none is unpacked twice
            return [_part(betas, wanted, slice(start, start + step), axis) for start in range(0, betas.shape[axis], step)], axis
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        if isinstance(error, FileError | InputError):
            raise
        raise FileError(f"{path} cannot be read as betas: {error}. It is damaged, or something else.") from error


def _check_shape(path: Path, found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if found[1:] != wanted[1:]:
        raise ShapeError(f"{path} has voxels {found[1:]}, but the ROIs have {wanted[1:]}.")
    if found[0] != wanted[0]:
        raise ShapeError(f"{path} has {found[0]} trials, but a session has {wanted[0]} by nsd_expdesign.mat.")


def _part(betas: Any, wanted: Mask, part: slice, axis: int) -> FloatArray:
    """`[trial, voxel]` of some trials, or of the voxels in some slices."""
    values = betas[part][:, wanted] if axis == 0 else betas[:, part][:, wanted[part]] if wanted[part].any() else betas[:, :0, 0, 0]
    return np.asarray(values, dtype=np.float32)
