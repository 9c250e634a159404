"""A transform over features on disk, without either matrix in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from isomorph.alignment._apply import affine_blocks, apply_affine
from isomorph.alignment._fitted_transform import FittedTransform
from isomorph.arrays import FloatArray
from isomorph.errors import FileError, InputError
from isomorph.features import Features
from isomorph.store._atomic import temporary_file


def transform_to_file(
    x: Features, fitted: FittedTransform, path: Path | str, *, precision: Literal["same", "float32", "float64"] = "same"
) -> None:
    """Write mapped features: `.npy` (the numbers; streamed), or `.npz` or `.safetensors` with the ids.

    Args:
        x: The features; memory-mapped ones are read block by block.
        fitted: The map.
        path: The file; it appears whole or not at all.
        precision: Of arithmetic and file; `"same"`: that of `x`.

    Raises:
        InputError: The suffix is another; or what `FittedTransform.transform` raises.
        FileError: The file cannot be written.
    """
    path = Path(path)
    if path.suffix not in (".npy", ".npz", ".safetensors"):
        raise InputError(f"mapped features are written as .npy, .npz or .safetensors; got {path.name!r}.")
    fitted.check(x)
    dtype = x.values.dtype if precision == "same" else np.dtype(precision)
    try:
        with temporary_file(path, needed=len(x) * fitted.output_width * dtype.itemsize, durable=False) as (_, temporary):
            if path.suffix == ".npy":
                _write_npy(temporary, x, fitted, dtype)
            else:
                values = apply_affine(x.values, fitted, out=np.empty((len(x), fitted.output_width), dtype), ids=x.ids)
                _write_with_ids(temporary, path.suffix, values, x.ids)
        temporary.replace(path)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path} cannot be written: {getattr(error.__cause__, 'strerror', None) or error.strerror or error}.") from error


def _write_npy(path: Path, x: Features, fitted: FittedTransform, dtype: np.dtype[Any]) -> None:
    """Through one buffer: pages of a mapped file would each cost a fault, and wait for the disk at the end."""
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (len(x), fitted.output_width)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block in affine_blocks(x.values, fitted, dtype, ids=x.ids):
            file.write(block.data)


def _write_with_ids(temporary: Path, suffix: str, values: FloatArray, ids: tuple[str, ...]) -> None:
    import json

    if suffix == ".npz":
        with temporary.open("wb") as file:
            np.savez(file, features=values, ids=np.array(ids))
        return
    from safetensors.numpy import save_file

    save_file({"features": values}, temporary, metadata={"ids": json.dumps(list(ids))})
