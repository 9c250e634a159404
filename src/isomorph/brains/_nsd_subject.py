"""One subject of the Natural Scenes Dataset: voxels, what was shown, and betas session by session."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
        found = [
            (int(each[1]), path) for path in self._measured.glob("betas_session*.hdf5") if (each := re.search(r"(\d+)\.hdf5$", path.name))
        ]
        if not found:
            raise FileError(f"there are no betas of {self.name}: {self._measured / 'betas_session01.hdf5'} and so on.")
        return sorted(found)

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

    def session(self, path: Path, inside: Mask) -> FloatArray:
        """`[trial, voxel]`: percent signal change; a few trials are in memory at a time, whole volumes never all."""
        return np.concatenate(list(self._parts(path, inside)))

    def _parts(self, path: Path, inside: Mask) -> Iterator[FloatArray]:
        import h5py

        wanted = inside.transpose(2, 1, 0)  # files have [trial, z, y, x]
        order = np.argsort(np.ravel_multi_index(np.nonzero(wanted)[::-1], inside.shape))  # and the table goes by x, then y, then z
        try:
            with h5py.File(path, "r") as file:
                betas = file.get("betas") if not isinstance(file.get("betas", getlink=True), h5py.ExternalLink) else None
                if not isinstance(betas, h5py.Dataset) or betas.external or betas.is_virtual or betas.ndim != 4:
                    raise FileError(f"{path} has no data set 'betas' with the axes [trial, z, y, x] of its own.")
                if betas.shape[1:] != wanted.shape:
                    raise ShapeError(f"{path} has voxels {betas.shape[:0:-1]}, but the ROIs of {self.name} have {inside.shape}.")
                step = max(1, _BLOCK_BYTES // (wanted.size * betas.dtype.itemsize))
                scale = 300.0 if betas.dtype.kind in "iu" else 1.0  # integers are percent signal change times 300
                for start in range(0, len(betas), step):
                    yield (betas[start : start + step][:, wanted][:, order] / scale).astype(np.float32)
        except (OSError, KeyError, RuntimeError, ValueError) as error:
            if isinstance(error, FileError | InputError):
                raise
            raise FileError(f"{path} cannot be read as betas: {error}. It is damaged, or something else.") from error
