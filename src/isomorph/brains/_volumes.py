"""Brain volumes of one space: opened, checked and read in parts."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.errors import FileError, InputError, MissingDependencyError, ShapeError

Mask = npt.NDArray[np.bool_]
_BLOCK_BYTES = 256 << 20
_LIMIT_BYTES = 4 << 30


class Volume:
    """An image file, or one in memory: its shape, where it lies in space, and its numbers when asked.

    Args:
        source: A path, an image of nibabel, or an array (which does not say where it lies).
        what: What messages call it unless it is a file.
    """

    def __init__(self, source: Any, *, what: str) -> None:
        self.name = str(source) if isinstance(source, str | Path) else what
        image = _loaded(Path(source)) if isinstance(source, str | Path) else source
        self.affine: FloatArray | None = None
        if hasattr(image, "dataobj") and hasattr(image, "affine"):
            self.affine, self._values = np.asarray(image.affine, dtype=np.float64), image.dataobj
        else:
            self._values = np.asarray(image)
        shape = tuple(int(each) for each in self._values.shape)
        while len(shape) > 3 and shape[-1] == 1:
            shape = shape[:-1]
        if len(shape) not in (3, 4):
            raise ShapeError(f"{self.name} has shape {shape}; a volume has three axes, a series of volumes four.")
        if math.prod(shape[:3]) * 8 > _LIMIT_BYTES:
            raise FileError(f"{self.name} has volumes of {shape[:3]}, which is no brain: over {_LIMIT_BYTES >> 30} GB each.")
        self.shape: tuple[int, ...] = shape
        self.space = shape[:3]
        self.count = shape[3] if len(shape) == 4 else 1

    def check_like(self, other: Volume) -> None:
        """Raise unless it lies where `other` does."""
        if self.space != other.space:
            raise ShapeError(f"{self.name} has voxels {self.space}, but {other.name} has {other.space}. Bring both into one space.")
        if self.affine is None or other.affine is None or np.allclose(self.affine, other.affine, atol=1e-3):
            return
        apart = float(np.abs(self.affine - other.affine).max())
        raise InputError(
            f"{self.name} and {other.name} have the same shape, but lie elsewhere in space: their affines differ by up to {apart:.3g}. "
            "Resample one to the other."
        )

    def mask(self) -> Mask:
        """Where it is above 0; NaN is not."""
        if self.count != 1:
            raise ShapeError(f"{self.name} has {self.count} volumes; a mask has one.")
        values = self._read(slice(None)).reshape(self.space)
        labels = values[np.isfinite(values)]
        if (labels != np.round(labels)).any():
            raise InputError(
                f"{self.name} is to be a mask, but holds {labels[labels != np.round(labels)][0]:.4g}. Threshold it first: (values > t)."
            )
        return np.asarray(np.isfinite(values) & (values > 0))

    def values(self) -> FloatArray:
        """The one volume, `[i, j, k]`."""
        if self.count != 1:
            raise ShapeError(f"{self.name} has {self.count} volumes; one is needed.")
        return self._read(slice(None)).reshape(self.space)

    def blocks(self) -> Iterator[FloatArray]:
        """`[voxel, volume]` of a few volumes at a time, so that memory stays bounded."""
        step = max(1, _BLOCK_BYTES // (math.prod(self.space) * 8))
        for start in range(0, self.count, step):
            yield self._read(slice(start, start + step)).reshape(math.prod(self.space), -1)

    def _read(self, volumes: slice) -> FloatArray:
        """In float32, or float64 where the file has it."""
        try:
            part = np.asanyarray(self._values[..., volumes] if len(self.shape) == 4 else self._values[...])
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise FileError(f"{self.name} cannot be read to its end: {error}. It is damaged, or was cut short.") from error
        if part.dtype.kind not in "fiub":
            raise InputError(f"{self.name} holds {part.dtype}, and no real numbers.")
        if part.dtype not in (np.float32, np.float64):
            part = part.astype(np.float32 if part.dtype.itemsize <= 2 else np.float64)
        result: FloatArray = part
        return result


def open_volumes(sources: Any, *, what: str) -> list[Volume]:
    """One file or image, or a list of them, that lie in one space."""
    listed = list(sources) if isinstance(sources, Sequence) and not isinstance(sources, str) else [sources]
    if not listed:
        raise InputError(f"there are no {what}s.")
    volumes = [Volume(each, what=f"{what} {number}" if len(listed) > 1 else what) for number, each in enumerate(listed)]
    for each in volumes[1:]:
        each.check_like(volumes[0])
    return volumes


def _loaded(path: Path) -> Any:
    try:
        import nibabel
    except ImportError as error:
        raise MissingDependencyError("nibabel", needed_by=f"reading {path.name}", install="pip install 'isomorph[nifti]'") from error
    try:
        return nibabel.load(path)
    except FileNotFoundError as error:
        raise FileError(f"there is no file {path}.") from error
    except Exception as error:  # headers fail in many ways on damaged files; all mean the same
        raise FileError(f"{path} cannot be read as a brain image: {str(error).rstrip('.')}. It is damaged, or something else.") from error
