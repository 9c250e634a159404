"""Features into a folder as thingsvision writes it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import FileError, IdError, InputError, UnknownNameError
from isomorph.features._features import Features
from isomorph.features._thingsvision import ABOUT, NAMES
from isomorph.spec import to_plain

ThingsvisionFormat: TypeAlias = Literal["npy", "hdf5", "mat", "txt", "pt"]
THINGSVISION_FORMATS: tuple[ThingsvisionFormat, ...] = get_args(ThingsvisionFormat)


def save_thingsvision(x: Features, folder: Path | str, *, format: ThingsvisionFormat = "npy") -> Path:
    """Write features as thingsvision does: `features.npy` (or another format) and `file_names.txt`, one name a row.

    `isomorph.json` beside them holds layer, subject and provenance, so that `load_features(folder)` gives back just what was written;
    thingsvision does not look at it. The folder is there whole or not at all.

    Args:
        x: What to write.
        folder: A new or empty folder.
        format: `"npy"`, `"hdf5"` (data set `features`), `"mat"` (variable `features`), `"txt"` (all digits) or `"pt"` (a tensor).

    Returns:
        The folder.

    Raises:
        UnknownNameError: There is no such format.
        IdError: An id cannot stand on a line of its own.
        InputError: The matrix is too large for a `.mat` file.
        FileError: The folder holds something already, or cannot be written.

    Example:
        >>> import tempfile
        >>> x = Features(np.eye(2), ("animal/cat.png", "tool/saw.png"), layer="norm")
        >>> with tempfile.TemporaryDirectory() as place:
        ...     sorted(each.name for each in save_thingsvision(x, f"{place}/norm").iterdir())
        ['features.npy', 'file_names.txt', 'isomorph.json']
    """
    if format not in THINGSVISION_FORMATS:
        raise UnknownNameError("format of features", str(format), THINGSVISION_FORMATS)
    folder = Path(folder)
    check_new_folder(folder)
    broken = [each for each in x.ids if not each or "\n" in each or "\r" in each]
    if broken:
        raise IdError(f"{len(broken)} of {len(x)} ids cannot stand on a line of {NAMES}; the first is {broken[0]!r}. Rename them.")
    about = {"subject": x.subject, "layer": x.layer, "provenance": to_plain(x.provenance)}
    temporary = folder.parent / f".{folder.name}.{os.getpid()}-{secrets.token_hex(6)}.tmp"
    try:
        temporary.mkdir(parents=True)
        _WRITERS[format](temporary / f"features.{format}", x.values)
        (temporary / NAMES).write_text("".join(f"{each}\n" for each in x.ids), encoding="utf-8", newline="\n")
        (temporary / ABOUT).write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")
        temporary.replace(folder)
    except (OSError, UnicodeEncodeError) as error:
        raise FileError(f"{folder} cannot be written: {getattr(error, 'strerror', None) or error}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def check_new_folder(folder: Path) -> None:
    """Raise `FileError` if something stands at `folder` already."""
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise FileError(f"{folder} exists already, and nothing is overwritten. Name a new folder, or empty this one.")


def _npy(path: Path, values: FloatArray) -> None:
    np.save(path, values)


def _hdf5(path: Path, values: FloatArray) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=values)


def _mat(path: Path, values: FloatArray) -> None:
    from scipy.io import savemat

    if values.nbytes >= 1 << 31:
        raise InputError(f"features of {values.nbytes:,} bytes are too large for a .mat file, which ends at 2 GiB. Write npy or hdf5.")
    savemat(path, {"features": values})


def _txt(path: Path, values: FloatArray) -> None:
    np.savetxt(path, values, fmt="%.17g")


def _pt(path: Path, values: FloatArray) -> None:
    import torch

    torch.save(torch.from_numpy(np.array(values)), path)


_WRITERS: dict[str, Callable[[Path, Any], None]] = {"npy": _npy, "hdf5": _hdf5, "mat": _mat, "txt": _txt, "pt": _pt}
