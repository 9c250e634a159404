"""Judgments into the files of other programs, and ours."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from isomorph.errors import FileError, InputError, UnknownNameError
from isomorph.judgments._alignet import write_alignet
from isomorph.judgments._own_files import write_own
from isomorph.judgments._things_csv import IMAGES
from isomorph.judgments._triplets import Triplets

_SUFFIXES = {
    "isomorph": (".npz", ".csv"), "things": (".npy", ".txt"), "cblearn": (".npy", ".txt"), "things-csv": (".csv", ".tsv"),
    "alignet": (".npz",),
}  # fmt: skip
_KEPT = {"things": set[str](), "cblearn": set[str](), "things-csv": set[str](), "alignet": {"similarities", "objects"}}


def save_triplets(triplets: Triplets, path: Path | str, format: str = "auto") -> None:
    """Write judgments; `load_triplets` of the same format reads them back.

    A format that cannot hold a part (names, similarities, response times …) warns with what is left out.

    Args:
        triplets: What to write.
        path: The file; its suffix must belong to the format.
        format: `"isomorph"` (`.npz`, `.csv`), `"things"` or `"cblearn"` (`.npy`, `.txt`), `"things-csv"`, `"alignet"` (`.npz`); `"auto"`
            is ours for `.npz` and `.csv`, else `"things"`.

    Raises:
        InputError: The suffix is not one of the format, or the format cannot hold such trials.
        FileError: The file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    name = ("isomorph" if suffix in (".npz", ".csv") else "things") if format == "auto" else format
    if name not in _SUFFIXES:
        raise UnknownNameError("format for writing triplets", name, _SUFFIXES)
    if suffix not in _SUFFIXES[name]:
        raise InputError(f"the format {name!r} is written as {' or '.join(_SUFFIXES[name])}; got {path.name!r}.")
    if name != "isomorph":
        if triplets.task != "odd-one-out":
            raise InputError(f"the format {name!r} holds odd-one-out trials; {triplets.task} trials are written as 'isomorph'.")
        _warn_of_losses(triplets, name)
    if name == "alignet":
        if triplets.similarities is None:
            raise InputError("the format 'alignet' needs similarities, and these judgments have none.")
        write_alignet(path, triplets)
        return
    try:
        _write(triplets, path, name)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror or error}.") from error


def _warn_of_losses(triplets: Triplets, name: str) -> None:
    parts = [each for each in ("similarities", "soft", "response_times", "participants") if getattr(triplets, each) is not None]
    numbered = triplets.objects == tuple(map(str, range(len(triplets.objects))))
    lost = [each for each in [*parts, *([] if numbered else ["objects"])] if each not in _KEPT[name]]
    if lost:
        warnings.warn(f"the format {name!r} has no place for {', '.join(lost)}; they are left out.", stacklevel=3)


def _write(triplets: Triplets, path: Path, name: str) -> None:
    items = triplets.items
    if name == "isomorph":
        write_own(triplets, path)
    elif name == "things-csv":
        table = np.column_stack([items + 1, np.full(len(items), 3)])
        np.savetxt(path, table, fmt="%d", delimiter="\t", header="\t".join((*IMAGES, "choice")), comments="")
    else:
        table = items[:, [2, 0, 1]] if name == "cblearn" else items
        if path.suffix.lower() == ".npy":
            np.save(path, table)
        else:
            np.savetxt(path, table, fmt="%d")
